// P13: what one user with very many ended sessions costs all others.
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { duel } from "../duel.mjs";
import { freshSignIns, open, pool, signIn } from "../ours.mjs";

const ENDED = { quick: 20_000, full: 100_000 };
const AT_ONCE = 64;
const CALLS = { quick: 1_000, full: 5_000 };

export async function* crowd({ pace, folder, mode }) {
  const hj = await open(folder, "crowd", "normal");
  const userId = "usr_crowd";
  const ended = Array.from({ length: ENDED[mode] }, (_, n) => ({ ...signIn(n), userId }));
  await pool(hj, ended);
  await hj.sessions.revokeAll(userId);
  // So many are ended by one record; this writes each end down.
  await hj.sweep();
  const crowd = await hj.sessions.create({ userId });
  const [other] = await pool(hj, freshSignIns()(1));
  const route = request("/", other);
  const size = ENDED[mode].toLocaleString("en");
  const others = {
    authorize: async () => {
      const auth = await hj.authorize(route);
      assert.equal(auth.userId, other.session.userId);
    },
    get: async () => {
      assert.equal((await hj.sessions.get(other.session.id)).status, "active");
    },
  };
  for (const [name, call] of Object.entries(others)) {
    const rounds = [];
    for (let round = 0; round < pace.rounds; round++) {
      const measure = {
        ours: () => besideLists(hj, crowd, () => p99(call, CALLS[mode])),
        theirs: () => p99(call, CALLS[mode]),
      };
      const found = {};
      for (const side of round % 2 ? ["theirs", "ours"] : ["ours", "theirs"])
        found[side] = await measure[side]();
      rounds.push(found);
    }
    yield {
      bar: "P13",
      work: `Node \`${name}\` of another user, p99 while a user with ${size} ended sessions sends ${AT_ONCE} lists at once`,
      against: "p99 while he sends none",
      rounds,
    };
  }
  const lists = (grant) => ({
    inputs: (count) => new Array(count).fill(grant),
    call: ({ session }) => hj.sessions.list({ userId: session.userId }),
    check: (_, answers) => answers.forEach((list) => void assert.equal(list.length, 1)),
  });
  yield {
    bar: "P13",
    work: `Node list of the active sessions of a user with ${size} ended ones`,
    against: "a user with none",
    rounds: await duel(pace, lists(crowd), lists(other)),
  };
  await hj.close();
}

function request(path, { accessToken }) {
  return new Request(`http://localhost${path}`, { headers: { authorization: `Bearer ${accessToken}` } });
}

/** Runs `work` while the user sends lists; most of his sessions do not match. */
async function besideLists(hj, grant, work) {
  let over = false;
  const flood = Array.from({ length: AT_ONCE }, async () => {
    while (!over) {
      const answer = await hj.handler(request("/v1/sessions?status=expired", grant));
      assert.equal(answer.status, 200);
    }
  });
  const result = await work();
  over = true;
  await Promise.all(flood);
  return result;
}

/** The 99th percentile of so many calls in µs, with a turn of the event loop between them. */
async function p99(call, calls) {
  const times = [];
  for (let n = 0; n < calls; n++) {
    const start = performance.now();
    await call();
    times.push((performance.now() - start) * 1000);
    await turn();
  }
  times.sort((a, b) => a - b);
  return times[Math.ceil(0.99 * calls) - 1];
}
