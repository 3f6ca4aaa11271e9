// Which requests pass to the host's own routes.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import express from "express";
import fastify from "fastify";
import { TENANT } from "./fixture.mjs";
import { call, inEveryHost, listen, makeTenantWithAda, signIn } from "./hosts.mjs";

const bearer = ({ access_token }, headers) => ({ authorization: `Bearer ${access_token}`, ...headers });
/** The user of an answer; when the session signed in depends on the clock. */
function readUser(text) {
  const { authTime, factors, actorUserId, ...user } = JSON.parse(text);
  assert.equal(actorUserId, null);
  assert.ok(Date.now() - Date.parse(authTime) >= 0);
  assert.deepEqual(factors, []);
  return user;
}
const me = (base, headers) => call(base, "GET", "/me", { headers });

/** Checks a refusal as the API writes it. */
function assertRefused({ status, headers, body }, expected, code) {
  assert.deepEqual([status, body.error.code, body.error.status], [expected, code, expected]);
  assert.equal(headers.get("www-authenticate"), expected === 401 ? "Bearer" : null);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(headers.get("x-request-id"), body.error.request_id);
}

inEveryHost(test, "requireAuth checks the session in the store", async (t, mount) => {
  const hj = makeTenantWithAda(t, {
    authenticate: () => ({ userId: "usr_ada", role: "admin", orgId: "org_1", mfaVerified: true }),
  });
  const base = await mount(t, hj);
  const grant = await signIn(base);
  const passed = await me(base, bearer(grant));
  assert.deepEqual(
    [passed.status, readUser(passed.text)],
    [
      200,
      {
        userId: "usr_ada",
        sessionId: grant.session_id,
        tenantId: TENANT.tenantId,
        orgId: "org_1",
        role: "admin",
        mfaVerified: true,
        claims: {},
        outdated: false,
      },
    ],
  );
  const change = { role: "member", orgId: null, mfaVerified: false, claims: { plan: "free" } };
  const { accessToken } = await hj.sessions.update(grant.session_id, change);
  const ids = { userId: "usr_ada", sessionId: grant.session_id, tenantId: TENANT.tenantId };
  assert.deepEqual(readUser((await me(base, bearer(grant))).text), { ...ids, ...change, outdated: true });
  const fresh = await me(base, bearer({ access_token: accessToken }));
  assert.deepEqual(readUser(fresh.text), { ...ids, ...change, outdated: false });
  assertRefused(await me(base), 401, "missing_token");
  assertRefused(await me(base, { authorization: "Basic YTpi" }), 401, "missing_token");
  assertRefused(await me(base, { authorization: "Bearer a.b.c" }), 401, "invalid_token");
  assertRefused(await me(base, { authorization: `Bearer ${TENANT.secretKey}` }), 401, "invalid_token");
  assertRefused(await me(base, { authorization: `Bearer ${grant.refresh_token}` }), 401, "invalid_token");
  assertRefused(await me(base, bearer(grant, { "x-tenant-id": "tnt_other" })), 403, "tenant_mismatch");
  await hj.sessions.revoke(grant.session_id);
  assertRefused(await me(base, bearer(grant)), 401, "session_revoked");
  await hj.close();
  assertRefused(await me(base, bearer(grant)), 503, "engine_closed");
});

inEveryHost(test, "a request with two tokens does not pass", async (t, mount) => {
  const base = await mount(t, makeTenantWithAda(t), { guard: { optional: true } });
  const { access_token } = await signIn(base);
  const line = `Authorization: Bearer ${access_token}\r\n`;
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  let received = "";
  socket.on("data", (chunk) => (received += chunk));
  socket.write(`GET /me HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${line}${line}\r\n`);
  await new Promise((settle) => socket.on("close", settle));
  assert.match(received, /^HTTP\/1\.1 40[01] /);
});

inEveryHost(
  test,
  "with local verification a token passes until it expires; with a closed store no token passes",
  async (t, mount) => {
    const hj = makeTenantWithAda(t);
    const base = await mount(t, hj, { guard: { verify: "local" } });
    const grant = await signIn(base);
    await hj.sessions.revoke(grant.session_id);
    assert.equal((await me(base, bearer(grant))).status, 200);
    assertRefused(await me(base, { authorization: "Bearer a.b.c" }), 401, "invalid_token");
    await hj.close();
    assertRefused(await me(base, bearer(grant)), 503, "engine_closed");
  },
);

