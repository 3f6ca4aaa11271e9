import assert from "node:assert/strict";
import test from "node:test";
import internal from "../../npm/node/dist/internal/answer_cache.js";
import { makeFolder, makeTenant } from "./fixture.mjs";

const { AnswerCache, countBytes } = internal;

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

test("the answers that an object keeps occupy no more bytes than allowed", () => {
  const limit = 100_000;
  const cache = new AnswerCache({ isFresh: () => true }, { answers: 1_000, bytes: limit });
  const answers = [{}, { n: Array(2_000).fill(1) }, { t: "x".repeat(4_000) }, { n: Array(500).fill({}) }];
  for (let n = 0; n < 2_000; n += 1) {
    cache.keep(`token ${n % 700}`, n, answers[n % answers.length]);
    assert.ok(cache.bytes <= limit, `${cache.bytes}`);
    assert.ok(cache.size > 0);
  }
  assert.ok(cache.bytes > limit / 2, `${cache.bytes}`);
  for (let n = 0; n < 700; n += 1) cache.forget(`token ${n}`);
  assert.deepEqual([cache.size, cache.bytes], [0, 0]);
  // What would not fit at all is not kept, and drives nothing else out.
  cache.keep("small", 1, {});
  cache.keep("large", 2, "x".repeat(limit));
  assert.deepEqual([cache.has("small"), cache.has("large")], [true, false]);
  const off = new AnswerCache({ isFresh: () => true }, { answers: 0, bytes: limit });
  off.keep("token", 1, {});
  assert.equal(off.size, 0);
});

test("the oldest answers go first, whatever was kept anew and forgotten before", () => {
  let seed = 1;
  const below = (n) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % n;
  };
  const count = (kept) => kept.reduce((sum, { bytes }) => sum + bytes, 0);
  for (let round = 0; round < 100; round += 1) {
    const limits = { answers: 1 + below(12), bytes: 600 + below(6_000) };
    const cache = new AnswerCache({ isFresh: () => true }, limits);
    let expected = [];
    for (let n = 0; n < 300; n += 1) {
      const question = `question ${below(20)}`;
      expected = expected.filter((kept) => kept.question !== question);
      if (below(8) === 0) {
        cache.forget(question);
      } else {
        const answer = "z".repeat(below(300));
        const bytes = 250 + countBytes(question) + countBytes(answer);
        cache.keep(question, n, answer);
        if (bytes <= limits.bytes) {
          while (expected.length >= limits.answers || count(expected) + bytes > limits.bytes)
            expected.shift();
          expected.push({ question, answer, bytes });
        }
      }
      assert.deepEqual([cache.size, cache.bytes], [expected.length, count(expected)]);
      for (const { question, answer } of expected) assert.equal(cache.get(question), answer);
    }
  }
});

test("long questions with one end are different questions", () => {
  const cache = new AnswerCache({ isFresh: () => true }, { answers: 10, bytes: 1_000_000 });
  const end = "z".repeat(200);
  const [first, second] = [`first.${end}`, `second.${end}`];
  cache.keep(first, 1, "one");
  assert.deepEqual([cache.get(first), cache.get(second), cache.has(second)], ["one", undefined, false]);
  cache.forget(second);
  assert.equal(cache.get(first), "one");
  cache.keep(second, 2, "two");
  assert.deepEqual([cache.get(first), cache.get(second), cache.size], [undefined, "two", 1]);
  cache.forget(second);
  assert.deepEqual([cache.size, cache.bytes], [0, 0]);
});

test("the count of bytes is not below what V8 needs", { skip: !globalThis.gc }, () => {
  for (const text of [
    `{"n":[${Array(2_000).fill("1").join()}]}`,
    `{"n":[${Array(1_200).fill("0.5").join()}]}`,
    `{"n":[${Array(1_200).fill("{}").join()}]}`,
    `{"n":[${Array(1_200).fill("[]").join()}]}`,
    `{${Array.from({ length: 370 }, (_, n) => `"member${n}":${n}`).join()}}`,
    `{"t":"${"z".repeat(4_000)}"}`,
  ]) {
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    const kept = Array.from({ length: 200 }, () => JSON.parse(text));
    globalThis.gc();
    const growth = process.memoryUsage().heapUsed - before;
    const counted = kept.reduce((sum, value) => sum + countBytes(value), 0);
    // Whatever else the collector found or left.
    assert.ok(growth <= counted + 200_000, `${text.slice(0, 20)}: ${growth} of ${counted} bytes`);
  }
});

test("tokenCacheBytes is a whole number, and 0 means no cache", async (t) => {
  for (const bad of [-1, 1.5, "1", Number.NaN]) {
    assert.throws(() => makeTenant(t, { tokenCacheBytes: bad }), { code: "validation_error" });
  }
  for (const tokenCacheBytes of [0, 1, 50_000, undefined]) {
    const hj = makeTenant(t, { tokenCacheBytes, database: `${makeFolder(t)}/sessions.db` });
    const { accessToken, session } = await hj.sessions.create({ userId: "u", role: "admin" });
    for (let n = 0; n < 3; n += 1) assert.equal((await hj.verifyTokenRemote(accessToken)).role, "admin");
    await hj.sessions.update(session.id, { role: "member", claims: { plan: { seats: [1] } } });
    for (let n = 0; n < 3; n += 1) {
      const { payload, role, orgId, mfaVerified, claims, outdated, error } =
        await hj.verifyTokenRemote(accessToken);
      assert.deepEqual(
        { said: payload.role, role, orgId, mfaVerified, claims, outdated, error },
        {
          said: "admin",
          role: "member",
          orgId: null,
          mfaVerified: false,
          claims: { plan: { seats: [1] } },
          outdated: true,
          error: null,
        },
      );
      claims.plan.seats.push(2); // a copy of the caller's own
    }
  }
});
