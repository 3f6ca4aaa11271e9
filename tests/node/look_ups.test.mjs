// Sessions and lists that are looked up together, and lists that are kept: each caller gets what is true when it asks, and its own copy.
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import test from "node:test";
import { makeFolder, makeTenant, makeTenantWithClock } from "./fixture.mjs";

test("a cached list is up to date, and every caller gets its own copy", async (t) => {
  const database = `${makeFolder(t)}/sessions.db`;
  const [mine, theirs] = [makeTenant(t, { database }), makeTenant(t, { database })];
  const claims = { plan: { seats: [1] } };
  for (const by of [mine, theirs]) {
    const userId = by === mine ? "u" : "v";
    const look = async (options) => {
      const first = await mine.sessions.list(userId, options);
      const expected = structuredClone([...first]);
      const { nextCursor } = first;
      for (let n = 0; n < 3; n += 1) {
        const again = await mine.sessions.list(userId, options);
        assert.deepEqual([...again], expected);
        assert.equal(again.nextCursor, nextCursor);
        again[0]?.createdAt.setTime(0);
        again[0]?.claims.plan?.seats.push(2);
        again.push("a session");
      }
      return expected;
    };
    assert.equal((await look()).length, 0);
    const { session, refreshToken } = await by.sessions.create({ userId, claims });
    assert.equal((await look()).length, 1);
    await by.sessions.update(session.id, { role: "admin" });
    assert.equal((await look())[0].role, "admin");
    await by.sessions.refresh(refreshToken, { ipAddress: "203.0.113.9" });
    assert.equal((await look())[0].lastIpAddress, "203.0.113.9");
    const { session: newest } = await by.sessions.create({ userId });
    assert.deepEqual(
      (await look()).map(({ id }) => id),
      [newest.id, session.id],
    );
    assert.equal((await look({ limit: 1 })).length, 1);
    await by.sessions.revoke(session.id);
    assert.equal((await look({ status: "active" })).length, 1);
    assert.equal((await look()).length, 2);
    await by.sessions.revokeAll(userId);
    assert.equal((await look({ status: "active" })).length, 0);
    assert.ok((await look()).every(({ revoked }) => revoked));
  }
});

test("a long page that is kept is up to date, and every caller gets its own copy", async (t) => {
  const database = `${makeFolder(t)}/sessions.db`;
  const config = { maxSessionsPerUser: null };
  const [mine, theirs] = [makeTenant(t, { database, config }), makeTenant(t, { database })];
  for (const text of ["", "é".repeat(1_000)]) {
    const userId = `usr_${text.length}`;
    const claims = { text, plan: { seats: [1, "a\nb,\n"] } };
    const grants = await Promise.all(
      Array.from({ length: 60 }, () => theirs.sessions.create({ userId, claims })),
    );
    const pages = () =>
      Promise.all(Array.from({ length: 8 }, () => mine.sessions.list(userId, { limit: 50 })));
    for (const round of [0, 1, 2]) {
      for (const page of await pages()) {
        assert.equal(page.length, 50);
        assert.ok(page.nextCursor);
        for (const session of page) {
          assert.deepEqual([session.userId, session.claims], [userId, claims]);
          assert.equal(
            session.revoked,
            session.id === grants[round - 1]?.session.id ||
              (session.id === grants[0].session.id && round > 1),
          );
          session.claims.plan.seats.push(2);
          session.createdAt.setTime(0);
        }
        page.pop();
      }
      await theirs.sessions.revoke(grants[round].session.id);
    }
  }
});

