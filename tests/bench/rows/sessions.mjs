// P8: the everyday operations against the session libraries of Node, all durable, 64 in flight.
import assert from "node:assert/strict";
import { duel, inCircles } from "../duel.mjs";
import {
  assertRevocationSeen,
  freshSignIns,
  open,
  otherProgram,
  pool,
  SESSIONS_PER_USER,
  settle,
  signIn,
  signingIn,
} from "../ours.mjs";

const IN_FLIGHT = 64;
const POOL = 1_000;

/** As many users as sessions for lists anew: a round of few calls is mostly the garbage that was collected before it. */
const LISTED = POOL * SESSIONS_PER_USER;

const WRITES = new Set(["create", "revoke"]);

/** Of reads of what is not remembered. */
const ANEW = "for the first time after another program's commit";

/** The peers, what opens each, and the bar of each operation. */
const PEERS = [
  { name: "better-auth", open: "betterAuthSessions", bar: () => "P8 better-auth" },
  { name: "lucia", open: "luciaSessions", bar: barOfOthers },
  { name: "express-session", open: "expressSessions", bar: barOfOthers },
];

function barOfOthers(operation, kind) {
  if (WRITES.has(operation)) return `P8 ${operation}`;
  return kind.endsWith(ANEW) ? "P8 read anew" : "P8 read";
}

export async function* sessions({ pace, folder, peers }) {
  const hj = await open(folder, "sessions", "full");
  const other = await otherProgram(folder, "sessions");
  const ours = await ourOperations(hj, other, folder);
  for (const { name, open: opener, bar } of PEERS) {
    if (!peers[name]) continue;
    const theirs = await peers[name][opener](folder, POOL);
    for (const [kind, our] of Object.entries(ours)) {
      const [operation] = kind.split(",");
      // A peer may have several ways of the same operation.
      const ways = Object.keys(theirs).filter((way) => way === operation || way.startsWith(`${operation}, `));
      for (const way of ways) {
        yield {
          bar: bar(operation, kind),
          id: "P8",
          work: `Node ${kind}${WRITES.has(operation) ? ", durable" : ""}, ${IN_FLIGHT} in flight`,
          against: way === operation ? name : `${name}${way.slice(operation.length)}`,
          rounds: await duel(pace, our, side(way, theirs)),
        };
      }
    }
    theirs.close();
  }
  await other.end();
  await hj.close();
}

async function ourOperations(hj, other, folder) {
  const grants = await pool(
    hj,
    Array.from({ length: POOL }, (_, n) => signIn(n)),
  );
  await settle(folder, "sessions", grants);
  const next = freshSignIns();
  // Another program has committed: nothing that was read before may be remembered.
  const anew = (side, most) => ({
    ...side,
    inputs: async (count) => {
      await other.commit();
      return side.inputs(count);
    },
    most,
  });
  const sessionOf = ({ session }, grant) => assert.equal(session.id, grant.session.id);
  const reading = (inputs, call, done) => ({
    inputs: inCircles(inputs),
    call,
    check: (given, answers) => answers.forEach((answer, at) => void done(answer, given[at])),
    inFlight: IN_FLIGHT,
  });
  const get = reading(
    grants,
    (grant) => hj.sessions.get(grant.session.id),
    (session, grant) => sessionOf({ session }, grant),
  );
  await pool(
    hj,
    Array.from({ length: LISTED - POOL }, (_, n) => signIn(POOL + n)),
  );
  const users = Array.from({ length: POOL }, (_, n) => signIn(n * SESSIONS_PER_USER).userId);
  const listOf = (userIds) =>
    reading(
      userIds,
      (userId) => hj.sessions.list(userId),
      (found) => assert.equal(found.length, SESSIONS_PER_USER),
    );
  return {
    create: signingIn(hj, next, IN_FLIGHT),
    "get, seen before": get,
    [`get, ${ANEW}`]: anew(get, POOL),
    "list, seen before": listOf(users.slice(0, POOL / SESSIONS_PER_USER)),
    [`list, ${ANEW}`]: anew(listOf(users), POOL),
    "verify, seen before": reading(
      grants,
      (grant) => hj.verifyTokenRemote(grant.accessToken),
      ({ valid, payload }, grant) => assert.ok(valid && payload.sid === grant.session.id),
    ),
    revoke: {
      inputs: async (count) => (await pool(hj, next(count))).map((grant) => grant.session.id),
      call: (id) => hj.sessions.revoke(id),
      async check(inputs) {
        for (const id of inputs) assert.equal((await hj.sessions.get(id)).revoked, true);
        await assertRevocationSeen(hj);
      },
      inFlight: IN_FLIGHT,
    },
  };
}

/** A peer's operation as a side of a duel. */
function side(way, peer) {
  const { call, done, id, gone, pool: own, inputs } = peer[way];
  if (id) {
    let before = 0;
    return {
      inputs: (count) => {
        before = peer.count();
        return signInsOfKnownUsers(count);
      },
      call,
      check(given, answers) {
        assert.equal(new Set(answers.map(id)).size, given.length);
        assert.equal(peer.count(), before + given.length);
      },
      inFlight: IN_FLIGHT,
    };
  }
  if (gone) {
    return {
      inputs: (count) => inputs(signInsOfKnownUsers(count)),
      call,
      async check(given) {
        for (const input of given) await gone(input);
      },
      inFlight: IN_FLIGHT,
    };
  }
  return {
    inputs: inCircles(own ?? peer.pool),
    call,
    check: (given, answers) => answers.forEach((answer, at) => void done(answer, given[at])),
    inFlight: IN_FLIGHT,
  };
}

/** Some peers keep users beside their sessions. Those of the pool are left alone: their lists keep their length. */
function signInsOfKnownUsers(count) {
  return Array.from({ length: count }, (_, n) => signIn(POOL + (n % POOL)));
}
