import { hj } from "../../lib/hellojohn.js";

export async function GET(request) {
  const auth = await hj.authorize(request);
  return auth instanceof Response ? auth : Response.json(auth);
}
