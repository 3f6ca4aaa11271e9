import assert from "node:assert/strict";
import test from "node:test";
import { makeFolder, makeTenant } from "./fixture.mjs";

test("a cached token is refused from the instant that its session is ended, by any caller", async (t) => {
  const database = `${makeFolder(t)}/sessions.db`;
  const [mine, theirs] = [makeTenant(t, { database }), makeTenant(t, { database })];
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

test("every caller gets its own copy of the claims", async (t) => {
  const hj = makeTenant(t, { database: `${makeFolder(t)}/sessions.db` });
  const nested = { plan: { name: "pro", seats: [1, 2] } };
  for (const claims of [undefined, nested]) {
    const { accessToken } = await hj.sessions.create({ userId: "u", claims });
    const first = (await hj.verifyTokenRemote(accessToken)).payload;
    const expected = structuredClone(first);
    for (let n = 0; n < 3; n += 1) {
      const { payload } = await hj.verifyTokenRemote(accessToken);
      assert.deepEqual(payload, expected);
      payload.sub = "usr_other";
      if (claims) payload.plan.seats.push(3);
    }
    first.sub = "usr_other";
    assert.deepEqual((await hj.verifyTokenRemote(accessToken)).payload, expected);
  }
});

test("a cached session is up to date, and every caller gets its own copy", async (t) => {
  const database = `${makeFolder(t)}/sessions.db`;
  const [mine, theirs] = [makeTenant(t, { database }), makeTenant(t, { database })];
  for (const by of [mine, theirs]) {
    const { session, refreshToken } = await mine.sessions.create({
      userId: "u",
      claims: { plan: { seats: [1] } },
    });
    const look = async () => {
      const first = await mine.sessions.get(session.id);
      const expected = structuredClone(first);
      for (let n = 0; n < 3; n += 1) {
        const again =
          n % 2 ? await mine.sessions.get(session.id) : (await mine.sessions.verify(session.id)).session;
        assert.deepEqual(again, expected);
        again.createdAt.setTime(0);
        again.claims.plan?.seats.push(2);
        again.claims.mine = true;
        again.status = "revoked";
      }
      return expected;
    };
    assert.equal((await look()).role, null);
    await by.sessions.update(session.id, { role: "admin" });
    assert.equal((await look()).role, "admin");
    await by.sessions.refresh(refreshToken, { ipAddress: "203.0.113.9" });
    assert.equal((await look()).lastIpAddress, "203.0.113.9");
    await by.sessions.revoke(session.id);
    assert.equal((await mine.sessions.get(session.id)).status, "revoked");
    for (let n = 0; n < 3; n += 1) {
      const { valid, error } = await mine.sessions.verify(session.id);
      assert.deepEqual([valid, error.code], [false, "session_revoked"]);
    }
  }
});

test("a token that is not text is refused like any other bad token", async (t) => {
  const hj = makeTenant(t, { database: `${makeFolder(t)}/sessions.db` });
  const trap = {
    toString() {
      throw new Error("asked for text");
    },
  };
  for (const subject of [Object.create(null), trap, Symbol("a"), 1n, ["a.b"], () => "a.b"]) {
    assert.equal((await hj.sessions.verify(subject)).error.code, "validation_error");
    assert.equal((await hj.verifyTokenRemote(subject)).error.code, "validation_error");
  }
});

test("the host allows network file systems by a boolean", async (t) => {
  const database = `${makeFolder(t)}/sessions.db`;
  for (const allowNetworkFileSystem of [0, 1, "true", {}, 1n]) {
    assert.throws(() => makeTenant(t, { database, allowNetworkFileSystem }), {
      code: "validation_error",
      message: "allowNetworkFileSystem: must be a boolean",
    });
  }
  for (const allowNetworkFileSystem of [undefined, null, false, true]) {
    await makeTenant(t, { database, allowNetworkFileSystem }).ready();
  }
});

test("the host sets the capacity of the token cache", async (t) => {
  const database = `${makeFolder(t)}/sessions.db`;
  for (const tokenCacheCapacity of [-1, 0.5, Number.NaN, 1_000_001, "8192", 1n]) {
    assert.throws(() => makeTenant(t, { database, tokenCacheCapacity }), {
      code: "validation_error",
      message: "tokenCacheCapacity: must be a whole number from 0 to 1,000,000",
    });
  }
  for (const tokenCacheCapacity of [undefined, null, 0, 1, 1_000_000]) {
    const hj = makeTenant(t, { database, tokenCacheCapacity });
    const { session, accessToken } = await hj.sessions.create({ userId: "u" });
    for (let n = 0; n < 3; n += 1) {
      assert.equal((await hj.verifyTokenRemote(accessToken)).valid, true);
      assert.equal((await hj.sessions.get(session.id)).status, "active");
    }
    await hj.sessions.revoke(session.id);
    assert.equal((await hj.verifyTokenRemote(accessToken)).valid, false);
    assert.equal((await hj.sessions.get(session.id)).status, "revoked");
    await hj.close();
  }
});

test("more tokens than the cache holds all verify, again and again", async (t) => {
  const hj = makeTenant(t, { database: `${makeFolder(t)}/sessions.db`, durability: "normal" });
  const grants = await Promise.all(
    Array.from({ length: 4200 }, (_, n) => hj.sessions.create({ userId: `usr_${n}` })),
  );
  for (let round = 0; round < 2; round += 1) {
    const verifications = await Promise.all(
      grants.map(({ accessToken }) => hj.verifyTokenRemote(accessToken)),
    );
    assert.deepEqual(
      verifications.map(({ payload }) => payload?.sub),
      grants.map(({ session }) => session.userId),
    );
  }
});

test("a closed engine answers from no cache", async (t) => {
  const hj = makeTenant(t, { database: `${makeFolder(t)}/sessions.db` });
  const { accessToken } = await hj.sessions.create({ userId: "u" });
  for (let n = 0; n < 2; n += 1) assert.ok((await hj.verifyTokenRemote(accessToken)).valid);
  const closing = hj.close();
  await assert.rejects(hj.verifyTokenRemote(accessToken), { code: "engine_closed" });
  await closing;
});
