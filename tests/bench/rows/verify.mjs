// P1 to P3: verifying access tokens.
import assert from "node:assert/strict";
import { atOnce, duel, inCircles } from "../duel.mjs";
import {
  assertRevocationSeen,
  freshSignIns,
  open,
  otherProgram,
  pool,
  signIn,
  startProcess,
} from "../ours.mjs";

const POOL = 1_000;

export async function* verify({ pace, folder, peers }) {
  const hj = await open(folder, "verify", "normal");
  const grants = await pool(
    hj,
    Array.from({ length: POOL }, (_, n) => signIn(n)),
  );
  const tokens = grants.map((grant) => grant.accessToken);
  const users = new Map(grants.map((grant) => [grant.accessToken, grant.session.userId]));
  const jwks = await hj.jwks();

  // Every token has been looked at before, as with a cache, and this process goes on committing; or another program has
  // committed since, so that not one of them may be remembered.
  const other = await otherProgram(folder, "verify");
  const states = [
    {
      state: "seen before, this process has committed since",
      async prepare() {
        await atOnce(tokens, (token) => hj.verifyTokenRemote(token), [], 64);
        await hj.sessions.create(signIn(POOL));
      },
    },
    {
      state: "each for the first time after another program's commit",
      anew: true,
      prepare: () => other.commit(),
      most: POOL,
    },
  ];
  const remote = (inFlight, { prepare, most }) => {
    const next = inCircles(tokens);
    return {
      inputs: async (count) => {
        await prepare();
        return next(count);
      },
      call: (token) => hj.verifyTokenRemote(token),
      most,
      async check(inputs, answers) {
        answers.forEach(({ valid, payload }, at) => {
          assert.ok(valid && payload.sub === users.get(inputs[at]), "a live token was refused");
        });
        await assertRevocationSeen(hj);
      },
      inFlight,
    };
  };
  const cached = (verifier, inFlight) => ({
    inputs: inCircles(tokens),
    call: verifier.verify,
    async check(inputs, answers) {
      answers.forEach((payload, at) => {
        assert.equal(payload.sub, users.get(inputs[at]));
      });
      await verifier.assertForgeryRefused(inputs[0]);
    },
    inFlight,
  });
  const calls = (inFlight) => (inFlight === 1 ? "one call at a time" : `${inFlight} calls in flight`);

  const jose = peers.jose?.verifier(jwks);
  const fastJwt = peers["fast-jwt"]?.verifier(jwks, POOL, tokens[0]);
  for (const [bar, against, verifier] of [
    ["P1", "jose `jwtVerify`, local key set", jose],
    ["P2", "fast-jwt, its cache on", fastJwt],
  ]) {
    if (!verifier) continue;
    for (const given of states) {
      for (const inFlight of [1, 64]) {
        yield {
          bar: given.anew ? `${bar} anew` : bar,
          work: `Node \`verifyTokenRemote\`, 1,000 live tokens in turn, ${given.state}, ${calls(inFlight)}`,
          against,
          rounds: await duel(pace, remote(inFlight, given), cached(verifier, inFlight)),
        };
      }
    }
  }

  yield* besideNeighbour({
    pace,
    folder,
    remote,
    states,
    peers: [
      ["P1c jose", "jose `jwtVerify`, local key set", jose && cached(jose, 1)],
      ["P2 beside", "fast-jwt, its cache on", fastJwt && cached(fastJwt, 1)],
    ],
  });

  // Tokens that no verifier has seen, signed by an engine that verifies none: its cache of them helps neither side.
  const signing = await open(folder, "verify", "normal");
  const next = freshSignIns();
  let owners = new Map();
  const inputs = async (count) => {
    const fresh = await pool(signing, next(count));
    owners = new Map(fresh.map((grant) => [grant.accessToken, grant.session.userId]));
    return fresh.map((grant) => grant.accessToken);
  };
  const check = (given, answers) => {
    answers.forEach((payload, at) => {
      assert.equal(payload.sub, owners.get(given[at]));
    });
  };
  const ways = [
    ["verifyTokenSync", (token) => hj.verifyTokenSync(token), 1],
    ["verifyToken", (token) => hj.verifyToken(token), 1],
    ["verifyToken", (token) => hj.verifyToken(token), 64],
  ];
  for (const [name, call, inFlight] of jose ? ways : []) {
    yield {
      bar: "P3",
      work: `Node \`${name}\` (local), every token for the first time, ${calls(inFlight)}`,
      against: "jose `jwtVerify`, local key set",
      rounds: await duel(
        pace,
        { inputs, call, check, inFlight },
        { inputs, call: jose.verify, check, inFlight },
      ),
    };
  }
  await signing.close();
  await other.end();
  await hj.close();
}

/** P1c: P1 while another process changes 500 other sessions a second. */
async function* besideNeighbour({ pace, folder, remote, states: [seenBefore], peers }) {
  const tell = await startProcess("neighbour.mjs", [folder, "verify"]);
  const side = (word) => {
    const plain = remote(1, seenBefore);
    return {
      ...plain,
      async inputs(count) {
        const given = await plain.inputs(count);
        await tell(word);
        return given;
      },
      async check(given, answers) {
        await tell("rest");
        await plain.check(given, answers);
      },
    };
  };
  const work =
    "Node `verifyTokenRemote`, 1,000 live tokens in turn, while another process changes 500 other sessions a second";
  const alone = "the same without that process";
  yield { bar: "P1c", work, against: alone, rounds: await duel(pace, side("work"), side("rest")) };
  for (const [bar, against, peer] of peers) {
    if (peer) yield { bar, work, against, rounds: await duel(pace, side("work"), peer) };
  }
  await tell("end");
}
