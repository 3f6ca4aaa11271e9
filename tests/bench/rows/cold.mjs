// P17: whole processes, which import, open a database of 100,000 sessions, verify one of them and end.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { open, pool, SECRET_KEY, signIn, TENANT_ID } from "../ours.mjs";

const SESSIONS = 100_000;

const PEERS = [
  ["better-auth", "better_auth", "betterAuthSessions", "better-auth `getSession`"],
  ["express-session", "express_session", "expressSessions", "express-session, up to the handler"],
];

export async function* cold({ pace, folder, peers }) {
  const hj = await open(folder, "cold", "normal");
  const grants = await pool(
    hj,
    Array.from({ length: SESSIONS }, (_, n) => signIn(n)),
  );
  await hj.close();
  const { accessToken } = grants[0];
  const ours = ["ours", [join(folder, "cold.db"), TENANT_ID, SECRET_KEY, accessToken]];
  const work = `Node: a process that imports, opens ${SESSIONS.toLocaleString("en")} sessions, verifies one token and ends`;
  for (const [name, program, opens, against] of PEERS) {
    if (!peers[name]) continue;
    const peer = await peers[name][opens](folder, 1);
    const cookie = await peer.copySessions(SESSIONS - 1);
    assert.equal(peer.count(), SESSIONS);
    peer.close();
    const theirs = [program, [join(folder, `${program}.db`), peers[name].SECRET, cookie]];
    yield { bar: "P17", work, against, rounds: runInTurns(pace, ours, theirs) };
  }
  const empty = ["empty", []];
  yield {
    bar: "P17 empty",
    work,
    against: "an empty process of Node",
    rounds: runInTurns(pace, ours, empty),
  };
}

function runInTurns({ rounds }, ...sides) {
  // The files of both are in the system's cache, as they are when a host starts anew.
  for (const side of sides) run(side);
  return Array.from({ length: 2 * rounds }, (_, round) => {
    const times = [];
    for (const turn of [round % 2, 1 - (round % 2)]) times[turn] = run(sides[turn]);
    return { ours: times[0], theirs: times[1] };
  });
}

/** How long the process takes, in microseconds. */
function run([program, given]) {
  const path = fileURLToPath(new URL(`../cold/${program}.mjs`, import.meta.url));
  const start = performance.now();
  const { stdout, stderr, status } = spawnSync(process.execPath, [path, ...given], { encoding: "utf8" });
  const elapsed = performance.now() - start;
  assert.deepEqual({ stdout, status }, { stdout: "usr_0\n", status: 0 }, stderr);
  return elapsed * 1000;
}
