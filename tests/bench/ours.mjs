// Our side: tenants on files of their own, real devices, and pools of live sessions.
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { HelloJohn } from "@hellojohn/node";
import { atOnce } from "./duel.mjs";

export const TENANT_ID = "tnt_bench";
export const SECRET_KEY = "sk_live_bench_8Kc4Xw7Nt2Qz6Bp1";
export const ISSUER = "https://api.hellojohn.dev";

const USER_AGENTS = readFileSync(new URL("../vectors/user_agents.tsv", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line && !line.startsWith("#"))
  .map((line) => line.split("\t")[2]);

/** How many sessions each user of a pool has. */
export const SESSIONS_PER_USER = 5;

/** The sign-in number n: a user, a real user agent and a documentation address. */
export function signIn(n) {
  return {
    userId: `usr_${Math.floor(n / SESSIONS_PER_USER)}`,
    userAgent: USER_AGENTS[n % USER_AGENTS.length],
    ipAddress: `203.0.113.${n % 256}`,
  };
}

/** Sign-ins that no row has used yet. */
export function freshSignIns() {
  let next = 1_000_000_000;
  return (count) => Array.from({ length: count }, () => signIn(next++));
}

export async function open(folder, name, durability) {
  const hj = new HelloJohn({
    tenantId: TENANT_ID,
    secretKey: SECRET_KEY,
    database: join(folder, `${name}.db`),
    durability,
  });
  await hj.ready();
  return hj;
}

/** A process beside this one, which answers each word that it is told: with the word, or with what it is asked for. */
export async function startProcess(file, given) {
  const child = fork(new URL(file, import.meta.url), given);
  const answer = () =>
    new Promise((settle, refuse) => {
      const end = (code) => refuse(new Error(`${file} ended with ${code}`));
      child.once("exit", end).once("message", (said) => {
        child.off("exit", end);
        settle(said);
      });
    });
  await answer();
  return (word) => {
    child.send(word);
    return answer();
  };
}

/** A program that knows nothing of engines: after its commit no process may remember what it has read before. */
export async function otherProgram(folder, name) {
  const tell = await startProcess("other_program.mjs", [join(folder, `${name}.db`)]);
  return { commit: () => tell("commit"), end: () => tell("end") };
}

/** Signs devices in: their grants. */
export async function pool(hj, signIns) {
  const grants = [];
  await atOnce(signIns, (given) => hj.sessions.create(given), grants, 64);
  return grants;
}

/**
 * Lets the log of an open database reach its full size, as for the peers, by refreshing these grants' sessions without
 * waiting for the disk.
 */
export async function settle(folder, name, grants) {
  const quick = await open(folder, name, "normal");
  const refresh = async (grant) => {
    grant.refreshToken = (await quick.sessions.refresh(grant.refreshToken)).refreshToken;
  };
  let size = 0;
  // A log that an engine cuts back never stands still: it has been through all of its sizes by then.
  for (let pass = 0, still = 0; still < 2 && pass < 40; pass++) {
    await atOnce(grants, refresh, [], 64);
    const now = statSync(join(folder, `${name}.db-wal`)).size;
    still = now === size ? still + 1 : 0;
    size = now;
  }
  await quick.close();
}

/** How many sessions the tenant has, by its own count. */
async function countSessions(hj) {
  const { active, expired, revoked } = (await hj.stats()).sessions;
  return active + expired + revoked;
}

/** Our side of a duel that signs devices in: each call makes one session more, and its token is good. */
export function signingIn(hj, next, inFlight) {
  let before = 0;
  return {
    inputs: async (count) => {
      before = await countSessions(hj);
      return next(count);
    },
    call: (given) => hj.sessions.create(given),
    async check(inputs, answers) {
      assert.equal(new Set(answers.map((grant) => grant.session.id)).size, inputs.length);
      assert.equal(await countSessions(hj), before + inputs.length);
      assert.equal((await hj.verifyTokenRemote(answers.at(-1).accessToken)).valid, true);
    },
    inFlight,
  };
}

/** A session that is revoked is refused by the very next verification. */
export async function assertRevocationSeen(hj) {
  const { session, accessToken } = await hj.sessions.create({ ...signIn(0), userId: "usr_revoked" });
  assert.equal((await hj.verifyTokenRemote(accessToken)).valid, true);
  await hj.sessions.revoke(session.id);
  assert.equal((await hj.verifyTokenRemote(accessToken)).error.code, "session_revoked");
}
