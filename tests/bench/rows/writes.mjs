// P5 and P6: sign-ins and refreshes that are on disk before they are answered, against the same by hand.
import assert from "node:assert/strict";
import { duel, inCircles } from "../duel.mjs";
import { syncMs } from "../machine.mjs";
import { freshSignIns, open, pool, settle, signIn, signingIn } from "../ours.mjs";

const IN_FLIGHT = 64;
const POOL = 4_000;

export async function* writes({ pace, folder, peers }) {
  if (!peers["by hand"]) return;
  const hj = await open(folder, "writes", "full");
  const hand = await peers["by hand"].byHand(folder);
  const next = freshSignIns();
  await settle(folder, "writes", await pool(hj, next(POOL / 4)));

  let rows = 0;
  const createByHand = {
    inputs: next,
    call: hand.create,
    async check(inputs, answers) {
      rows += inputs.length;
      assert.equal(hand.totals().rows, rows);
      const payload = await hand.verify(answers.at(-1).accessToken);
      assert.equal(payload.sub, inputs.at(-1).userId);
    },
    inFlight: IN_FLIGHT,
  };
  yield {
    bar: "P5",
    work: "Node `create`, durable, 64 in flight",
    against: "better-sqlite3 and jose by hand, a transaction each",
    syncMs: syncMs(folder),
    rounds: await duel(pace, signingIn(hj, next, IN_FLIGHT), createByHand),
  };

  // Each session is one refresh chain; its place in the pool keeps the live token, and the one before it.
  const signIns = Array.from({ length: POOL }, (_, n) => signIn(n));
  const ours = (await pool(hj, signIns)).map(chain);
  const theirs = (await hand.pool(signIns)).map(chain);
  const refresh = {
    inputs: inCircles(ours),
    call: async (link) => advance(link, await hj.sessions.refresh(link.live)),
    async check(inputs, answers) {
      // A refresh that did not rotate would answer with the same token again.
      assert.equal(new Set(answers.map((grant) => grant.refreshToken)).size, inputs.length);
      assert.equal((await hj.verifyTokenRemote(answers.at(-1).accessToken)).valid, true);
    },
    inFlight: IN_FLIGHT,
  };
  let { generations } = hand.totals();
  const verified = async (inputs, answers) => {
    assert.equal(new Set(answers.map((grant) => grant.refreshToken)).size, inputs.length);
    generations += inputs.length;
    assert.equal(hand.totals().generations, generations);
    hand.assertReuseRefused(inputs[0].former);
    await hand.verify(answers.at(-1).accessToken);
  };
  yield {
    bar: "P6",
    work: "Node `refresh`, durable, 64 in flight",
    against: "better-sqlite3 and jose by hand, a transaction each",
    syncMs: syncMs(folder),
    rounds: await duel(pace, refresh, {
      inputs: inCircles(theirs),
      call: async (link) => advance(link, await hand.refresh(link.live)),
      check: verified,
      inFlight: IN_FLIGHT,
    }),
  };
  yield {
    bar: "P6 in one transaction",
    work: "Node `refresh`, durable, 64 in flight",
    against: "better-sqlite3 and jose by hand, the 64 in one transaction",
    rounds: await duel(pace, refresh, {
      inputs: inCircles(theirs),
      call: async (links) => {
        const grants = await hand.refreshMany(links.map((link) => link.live));
        return grants.map((grant, at) => advance(links[at], grant));
      },
      check: verified,
      batch: IN_FLIGHT,
    }),
  };
  hand.close();
  await hj.close();
}

function chain({ refreshToken }) {
  return { live: refreshToken, former: null };
}

function advance(link, grant) {
  link.former = link.live;
  link.live = grant.refreshToken;
  return grant;
}