inEveryHost(
  test,
  "with optional, a request without a token passes and one with a bad token does not",
  async (t, mount) => {
    const hj = makeTenantWithAda(t);
    const failures = [];
    const base = await mount(t, hj, {
      guard: { optional: true, onError: (error, { requestId }) => failures.push([error.code, requestId]) },
    });
    const grant = await signIn(base);
    assert.deepEqual([(await me(base)).status, (await me(base)).text], [200, "null"]);
    assert.equal((await me(base, bearer(grant))).status, 200);
    assertRefused(await me(base, { authorization: "Bearer a.b.c" }), 401, "invalid_token");
    await hj.close();
    const answer = await me(base, bearer(grant));
    assertRefused(answer, 503, "engine_closed");
    assert.deepEqual(failures, [["engine_closed", answer.body.error.request_id]]);
  },
);

test("guards of all methods answer a CORS preflight by themselves, and pass it on only where anonymous requests may pass", async (t) => {
  const hj = makeTenantWithAda(t);
  const headers = { origin: "https://app.example", "access-control-request-method": "GET" };
  const app = express();
  app.use(hj.requireAuth());
  app.options("/me", (request, response) => response.set("x-user", String(request.auth)).end());
  const instance = fastify();
  instance.addHook("onRequest", hj.fastifyAuth());
  instance.options("/me", (request, reply) => reply.header("x-user", String(request.auth)).send());
  await instance.ready();
  const guard = hj.requireAuth();
  const plain = createServer((request, response) =>
    guard(request, response, () => response.setHeader("x-user", String(request.auth)).end()),
  );
  for (const server of [createServer(app), instance.server, plain]) {
    const base = await listen(t, server);
    const answered = await call(base, "OPTIONS", "/me", { headers });
    assert.deepEqual([answered.status, answered.headers.get("x-user")], [204, null]);
    assert.equal(answered.headers.get("access-control-allow-origin"), null);
    assertRefused(await call(base, "OPTIONS", "/me"), 401, "missing_token");
    assertRefused(await call(base, "GET", "/me", { headers }), 401, "missing_token");
  }
  const fetched = await hj.authorize(new Request("http://a/me", { method: "OPTIONS", headers }));
  assert.deepEqual([fetched instanceof Response, fetched.status], [true, 204]);
  const optional = await hj.authorize(new Request("http://a/me", { method: "OPTIONS", headers }), {
    optional: true,
  });
  assert.equal(optional, null);
});

inEveryHost(test, "the token may come from elsewhere than the header", async (t, mount) => {
  const query = (request) => {
    const { url } = request.raw ?? request;
    return new URL(url, "http://a").searchParams.get("access_token");
  };
  const failures = [];
  const guard = { token: query, onError: (error) => failures.push(error) };
  const hj = makeTenantWithAda(t);
  const base = await mount(t, hj, { guard });
  const grant = await signIn(base);
  const at = (token, headers) =>
    call(base, "GET", `/me?access_token=${encodeURIComponent(token)}`, { headers });
  assert.equal((await at(grant.access_token)).status, 200);
  assert.equal((await at(grant.access_token, { authorization: "Bearer a.b.c" })).status, 200);
  for (const bad of ["a.b.c", "é", "\u0001", "a b", grant.refresh_token, TENANT.secretKey, "\ud83d\ude00"]) {
    assertRefused(await at(bad, bearer(grant)), 401, "invalid_token");
  }
  // Without a text the header counts.
  assert.equal((await at("", bearer(grant))).status, 200);
  assertRefused(await at(""), 401, "missing_token");
  assert.deepEqual(failures, []);
  const cause = new Error("no query");
  for (const [token, message] of [
    [() => 7, "token: must return a string, null or undefined"],
    [() => Promise.resolve("x"), "token: must return a string, null or undefined"],
    [
      () => {
        throw cause;
      },
      "the host's code failed",
    ],
  ]) {
    const failing = await mount(t, hj, { guard: { ...guard, token } });
    assertRefused(await me(failing, bearer(grant)), 500, "internal");
    assert.match(`${failures.pop().detail}`, new RegExp(`^(${message}|no query)`));
  }
});

