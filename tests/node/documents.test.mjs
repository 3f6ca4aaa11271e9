// The snippets of the documentation, as they stand there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HelloJohn } from "@hellojohn/node";
import { createLocalJWKSet, jwtVerify } from "jose";
import { isFailure, makeFolder, makeTenant } from "./fixture.mjs";

test("the constructor takes the options of the documentation", async (t) => {
  process.env.HELLOJOHN_TENANT_ID = "tnt_01HABCDEF654321";
  process.env.HELLOJOHN_SECRET_KEY = "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA";
  process.env.HELLOJOHN_DATABASE = `${makeFolder(t)}/sessions.db`;
  const hj = new HelloJohn({
    tenantId: process.env.HELLOJOHN_TENANT_ID,
    secretKey: process.env.HELLOJOHN_SECRET_KEY,
  });
  await hj.ready();
  const { session } = await hj.sessions.create({ userId: "usr_01HABCDEF123456" });
  assert.equal(session.tenantId, "tnt_01HABCDEF654321");
  await hj.close();
});

test("Get a Session: a session has the documented fields with the documented types", async (t) => {
  const hj = makeTenant(t);
  await assert.rejects(hj.sessions.get("ses_01HABCDEF123456"), isFailure("session_not_found"));
  const created = await hj.sessions.create({ userId: "usr_01HABCDEF123456" });
  const session = await hj.sessions.get(created.session.id);
  for (const name of ["createdAt", "lastActiveAt", "expiresAt", "refreshExpiresAt"]) {
    assert.ok(session[name] instanceof Date, name);
  }
  assert.match(session.id, /^ses_[0-9A-HJKMNP-TV-Z]{26}$/);
  assert.equal(session.userId, "usr_01HABCDEF123456");
  for (const name of ["ipAddress", "userAgent", "deviceFingerprint", "revokedAt"]) {
    assert.equal(session[name], null, name);
  }
  assert.equal(session.revoked, false);
  assert.ok(!Object.values(session).includes(undefined));
  assert.deepEqual(session, created.session);
});

test("List Sessions for a User: a list can be destructured and holds active sessions only", async (t) => {
  const hj = makeTenant(t);
  const first = await hj.sessions.create({ userId: "usr_01HABCDEF123456" });
  await hj.sessions.create({ userId: "usr_01HABCDEF123456" });
  await hj.sessions.revoke(first.session.id);
  const { sessions } = await hj.sessions.list("usr_01HABCDEF123456");
  assert.equal(sessions.length, 2);
  const { sessions: active } = await hj.sessions.list("usr_01HABCDEF123456", {
    status: "active",
  });
  assert.equal(active.length, 1);
});

test("Revoke, revoke all, and verify in real time", async (t) => {
  const hj = makeTenant(t);
  const userId = "usr_01HABCDEF123456";
  const { session, accessToken, refreshToken } = await hj.sessions.create({ userId });
  {
    const { valid, session: found } = await hj.sessions.verify(session.id);
    assert.equal(valid, true);
    assert.deepEqual(found, session);
  }
  assert.equal(await hj.sessions.revoke(session.id), undefined);
  await assert.rejects(hj.sessions.refresh(refreshToken), isFailure("session_revoked"));
  // "The access token remains valid until it expires"; "for immediate invalidation, use API-based verification".
  assert.equal((await hj.verifyToken(accessToken)).sub, userId);
  assert.equal((await hj.verifyTokenRemote(accessToken)).valid, false);
  {
    const { valid, session: found } = await hj.sessions.verify(session.id);
    assert.equal(valid, false);
    assert.equal(found.revoked, true);
    assert.ok(found.revokedAt instanceof Date);
  }
  await hj.sessions.create({ userId });
  assert.deepEqual(await hj.sessions.revokeAll(userId), { revoked: 1 });
});

test("Detect suspicious sessions, in both documented forms", async (t) => {
  const hj = makeTenant(t);
  const userId = "usr_1";
  await hj.sessions.create({ userId, ipAddress: "203.0.113.42", country: "US" });
  await hj.sessions.create({ userId, ipAddress: "198.51.100.7", country: "NL" });
  await hj.sessions.create({ userId });

  const { sessions } = await hj.sessions.list(userId);
  const isTrustedIP = (address) => address.startsWith("203.");
  const unusualSessions = sessions.filter((s) => s.ipAddress && !isTrustedIP(s.ipAddress));
  assert.deepEqual(
    unusualSessions.map((s) => s.ipAddress),
    ["198.51.100.7"],
  );

  const recentSessions = await hj.sessions.list({ user_id: userId });
  const homeCountries = ["US", "CA"];
  const suspicious = recentSessions.filter((s) => !homeCountries.includes(s.country));
  assert.deepEqual(
    suspicious.map((s) => s.country),
    [null, "NL"],
  );
});

test("Remember me", async (t) => {
  const hj = makeTenant(t, {
    authenticate: async ({ email, password }) =>
      email === "ada@example.com" && password === "correct horse" ? { userId: "usr_ada" } : null,
  });
  const [email, password] = ["ada@example.com", "correct horse"];
  for (const rememberMe of [true, false]) {
    const sessionDuration = rememberMe ? "30d" : "24h";
    const session = await hj.auth.signIn({
      email,
      password,
      sessionOptions: { duration: sessionDuration },
    });
    assert.equal(session.refreshExpiresAt - session.createdAt, (rememberMe ? 30 : 1) * 86_400_000);
  }
});

test("The documented timeouts, in the documented spelling", async (t) => {
  const hj = makeTenant(t);
  const patch = {
    session_duration: "14d",
    access_token_ttl: "15m",
    idle_timeout: "7d",
    max_sessions_per_user: 5,
  };
  assert.deepEqual(await hj.config.update(patch), {
    sessionDuration: "14d",
    accessTokenTtl: "15m",
    idleTimeout: "7d",
    maxSessionsPerUser: 5,
    refreshReuseWindow: "10s",
    maxActorDuration: "1h",
    eventRetention: null,
    recordRetention: null,
    revocationList: false,
    warnings: [],
  });
  assert.equal((await hj.config.update({ idle_timeout: null })).idleTimeout, null);
});

test("Local verification with jose works as documented, except for the address of the key set", async (t) => {
  const hj = makeTenant(t, { tenantId: "your-tenant-id" });
  const { accessToken } = await hj.sessions.create({ userId: "usr_1" });
  const JWKS = createLocalJWKSet(await hj.jwks());
  const { payload } = await jwtVerify(accessToken, JWKS, {
    issuer: "https://api.hellojohn.dev",
    audience: "your-tenant-id",
  });
  assert.equal(payload.sub, "usr_1");
});
