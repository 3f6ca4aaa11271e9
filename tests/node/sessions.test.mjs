// The shapes of the arguments and answers of the session methods. The scenarios test what they decide.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isFailure, makeFolder, makeTenant, makeTenantWithClock, START, TENANT } from "./fixture.mjs";

const SESSION_FIELDS = [
  "actor authTime claims country createdAt deviceFingerprint deviceType email endReason expiresAt factors id ipAddress lastActiveAt",
  "lastIpAddress lastUserAgent mfaVerified orgId refreshExpiresAt revoked revokedAt role status tenantId userAgent",
  "userId",
].flatMap((line) => line.split(" "));

test("create takes every field and resolves to a grant", async (t) => {
  const { hj } = makeTenantWithClock(t);
  const grant = await hj.sessions.create({
    userId: "usr_1",
    userAgent: "Mozilla/5.0 (X11; Linux x86_64)",
    ipAddress: "2001:DB8:0::1",
    country: "NL",
    deviceType: "desktop",
    deviceFingerprint: "fp",
    duration: "24h",
    orgId: "org_1",
    role: "admin",
    mfaVerified: true,
    email: "ada@example.com",
    claims: { plan: "pro", limits: [1, { deep: null }], "": "", ...JSON.parse('{"__proto__": 1}') },
  });
  assert.deepEqual(Object.keys(grant), ["session", "accessToken", "refreshToken", "expiresIn", "evicted"]);
  assert.deepEqual(Object.keys(grant.session).sort(), SESSION_FIELDS);
  assert.equal(grant.session.ipAddress, "2001:db8::1");
  assert.equal(
    JSON.stringify(Object.entries(grant.session.claims).sort()),
    '[["",""],["__proto__",1],["limits",[1,{"deep":null}]],["plan","pro"]]',
  );
  assert.deepEqual(grant.session.createdAt, new Date(START));
  // The two documents name the end of the access token and of the session differently.
  assert.deepEqual(grant.session.expiresAt, new Date(START + 3_600_000));
  assert.deepEqual(grant.session.refreshExpiresAt, new Date(START + 86_400_000));
  assert.equal(grant.expiresIn, 3600);
  assert.match(grant.refreshToken, /^rt_/);
  assert.deepEqual(grant.evicted, []);
});

test("undefined and null mean absent where no value can be cleared", async (t) => {
  const hj = makeTenant(t);
  const { session } = await hj.sessions.create({
    userId: "u",
    orgId: undefined,
    role: null,
    claims: undefined,
  });
  assert.equal(session.orgId, null);
  assert.equal(session.role, null);
  assert.deepEqual(session.claims, {});
  assert.equal((await hj.sessions.list("u", { status: undefined, limit: null, cursor: null })).length, 1);
});

test("update leaves an undefined field and clears a null one", async (t) => {
  const hj = makeTenant(t);
  const { session } = await hj.sessions.create({ userId: "u", orgId: "org_1", role: "member" });
  const updated = await hj.sessions.update(session.id, { orgId: undefined, role: null, mfaVerified: true });
  assert.deepEqual(Object.keys(updated), ["session", "accessToken", "expiresIn", "evicted"]);
  assert.equal(updated.session.orgId, "org_1");
  assert.equal(updated.session.role, null);
  assert.equal((await hj.verifyToken(updated.accessToken)).mfa_verified, true);
});

test("the two forms of list have the two documented defaults", async (t) => {
  const { hj, clock } = makeTenantWithClock(t);
  const ids = [];
  for (let n = 0; n < 3; n += 1) {
    ids.unshift((await hj.sessions.create({ userId: "u" })).session.id);
    clock.advance(1);
  }
  await hj.sessions.create({ userId: "v" });
  await hj.sessions.revoke(ids[2]);
  const idsOf = (list) => list.map((session) => session.id);
  assert.deepEqual(idsOf(await hj.sessions.list("u")), ids);
  assert.deepEqual(idsOf(await hj.sessions.list({ user_id: "u" })), ids.slice(0, 2));
  assert.deepEqual(idsOf(await hj.sessions.list({ userId: "u", status: "all" })), ids);
  assert.deepEqual(idsOf(await hj.sessions.list({ userId: "u", status: "revoked" })), ids.slice(2));
  assert.equal((await hj.sessions.list({})).length, 3);
});

