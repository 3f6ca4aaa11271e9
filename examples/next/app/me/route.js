import { hj } from "../../lib/auth.js";

// A route handler has the request itself, with its method: by cookies or by a bearer token.
export async function GET(request) {
  const auth = await hj.authorize(request);
  return auth instanceof Response ? auth : Response.json(auth);
}

export async function POST(request) {
  const auth = await hj.authorize(request, { role: "admin", mfa: true, maxAge: "5m" });
  return auth instanceof Response ? auth : new Response("for admins who have just passed a second factor");
}
