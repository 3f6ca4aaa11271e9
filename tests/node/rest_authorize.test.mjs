// Which requests pass to the host's own routes.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { TENANT } from "./fixture.mjs";
import { call, inEveryHost, makeTenantWithAda, signIn } from "./hosts.mjs";

const bearer = ({ access_token }, headers) => ({ authorization: `Bearer ${access_token}`, ...headers });
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
    [passed.status, JSON.parse(passed.text)],
    [
      200,
      {
        userId: "usr_ada",
        sessionId: grant.session_id,
        tenantId: TENANT.tenantId,
        orgId: "org_1",
        role: "admin",
        mfaVerified: true,
      },
    ],
  );
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