test("a list is an array with its sessions and its next cursor", async (t) => {
  const hj = makeTenant(t);
  for (let n = 0; n < 3; n += 1) await hj.sessions.create({ userId: "u" });
  const first = await hj.sessions.list("u", { limit: 2 });
  assert.ok(Array.isArray(first));
  assert.equal(first.sessions, first);
  assert.equal(typeof first.nextCursor, "string");
  const last = await hj.sessions.list("u", { limit: 2, cursor: first.nextCursor });
  assert.equal(last.length, 1);
  assert.equal(last.nextCursor, null);
  // It compares, copies and prints like any other array.
  assert.deepEqual(first, [...first]);
});

test("verify gives a reason, with the session as long as the session is known", async (t) => {
  const { hj, clock } = makeTenantWithClock(t);
  const { session, accessToken } = await hj.sessions.create({ userId: "u" });
  assert.deepEqual(await hj.sessions.verify(accessToken), { valid: true, session });
  await hj.sessions.revoke(session.id);
  for (const subject of [session.id, accessToken]) {
    const { valid, session: ended, error } = await hj.sessions.verify(subject);
    assert.deepEqual([valid, ended.endReason, error.code], [false, "revoked", "session_revoked"]);
    assert.equal(typeof error.message, "string");
  }
  clock.advance(3_600_000);
  for (const [subject, code] of [
    ["ses_01HABCDEF999888", "session_not_found"],
    ["garbage", "session_not_found"],
    ["a.b.c", "invalid_token"],
    [accessToken, "token_expired"],
    ["", "missing_token"],
    [undefined, "missing_token"],
    [null, "missing_token"],
    [7, "validation_error"],
    ["\ud800", "validation_error"],
  ]) {
    const { valid, session: unknown, error } = await hj.sessions.verify(subject);
    assert.deepEqual([valid, unknown, error.code], [false, null, code]);
  }
});

test("verifyTokenRemote never rejects for a token of any type", async (t) => {
  const hj = makeTenant(t);
  const { session, accessToken } = await hj.sessions.create({ userId: "u", role: "member" });
  const good = await hj.verifyTokenRemote(accessToken);
  assert.deepEqual(
    [good.valid, good.payload.sub, good.payload.role, good.error],
    [true, "u", "member", null],
  );
  await hj.sessions.revoke(session.id);
  for (const [token, code] of [
    [accessToken, "session_revoked"],
    ["garbage", "invalid_token"],
    [session.id, "invalid_token"],
    ["", "missing_token"],
    [undefined, "missing_token"],
    [["a"], "validation_error"],
    [Symbol("a"), "validation_error"],
    ["a\udfff", "validation_error"],
  ]) {
    const { valid, payload, error } = await hj.verifyTokenRemote(token);
    assert.deepEqual([valid, payload, error.code], [false, null, code]);
  }
  await hj.close();
  await assert.rejects(hj.verifyTokenRemote(accessToken), isFailure("engine_closed"));
});

test("verifyToken takes an audience and a clock skew, and verifyTokenSync does the same", async (t) => {
  const { hj, clock } = makeTenantWithClock(t);
  const { accessToken } = await hj.sessions.create({ userId: "u" });
  const claims = await hj.verifyToken(accessToken, { audience: TENANT.tenantId });
  assert.deepEqual(hj.verifyTokenSync(accessToken), claims);
  await assert.rejects(hj.verifyToken(accessToken, { audience: "tnt_other" }), isFailure("invalid_token"));
  clock.advance(3_600_000);
  assert.throws(() => hj.verifyTokenSync(accessToken), isFailure("token_expired"));
  assert.deepEqual(hj.verifyTokenSync(accessToken, { clockSkewSeconds: 1 }), claims);
  await assert.rejects(
    hj.verifyToken(accessToken, { clockSkewSeconds: 61 }),
    isFailure("validation_error", "clockSkewSeconds"),
  );
});

test("verifyTokenSync opens an engine that is not open yet", (t) => {
  const hj = makeTenant(t);
  assert.throws(() => hj.verifyTokenSync("a.b.c"), isFailure("invalid_token"));
  const wrong = makeTenant(t, { database: "/nowhere/at/all.db" });
  assert.throws(() => wrong.verifyTokenSync("a.b.c"), isFailure("storage_io"));
});

