// P15: the store over PostgreSQL, beside the same by hand on the same server, alone and in a crowd.
import assert from "node:assert/strict";
import { HelloJohn } from "@hellojohn/node";
import { duel, inCircles } from "../duel.mjs";
import { assertRevocationSeen, freshSignIns, pool, signIn, signingIn, TENANT_ID } from "../ours.mjs";

const IN_FLIGHT = 64;
const POOL = 2_000;

export async function* postgres({ pace, peers }) {
  const peer = peers["pg by hand"];
  if (!peer) return;
  const { HJ_PG: url } = process.env;
  if (!url) throw new Error("HJ_PG is not set: ../postgres/run node --expose-gc bench.mjs");
  const hj = openOver(url, {});
  await hj.ready();
  const hand = await peer.pgByHand(url, IN_FLIGHT);
  const signIns = Array.from({ length: POOL }, (_, n) => signIn(n));
  const [ours, theirs] = [await pool(hj, signIns), []];
  for (const given of signIns) theirs.push(await hand.create(given));
  const sides = { refresh: refreshing(hj, hand, ours, theirs), verify: verifying(hj, hand, ours, theirs) };
  const next = freshSignIns();
  for (const [crowd, inFlight] of [
    [`${IN_FLIGHT} in flight`, IN_FLIGHT],
    ["one call at a time", 1],
  ]) {
    const bar = (operation) => (inFlight === 1 ? "P15 other" : `P15 ${operation}`);
    const row = async (name, barName, work, against, our, their) => ({
      bar: barName,
      work: `Node over PostgreSQL, \`${name}\`${work}, ${crowd}`,
      against: `${peer.about.name}${against}`,
      rounds: await duel(pace, { ...our, inFlight }, { ...their, inFlight }),
    });
    const { refresh, verify } = sides;
    yield await row(
      "refresh",
      bar("refresh"),
      ", durable",
      ", a transaction each",
      refresh.ours,
      refresh.inTransaction,
    );
    yield await row(
      "refresh",
      "P15 other",
      ", durable",
      ", one statement each",
      refresh.ours,
      refresh.atOnce,
    );
    yield await row("verifyTokenRemote", bar("verify"), "", ", asking the store", verify.ours, verify.theirs);
    const create = { inputs: next, call: hand.create, check: checkCreated(hand) };
    yield await row("create", "P15 other", ", durable", "", signingIn(hj, next, inFlight), create);
  }
  await hand.close();
  // Last, because calls that end sessions wait from then on.
  for (const verify of ["lease:1000ms", "stale:1000ms"]) {
    const remembering = openOver(url, { verify });
    await remembering.ready();
    // Few tokens, so that each is asked about again and again within its lease. Those of before have run out by each round.
    const asked = ours.slice(0, IN_FLIGHT);
    const side = (host) => ({ ...verifying(host, hand, asked, theirs).ours, inFlight: IN_FLIGHT });
    yield {
      bar: "P15 other",
      work: `Node over PostgreSQL, \`verifyTokenRemote\`, \`verify: "${verify}"\`, ${IN_FLIGHT} tokens, ${IN_FLIGHT} in flight`,
      against: 'our own, `verify: "store"`',
      rounds: await duel(pace, side(remembering), side(hj)),
    };
    await remembering.close();
  }
  await hj.close();
}

function openOver(database, options) {
  return new HelloJohn({
    tenantId: TENANT_ID,
    secretKey: "sk_live_bench_8Kc4Xw7Nt2Qz6Bp1",
    database,
    ...options,
  });
}

function refreshing(hj, hand, ours, theirs) {
  const chain = ({ refreshToken }) => ({ live: refreshToken, former: null });
  const advance = (link, grant) => {
    link.former = link.live;
    link.live = grant.refreshToken;
    return grant;
  };
  const [ourChains, theirChains] = [ours.map(chain), inCircles(theirs.map(chain))];
  const byHand = (refresh) => {
    let before = 0;
    return {
      inputs: async (count) => {
        before = (await hand.totals()).generations;
        return theirChains(count);
      },
      call: async (link) => advance(link, await refresh(link.live)),
      async check(inputs, answers) {
        assert.equal(new Set(answers.map((grant) => grant.refreshToken)).size, inputs.length);
        assert.equal((await hand.totals()).generations, before + inputs.length);
        await hand.assertReuseRefused(inputs[0].former);
        await hand.verify(answers.at(-1).accessToken);
      },
    };
  };
  return {
    ours: {
      inputs: inCircles(ourChains),
      call: async (link) => advance(link, await hj.sessions.refresh(link.live)),
      async check(inputs, answers) {
        assert.equal(new Set(answers.map((grant) => grant.refreshToken)).size, inputs.length);
        assert.equal((await hj.verifyTokenRemote(answers.at(-1).accessToken)).valid, true);
      },
      most: POOL,
    },
    inTransaction: { ...byHand(hand.refresh), most: POOL },
    atOnce: { ...byHand(hand.refreshAtOnce), most: POOL },
  };
}

function verifying(hj, hand, ours, theirs) {
  return {
    ours: {
      inputs: inCircles(ours),
      call: ({ accessToken }) => hj.verifyTokenRemote(accessToken),
      async check(inputs, answers) {
        answers.forEach(
          ({ valid, payload }, at) => void assert.ok(valid && payload.sid === inputs[at].session.id),
        );
        await assertRevocationSeen(hj);
      },
    },
    theirs: {
      inputs: inCircles(theirs),
      call: ({ accessToken }) => hand.verify(accessToken),
      check: (inputs, answers) => answers.forEach(({ sid }, at) => void assert.equal(sid, inputs[at].id)),
    },
  };
}

function checkCreated(hand) {
  return async (inputs, answers) => {
    assert.equal(new Set(answers.map(({ id }) => id)).size, inputs.length);
    assert.equal((await hand.verify(answers.at(-1).accessToken)).sub, inputs.at(-1).userId);
  };
}