test("look-ups that are begun together each get their own answer", async (t) => {
  const database = `${makeFolder(t)}/sessions.db`;
  const hj = makeTenant(t, { database });
  const users = Array.from({ length: 40 }, (_, n) => `usr_${n}`);
  const grants = await Promise.all(
    users.flatMap((userId) => [hj.sessions.create({ userId }), hj.sessions.create({ userId })]),
  );
  const reader = makeTenant(t, { database });
  for (const round of ["not open", "not kept", "kept"]) {
    const found = await Promise.allSettled([
      ...grants.map(({ session }) => reader.sessions.get(session.id)),
      reader.sessions.get("ses_nope"),
      reader.sessions.get('{"user_id":"usr_1"}'),
      reader.sessions.get("ses_01HZX5M3Q8W9E7R6T5Y4V3B2N1"),
      ...users.map((userId) => reader.sessions.list(userId)),
      reader.sessions.list("usr_1", { cursor: "no cursor" }),
      reader.sessions.list(""),
      ...users.map((userId) => reader.sessions.list(userId, { limit: 1 })),
    ]);
    const codes = found.filter(({ reason }) => reason).map(({ reason }) => reason.code);
    const refused = ["session_not_found", "session_not_found", "session_not_found"];
    assert.deepEqual(codes, [...refused, "validation_error", "validation_error"], round);
    const values = found.filter(({ status }) => status === "fulfilled").map(({ value }) => value);
    const sessions = grants.map(({ session }) => session);
    assert.deepEqual(values.splice(0, sessions.length), sessions, round);
    for (const limit of [2, 1]) {
      for (const userId of users) {
        const own = sessions.filter((session) => session.userId === userId);
        own.sort((one, other) => (one.id < other.id ? 1 : -1));
        assert.deepEqual([...values.shift()], own.slice(0, limit), round);
      }
    }
  }
  // What a call has ended, no look-up that begins afterwards tells otherwise, whatever it shares a read with.
  const [{ session }] = grants;
  const before = reader.sessions.list("usr_1");
  await hj.sessions.revoke(session.id);
  const [own, list] = await Promise.all([
    reader.sessions.get(session.id),
    reader.sessions.list(session.userId),
    reader.sessions.get(grants[5].session.id),
  ]);
  assert.deepEqual([own.revoked, list.filter(({ revoked }) => revoked).length], [true, 1]);
  await before;
});

test("a session is the same whichever call answers with it", async (t) => {
  const database = `${makeFolder(t)}/sessions.db`;
  const { hj, clock } = makeTenantWithClock(t, { database });
  const everything = {
    userId: "u",
    userAgent: 'Mozilla/5.0 (Windows NT 10.0; "\\é€")',
    ipAddress: "203.0.113.255",
    country: "ES",
    deviceFingerprint: "device",
    orgId: "org",
    role: "admin",
    email: "u@example.com",
    mfaVerified: true,
    claims: { plan: { seats: [1] } },
    factors: ["pwd", "otp"],
    actor: { userId: "support", reason: "a call" },
  };
  const grants = [];
  for (const fields of [
    { userId: "u" },
    { userId: "u", role: "member" },
    { userId: "u", userAgent: "curl/8.0", ipAddress: "::1" },
    { userId: "u", userAgent: "curl/8.0", ipAddress: "2001:db8::1" },
    { ...everything, actor: undefined, duration: "28d" },
    everything,
    everything,
  ]) {
    clock.advance(999_999);
    grants.push(await hj.sessions.create(fields));
  }
  await hj.sessions.refresh(grants[2].refreshToken, { ipAddress: "198.51.100.7" });
  await hj.sessions.refresh(grants[4].refreshToken, { ipAddress: "198.51.100.7", userAgent: "other/1.0" });
  await hj.sessions.revoke(grants[3].session.id);
  await hj.sessions.revoke(grants[6].session.id);
  const reader = makeTenant(t, { database, clock });
  await reader.ready();
  const [list, ...got] = await Promise.all([
    reader.sessions.list("u"),
    ...grants.map(({ session }) => reader.sessions.get(session.id)),
  ]);
  const ways = {
    kept: await reader.sessions.list("u"),
    got: got.toReversed(),
    keptOne: (await Promise.all(grants.map(({ session }) => reader.sessions.get(session.id)))).toReversed(),
    alone: await reader.sessions.list("u", { limit: 50 }),
    ofTenant: await reader.sessions.list({ status: "all" }),
    sample: (await reader.sessions.revokeWhere({ userId: "u" }, { dryRun: true })).sample,
  };
  assert.equal(list.length, grants.length);
  for (const [way, sessions] of Object.entries(ways)) {
    const found = new Map(list.map((session) => [session.id, session]));
    const expected = sessions.map(({ id }) => found.get(id));
    assert.deepStrictEqual([...sessions], expected, way);
    assert.equal(JSON.stringify([...sessions]), JSON.stringify(expected), way);
    assert.ok(way === "sample" || sessions.length === list.length, way);
    for (const session of sessions) {
      assert.deepStrictEqual(Object.keys(session), Object.keys(grants[0].session), way);
      assert.equal(Object.getPrototypeOf(session), Object.prototype, way);
    }
  }
  const { session } = grants[5];
  assert.deepStrictEqual(
    list.find(({ id }) => id === session.id),
    session,
  );
  assert.deepStrictEqual(session.actor, everything.actor);
  const refreshed = list.find(({ id }) => id === grants[4].session.id);
  assert.deepStrictEqual(
    [refreshed.lastIpAddress, refreshed.lastUserAgent, refreshed.userAgent, refreshed.claims],
    ["198.51.100.7", "other/1.0", everything.userAgent, everything.claims],
  );
  assert.equal(refreshed.refreshExpiresAt - refreshed.createdAt, 28 * 86_400_000);
});

