import { hj } from "../lib/hellojohn.js";

export const dynamic = "force-dynamic";

export default async function Page() {
  const { sessions } = await hj.stats();
  return <p>active sessions: {String(sessions.active)}</p>;
}
