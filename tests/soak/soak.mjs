// soak.mjs --seconds N [--document]: N seconds of mixed load on one database file by four processes of node:cluster, one of which is
// killed or ended and replaced now and then. Every answer is checked, and what the processes hold must not grow (./measure.mjs).
// With --document it writes docs/SOAK.md. HJ_SOAK_PAUSE=ms: between two operations of a caller, of which there are eight.
import cluster from "node:cluster";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { judge, measure } from "./measure.mjs";
import { Receiver } from "./receiver.mjs";
import { markdown, plain } from "./report.mjs";

const { values } = parseArgs({ options: { seconds: { type: "string" }, document: { type: "boolean" } } });
const seconds = Number(values.seconds);
if (!(seconds >= 20)) throw new Error("--seconds N, at least 20");

const HOSTS = 4;
const CAP = 3;
/** Eight callers with twelve users each; twice that, because a replaced process leaves its users' sessions behind. */
const ACTIVE_AT_MOST = 2 * 8 * 12 * CAP;
const SAMPLES = 60;
const REPLACEMENTS = Math.max(2, Math.round(seconds / 60));
const RETENTION = seconds < 300 ? "5s" : "60s";

const folder = mkdtempSync(join(tmpdir(), "hellojohn-soak-"));
const database = join(folder, "sessions.db");
const secret = `whsec_${randomBytes(32).toString("base64")}`;
const violations = [];
const report = (what) => {
  violations.push(what);
  if (violations.length <= 20) console.error(`VIOLATION ${what}`);
};
const receiver = await Receiver.listen(secret, report);

cluster.setupPrimary({
  exec: fileURLToPath(new URL("host.mjs", import.meta.url)),
  execArgv: ["--expose-gc"],
});
const settings = {
  database,
  receiver: receiver.url,
  secret,
  tenant: { tenantId: "tnt_soak", secretKey: `sk_${randomBytes(24).toString("base64url")}` },
  pauseMs: Number(process.env.HJ_SOAK_PAUSE ?? 150),
  cap: CAP,
  activeAtMost: ACTIVE_AT_MOST,
  config: {
    ...{ maxSessionsPerUser: CAP, sessionDuration: seconds < 300 ? "20s" : "2m", accessTokenTtl: "15s" },
    ...{ eventRetention: RETENTION, recordRetention: RETENTION },
  },
};

/** The processes in their places; only the last place is ever replaced, so that the others show what time does. */
const hosts = Array.from({ length: HOSTS }, start);
const counts = {};
/** By host and number: which host asked for it. */
const pending = new Map();
let questions = 0;
let isEnding = false;

function start() {
  const host = cluster.fork({ HJ_SOAK: JSON.stringify(settings) });
  host.counts = {};
  host.ready = new Promise((go) => {
    host.setReady = go;
  });
  host.on("message", (message) => hear(host, message));
  host.on("error", () => undefined); // a message to a process that has just been killed
  host.on("exit", (code, signal) => {
    for (const [name, count] of Object.entries(host.counts)) counts[name] = (counts[name] ?? 0) + count;
    // What it was asked goes unanswered.
    for (const [number, { from, own, to }] of pending) {
      if (to === host) reply(from, own, null, number);
    }
    if (!host.mayEnd) report(`process ${host.process.pid} ended by itself: ${code} ${signal}`);
  });
  return host;
}

function hear(host, message) {
  if (message.ready) {
    host.isReady = true;
    host.setReady();
  }
  if (message.violation) report(message.violation);
  if (message.counts) host.counts = message.counts;
  if (message.measured) {
    host.counts = message.measured.counts;
    host.onMeasured?.(message.measured);
  }
  if (message.ask) {
    const others = hosts.filter(
      (other) => other !== host && other.isReady && other.isConnected() && !other.mayEnd,
    );
    const to = others[Math.floor(Math.random() * others.length)];
    questions += 1;
    pending.set(questions, { from: host, own: message.ask.number, to });
    if (to) to.send({ question: { number: questions, token: message.ask.token } });
    else reply(host, message.ask.number, null, questions);
  }
  if (message.verdict) {
    const asked = pending.get(message.verdict.number);
    if (asked) reply(asked.from, asked.own, message.verdict.verdict, message.verdict.number);
  }
}

function reply(host, own, verdict, number) {
  pending.delete(number);
  if (host.isConnected()) host.send({ answer: { number: own, verdict } });
}

/** What a process says of itself: of its heap after a collection, and of the database. */
function ask(host) {
  return new Promise((resolve, reject) => {
    const tooLate = setTimeout(
      () => reject(new Error(`process ${host.process.pid} does not answer`)),
      30_000,
    );
    host.onMeasured = (measured) => {
      clearTimeout(tooLate);
      resolve(measured);
    };
    host.send({ measure: true });
  });
}

const ended = (host) => new Promise((go) => (host.isDead() ? go() : host.once("exit", go)));

/** Ends the process in the last place, every other time by SIGKILL, and starts another one. */
async function replace(isKilled) {
  const former = hosts[HOSTS - 1];
  former.mayEnd = true;
  if (isKilled) former.process.kill("SIGKILL");
  else former.send({ end: true });
  await ended(former);
  hosts[HOSTS - 1] = start();
  await hosts[HOSTS - 1].ready;
}

await Promise.all(hosts.map((host) => host.ready));
const began = performance.now();
const samples = [];
let replaced = 0;
try {
  for (let n = 0; n < SAMPLES; n += 1) {
    const due = began + ((n + 1) * seconds * 1_000) / SAMPLES;
    await pause(Math.max(0, due - performance.now()));
    const lasting = hosts.slice(0, HOSTS - 1);
    samples.push(measure(performance.now() - began, database, lasting, await Promise.all(lasting.map(ask))));
    if (samples.length % 6 === 0) console.log(plain(samples.at(-1)));
    // Replacements keep clear of the end, so that the last samples see a settled state.
    if (n >= ((replaced + 1) * SAMPLES) / (REPLACEMENTS + 1)) {
      await replace(replaced % 2 === 0);
      replaced += 1;
    }
  }
  isEnding = true;
  for (const host of hosts) {
    host.mayEnd = true;
    host.send({ end: true });
  }
  await Promise.all(hosts.map(ended));
  await receiver.close();
} finally {
  if (!isEnding) for (const host of hosts) host.process.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}

const ran = {
  seconds: (performance.now() - began) / 1_000,
  samples,
  counts,
  replaced,
  posts: receiver.posts,
};
ran.verdicts = judge(samples);
for (const { what, before, after, bound, holds } of ran.verdicts) {
  console.log(`${holds ? "flat   " : "GROWING"} ${what}: ${before} → ${after} (at most ${bound})`);
  if (!holds) report(`${what} grew from ${before} to ${after}, more than ${bound}`);
}
const operations = Object.values(counts).reduce((sum, count) => sum + count, 0);
console.log(`${operations} operations, ${receiver.posts} posts, ${replaced} processes replaced`);
if (operations < seconds * 5) report(`only ${operations} operations`);
if (receiver.posts === 0) report("no event was posted");
console.log(`${violations.length} violations in ${ran.seconds.toFixed(0)} s`);
if (values.document && violations.length === 0) {
  writeFileSync(new URL("../../docs/SOAK.md", import.meta.url), markdown(ran));
}
process.exit(violations.length === 0 ? 0 : 1);