test("maintenance, keys and the clock mark", async (t) => {
  const { hj, clock } = makeTenantWithClock(t);
  const { session } = await hj.sessions.create({ userId: "u", duration: "1h" });
  await hj.sessions.create({ userId: "u" });
  clock.advance(2 * 3_600_000);
  const stats = await hj.stats();
  assert.deepEqual(stats.sessions, { active: 1, expired: 1, revoked: 0 });
  assert.equal(stats.createdLast24h, 2);
  assert.ok(stats.databaseBytes > 0);
  assert.equal(stats.logBytes, 0, "a database in memory has no log");
  assert.deepEqual(stats.oldestUnsweptAt, session.refreshExpiresAt);
  assert.deepEqual(await hj.sweep(), { stamped: 1 });
  assert.equal((await hj.stats()).oldestUnsweptAt, null);
  assert.deepEqual(await hj.purge({ olderThan: session.refreshExpiresAt }), { purged: 0 });
  assert.deepEqual(await hj.purge({ olderThan: "30m" }), { purged: 1 });

  const [active, next] = await hj.keys.list();
  assert.deepEqual([active.state, next.state], ["active", "next"]);
  assert.ok(active.createdAt instanceof Date);
  assert.deepEqual(await hj.keys.rotate(), { kid: next.kid });
  assert.equal(await hj.keys.retire(active.kid), undefined);
  await assert.rejects(hj.keys.retire(next.kid), isFailure("validation_error", "kid"));
  await assert.rejects(hj.keys.retire("key_nope"), isFailure("not_found"));

  clock.set(START);
  assert.equal((await hj.sessions.create({ userId: "w" })).session.createdAt.getTime(), START + 7_200_000);
  await hj.lowerClockMark();
  assert.equal((await hj.sessions.create({ userId: "w" })).session.createdAt.getTime(), START);
});

test("after a change of the secret key only the object that made it keeps working", async (t) => {
  const database = `${makeFolder(t)}/sessions.db`;
  const hj = makeTenant(t, { database });
  const other = makeTenant(t, { database });
  const { session } = await hj.sessions.create({ userId: "u" });
  assert.equal((await other.sessions.get(session.id)).id, session.id);
  await hj.changeSecretKey("sk_live_new_4Tn8Rk2Wq7Zx5Vb9Yc");
  assert.equal((await hj.sessions.get(session.id)).id, session.id);
  await assert.rejects(other.sessions.get(session.id), isFailure("invalid_api_key"));
  const late = makeTenant(t, { database, secretKey: "sk_live_new_4Tn8Rk2Wq7Zx5Vb9Yc" });
  assert.equal((await late.sessions.get(session.id)).id, session.id);
});

test("a list survives JSON.stringify, and its copies are plain arrays", async (t) => {
  const hj = makeTenant(t);
  for (let n = 0; n < 3; n += 1) await hj.sessions.create({ userId: "u" });
  const list = await hj.sessions.list("u", { limit: 2 });
  const { nextCursor } = list;
  assert.deepEqual(JSON.parse(JSON.stringify({ page: list })).page, {
    sessions: JSON.parse(JSON.stringify([...list])),
    nextCursor,
  });
  assert.deepEqual(Object.keys(list), ["0", "1"]);
  for (const copy of [list.slice(), structuredClone(list), [...list]]) {
    assert.equal(copy.length, 2);
    assert.equal(copy.nextCursor, undefined);
    assert.ok(Array.isArray(JSON.parse(JSON.stringify(copy))));
  }
});

test("a double in claims comes back as the same double, and a bigint is refused", async (t) => {
  const hj = makeTenant(t);
  // 2 ** 53 and above: JavaScript writes every digit, and the engine keeps them.
  const numbers = [
    0.9031759077724155,
    1e308,
    5e-324,
    2 ** 53,
    2 ** 63,
    2 ** 64,
    1e21,
    -(2 ** 70),
    Number.EPSILON,
  ];
  for (let n = 0; n < 90; n += 1) numbers.push(Math.random() * 10 ** (n - 45));
  const { session, accessToken } = await hj.sessions.create({ userId: "u", claims: { numbers } });
  assert.deepEqual(session.claims.numbers, numbers);
  assert.deepEqual((await hj.sessions.get(session.id)).claims.numbers, numbers);
  assert.deepEqual(hj.verifyTokenSync(accessToken).numbers, numbers);
  assert.deepEqual((await hj.verifyTokenRemote(accessToken)).payload.numbers, numbers);
  // As JSON.stringify writes it.
  const { session: zero } = await hj.sessions.create({ userId: "u", claims: { zero: -0 } });
  assert.ok(Object.is(zero.claims.zero, 0));
  await assert.rejects(hj.sessions.create({ userId: "u", claims: { n: 1n } }), { code: "validation_error" });
});