test("the upgrade of a WebSocket is authorized by its sub-protocol", async (t) => {
  const hj = makeTenantWithAda(t);
  const { accessToken } = await hj.sessions.create({ userId: "usr_ada" });
  const token = (request) => request.headers["sec-websocket-protocol"]?.split(", ")[1];
  const server = createServer();
  server.on("upgrade", async (request, socket) => {
    const auth = await hj.authorize(request, { token });
    socket.end(`HTTP/1.1 ${auth instanceof Response ? auth.status : `200 ${auth.userId}`} x\r\n\r\n`);
  });
  const { port } = new URL(await listen(t, server));
  const upgrade = async (protocol) => {
    const socket = connect(Number(port), "127.0.0.1");
    let received = "";
    socket.on("data", (chunk) => (received += chunk));
    socket.write(
      `GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
    );
    await new Promise((settle) => socket.on("close", settle));
    return received.split("\r\n", 1)[0];
  };
  assert.equal(await upgrade(`bearer, ${accessToken}`), "HTTP/1.1 200 usr_ada x");
  assert.equal(await upgrade("bearer, a.b.c"), "HTTP/1.1 401 x");
  assert.equal(await upgrade("chat"), "HTTP/1.1 401 x");
});

inEveryHost(test, "a user whose factor is missing or too old is asked for it by name", async (t, mount) => {
  const hj = makeTenantWithAda(t, { authenticate: () => ({ userId: "usr_ada", factors: ["pwd"] }) });
  const base = await mount(t, hj, { guard: { maxAge: "5m", factors: ["otp"] } });
  const grant = await signIn(base);
  const { status, headers, body } = await me(base, bearer(grant));
  assert.deepEqual(
    [status, body.error.code, body.error.max_age, body.error.factors],
    [401, "reauthentication_required", 300, ["otp"]],
  );
  assert.equal(
    headers.get("www-authenticate"),
    'Bearer error="insufficient_user_authentication", max_age="300"',
  );
  await hj.sessions.update(grant.session_id, { factor: "otp" });
  const passed = await me(base, bearer(grant));
  const { factors, mfaVerified, authTime } = JSON.parse(passed.text);
  assert.deepEqual(
    [passed.status, mfaVerified, factors.map(({ method }) => method)],
    [200, true, ["pwd", "otp"]],
  );
  assert.equal(authTime, factors[1].at);
});

test("what a gate asks for is checked when it is made", (t) => {
  const hj = makeTenantWithAda(t);
  for (const [bad, field] of [
    [{ maxAge: 0 }, "maxAge"],
    [{ maxAge: "5 minutes" }, "maxAge"],
    [{ factors: "otp" }, "factors"],
    [{ factors: [1] }, "factors"],
    [{ factors: ["o t p"] }, "factors"],
    [{ factors: ["otp", "otp"] }, "factors"],
    [{ refuseActor: "yes" }, "refuseActor"],
  ]) {
    assert.throws(
      () => hj.requireAuth(bad),
      ({ code, detail }) => code === "validation_error" && detail.startsWith(`${field}: `),
      JSON.stringify(bad),
    );
  }
});

inEveryHost(test, "a gate says who acts for the user, or refuses that person", async (t, mount) => {
  const hj = makeTenantWithAda(t);
  const actor = { userId: "op_1", reason: "ticket 4711" };
  const { accessToken: access_token } = await hj.sessions.create({ userId: "usr_ada", actor });
  const passed = await me(await mount(t, hj), bearer({ access_token }));
  const { userId, actorUserId } = JSON.parse(passed.text);
  assert.deepEqual([passed.status, userId, actorUserId], [200, "usr_ada", "op_1"]);
  for (const verify of ["store", "local"]) {
    const base = await mount(t, hj, { guard: { refuseActor: true, verify } });
    assertRefused(await me(base, bearer({ access_token })), 403, "insufficient_permissions");
    assert.equal((await me(base, bearer(await signIn(base)))).status, 200);
  }
});
