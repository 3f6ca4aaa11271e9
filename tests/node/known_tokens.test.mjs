import assert from "node:assert/strict";
import test from "node:test";
import { folder, tenant } from "./fixture.mjs";

test("a token that verified before is refused from the instant that anybody ended its session", async (t) => {
  const database = `${folder(t)}/sessions.db`;
  const [mine, theirs] = [tenant(t, { database }), tenant(t, { database })];
  for (const by of [mine, theirs]) {
    for (const end of [
      (session) => by.sessions.revoke(session.id),
      (session) => by.sessions.revokeAll(session.userId),
    ]) {
      const { session, accessToken } = await mine.sessions.create({ userId: "u" });
      for (let n = 0; n < 3; n += 1) {
        for (const hj of [mine, theirs]) assert.equal((await hj.verifyTokenRemote(accessToken)).valid, true);
      }
      await end(session);
      for (const hj of [mine, theirs]) {
        const { valid, error } = await hj.verifyTokenRemote(accessToken);
        assert.deepEqual([valid, error.code], [false, "session_revoked"]);
      }
    }
  }
});

test("every caller gets claims of his own", async (t) => {
  const hj = tenant(t, { database: `${folder(t)}/sessions.db` });
  const nested = { plan: { name: "pro", seats: [1, 2] } };
  for (const claims of [undefined, nested]) {
    const { accessToken } = await hj.sessions.create({ userId: "u", claims });
    const first = (await hj.verifyTokenRemote(accessToken)).payload;
    const expected = structuredClone(first);
    for (let n = 0; n < 3; n += 1) {
      const { payload } = await hj.verifyTokenRemote(accessToken);
      assert.deepEqual(payload, expected);
      payload.sub = "somebody else";
      if (claims) payload.plan.seats.push(3);
    }
    first.sub = "somebody else";
    assert.deepEqual((await hj.verifyTokenRemote(accessToken)).payload, expected);
  }
});

test("more tokens than are remembered all verify, again and again", async (t) => {
  const hj = tenant(t, { database: `${folder(t)}/sessions.db`, durability: "normal" });
  const grants = await Promise.all(
    Array.from({ length: 4200 }, (_, n) => hj.sessions.create({ userId: `usr_${n}` })),
  );
  for (let round = 0; round < 2; round += 1) {
    const verdicts = await Promise.all(grants.map(({ accessToken }) => hj.verifyTokenRemote(accessToken)));
    assert.deepEqual(
      verdicts.map(({ payload }) => payload?.sub),
      grants.map(({ session }) => session.userId),
    );
  }
});

test("a closed engine vouches for nothing", async (t) => {
  const hj = tenant(t, { database: `${folder(t)}/sessions.db` });
  const { accessToken } = await hj.sessions.create({ userId: "u" });
  for (let n = 0; n < 2; n += 1) assert.ok((await hj.verifyTokenRemote(accessToken)).valid);
  const closing = hj.close();
  await assert.rejects(hj.verifyTokenRemote(accessToken), { code: "engine_closed" });
  await closing;
});