test("lists of more sessions than are read together are all answered", async (t) => {
  const database = `${makeFolder(t)}/sessions.db`;
  const hj = makeTenant(t, { database, durability: "normal", config: { maxSessionsPerUser: null } });
  const users = Array.from({ length: 40 }, (_, n) => `usr_${n}`);
  const grants = await Promise.all(
    users.flatMap((userId) =>
      Array.from({ length: 20 }, (_, n) => hj.sessions.create({ userId, role: `${n}` })),
    ),
  );
  const reader = makeTenant(t, { database });
  await reader.ready();
  const lists = await Promise.all(users.map((userId) => reader.sessions.list(userId)));
  for (const [at, list] of lists.entries()) {
    const own = grants.slice(20 * at, 20 * at + 20).map(({ session }) => session);
    own.sort((one, other) => (one.id < other.id ? 1 : -1));
    assert.deepStrictEqual([...list], own);
  }
});

test("sessions and lists that were begun before a close in the same turn are answered", async (t) => {
  const hj = makeTenant(t, { database: `${makeFolder(t)}/sessions.db`, tokenCacheCapacity: 0 });
  const { session } = await hj.sessions.create({ userId: "u" });
  const begun = [];
  for (let n = 0; n < 10; n += 1) begun.push(hj.sessions.get(session.id), hj.sessions.list("u"));
  const closing = hj.close();
  const late = hj.sessions.get(session.id);
  await assert.rejects(late, { code: "engine_closed" });
  for (const answer of await Promise.all(begun)) {
    assert.equal((Array.isArray(answer) ? answer[0] : answer).id, session.id);
  }
  await closing;
});

test("a look-up that waits for the event loop is answered by a close that comes before its turn", async (t) => {
  const hj = makeTenant(t, { database: `${makeFolder(t)}/sessions.db` });
  const [{ session }, { session: other }] = await Promise.all(
    ["u", "v"].map((userId) => hj.sessions.create({ userId })),
  );
  const id = session.id;
  await Promise.all([hj.sessions.get(id), hj.sessions.list("u")]);
  await new Promise(setImmediate);
  const begun = hj.sessions.get(other.id);
  // Cached answers, which spend what calls may take between two turns.
  const cached = Array.from({ length: 1_700 }, () => hj.sessions.get(id));
  const list = hj.sessions.list("u");
  let closing = null;
  const close = () => {
    closing ??= hj.close();
  };
  subscribe("hellojohn:operation", close);
  t.after(() => unsubscribe("hellojohn:operation", close));
  const [found, sessions] = await Promise.all([begun, list]);
  assert.deepEqual([found.id, sessions[0].id], [other.id, id]);
  await Promise.allSettled(cached);
  assert.ok(closing);
  await closing;
});
