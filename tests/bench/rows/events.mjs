// P18: what it costs to record events, against the same engine that records none.
import assert from "node:assert/strict";
import { duel, inCircles } from "../duel.mjs";
import { freshSignIns, open, pool, settle, signingIn } from "../ours.mjs";

const IN_FLIGHT = 64;
const POOL = 1_000;

export async function* events({ pace, folder }) {
  const [recording, silent] = [
    await open(folder, "events_on", "full"),
    await open(folder, "events_off", "full"),
  ];
  await recording.config.update({ eventRetention: "90d" });
  const next = freshSignIns();
  await settle(folder, "events_on", await pool(recording, next(POOL)));
  await settle(folder, "events_off", await pool(silent, next(POOL)));
  for (const [name, sideOf] of [
    ["create", signingIn],
    ["revoke", revoking],
  ]) {
    yield {
      bar: `P18 ${name}`,
      work: `Node \`${name}\` with events, durable, 64 in flight`,
      against: "the same without events",
      rounds: await duel(
        pace,
        withEvents(recording, sideOf(recording, next, IN_FLIGHT)),
        sideOf(silent, next, IN_FLIGHT),
      ),
    };
  }
  for (const [name, sideOf] of [
    ["refresh", refreshing],
    ["verifyTokenRemote", verifying],
  ]) {
    yield {
      bar: "P18 untold",
      work: `Node \`${name}\`, which tells no event, with events, ${name === "refresh" ? "durable, " : ""}64 in flight`,
      against: "the same without events",
      rounds: await duel(
        pace,
        withEvents(recording, await sideOf(recording, await pool(recording, next(POOL))), 0),
        await sideOf(silent, await pool(silent, next(POOL))),
      ),
    };
  }
  assert.deepEqual((await silent.events.list()).events, []);
  await recording.close();
  await silent.close();
}

/** Each call ends a session that was made for it. */
function revoking(hj, next, inFlight) {
  let before = 0;
  return {
    inputs: async (count) => {
      const grants = await pool(hj, next(count));
      before = (await hj.stats()).sessions.revoked;
      return grants.map((grant) => grant.session.id);
    },
    call: (id) => hj.sessions.revoke(id),
    async check(ids) {
      assert.equal((await hj.stats()).sessions.revoked, before + ids.length);
    },
    inFlight,
  };
}

/** Each call goes on with the chain of a session. */
function refreshing(hj, grants) {
  return {
    inputs: inCircles(grants.map(({ refreshToken }) => ({ refreshToken }))),
    call: async (link) => {
      const grant = await hj.sessions.refresh(link.refreshToken);
      link.refreshToken = grant.refreshToken;
      return grant;
    },
    async check(inputs, answers) {
      assert.equal(new Set(answers.map((grant) => grant.refreshToken)).size, inputs.length);
      assert.equal((await hj.verifyTokenRemote(answers.at(-1).accessToken)).valid, true);
    },
    inFlight: IN_FLIGHT,
  };
}

/** Each call verifies a token that was seen before. */
function verifying(hj, grants) {
  return {
    inputs: inCircles(grants.map(({ accessToken }) => accessToken)),
    call: (token) => hj.verifyTokenRemote(token),
    check: (_, answers) => assert.ok(answers.every(({ valid }) => valid)),
    inFlight: IN_FLIGHT,
  };
}

/** The same side, which also proves how many events each call told. */
function withEvents(hj, side, told = 1) {
  let after = 0;
  return {
    ...side,
    inputs: async (count) => {
      const inputs = await side.inputs(count);
      after = await newest(hj, after);
      return inputs;
    },
    async check(inputs, answers) {
      await side.check(inputs, answers);
      const before = after;
      after = await newest(hj, after);
      assert.equal(after, before + told * inputs.length);
    },
  };
}

/** The number of the newest event; numbers have no gaps. */
async function newest(hj, after) {
  for (;;) {
    const page = await hj.events.list({ after, limit: 100 });
    after = page.nextAfter;
    if (!page.hasMore) return after;
  }
}
