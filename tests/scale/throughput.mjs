// How many calls a second one server carries, from one process and from two, each with many callers at once.
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { HelloJohn } from "@hellojohn/node";
import { atOnce } from "../bench/duel.mjs";
import { signIn } from "../bench/ours.mjs";

const CALLERS = 128;
const POOL = 4_000;
const SECONDS = 6;

const openTenant = () =>
  new HelloJohn({
    tenantId: "tnt_scale",
    secretKey: "sk_live_scale_8Kc4Xw7Nt2Qz6Bp1Lm5Y",
    database: process.env.HJ_PG,
  });

/** Calls for so many seconds: how many were answered. */
async function answered(call) {
  const end = performance.now() + SECONDS * 1000;
  let calls = 0;
  const caller = async (_, at) => {
    for (let n = at; performance.now() < end; n += CALLERS) {
      await call(n);
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return calls;
}

/** A process: makes its sessions, then does what it is told, together with the others. */
async function work() {
  const hj = openTenant();
  const first = Number(process.argv[2]) * 1_000_000_000;
  const grants = [];
  await atOnce(
    Array.from({ length: POOL }, (_, n) => signIn(first + n)),
    (given) => hj.sessions.create(given),
    grants,
    CALLERS,
  );
  const operations = {
    refresh: async (n) => {
      const grant = grants[n % POOL];
      grant.refreshToken = (await hj.sessions.refresh(grant.refreshToken)).refreshToken;
    },
    verify: async (n) => {
      assert.equal((await hj.verifyTokenRemote(grants[n % POOL].accessToken)).valid, true);
    },
    "sign-in": (n) => hj.sessions.create(signIn(first + POOL + n)),
  };
  process.on("message", async (name) => process.send(await answered(operations[name])));
  process.send("ready");
}

async function measure(count) {
  const program = fileURLToPath(import.meta.url);
  const workers = Array.from({ length: count }, (_, number) => fork(program, [String(number)]));
  await Promise.all(workers.map((worker) => once(worker, "message")));
  for (const name of ["refresh", "verify", "sign-in"]) {
    const answers = workers.map((worker) => once(worker, "message"));
    for (const worker of workers) worker.send(name);
    const calls = (await Promise.all(answers)).reduce((sum, [answer]) => sum + answer, 0);
    const perSecond = Math.round(calls / SECONDS).toLocaleString("en-US");
    const who = `${count} process${count > 1 ? "es" : ""} of ${CALLERS} callers`;
    console.log(`${name}, ${who}: ${perSecond} a second (load ${loadavg()[0].toFixed(1)})`);
  }
  for (const worker of workers) worker.kill("SIGKILL");
}

if (process.argv.length > 2) await work();
else for (const count of [1, 2]) await measure(count);
