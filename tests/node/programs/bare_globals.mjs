// A host without the globals that test environments take away or replace: jsdom has few of Node's, fake timers never fire.
// The argument names what is done to them, before the package is loaded or after.
import { createRequire, syncBuiltinESMExports } from "node:module";

const NAMES = [
  ...["setImmediate", "clearImmediate", "setTimeout", "clearTimeout", "setInterval", "queueMicrotask"],
  ...["performance", "structuredClone", "Buffer", "URL", "Headers", "TextEncoder"],
];
const way = process.argv[2];
const require = createRequire(import.meta.url);

function takeAway() {
  for (const name of NAMES) {
    if (way === "missing") delete globalThis[name];
    else if (!/^[A-Z]/.test(name)) globalThis[name] = () => ({});
  }
  if (way !== "missing") globalThis.performance = { now: () => 0 };
  // Fake timers replace the members of Node's module, too.
  if (way === "faked") for (const name of NAMES.slice(0, 5)) require("node:timers")[name] = () => ({});
  syncBuiltinESMExports();
}

if (way !== "replaced later") takeAway();
const { HelloJohn } = await import("@hellojohn/node");
if (way === "replaced later") takeAway();

const hj = new HelloJohn({
  tenantId: "tnt_a",
  secretKey: "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA",
  database: process.argv[3],
});
const claims = { plan: { name: "pro", seats: [1, 2] } };
const { session, accessToken } = await hj.sessions.create({ userId: "usr_1", claims });
for (let n = 0; n < 6_000; n += 1) {
  if ((await hj.sessions.get(session.id)).claims.plan.seats.length !== 2) throw new Error("claims");
}
for (let n = 0; n < 200; n += 1) {
  if (!(await hj.verifyTokenRemote(accessToken)).valid) throw new Error("token");
  if ((await hj.sessions.list("usr_1")).length !== 1) throw new Error("list");
  await hj.verifyToken(accessToken);
}
const request = {
  url: "https://a.example/me",
  headers: new Map([["authorization", `Bearer ${accessToken}`]]),
};
console.log((await hj.authorize(request)).userId);
await hj.close();
