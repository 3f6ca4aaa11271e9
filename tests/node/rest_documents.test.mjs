// What the documents show of the REST API, against real servers: curl lines, jose with the published key set, a browser's client.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import * as jose from "jose";
import { folder } from "./fixture.mjs";
import { ADA, call, inEveryHost, SECRET, signIn, tenantOfAda } from "./hosts.mjs";

const CURL_LINES = fileURLToPath(new URL("../rest/curl", import.meta.url));

inEveryHost(test, "the documents' curl lines, word for word", async (t, mount) => {
  assert.ok(existsSync(CURL_LINES));
  const base = await mount(t, tenantOfAda(t));
  // The script of the Rust door, with our server in place of its own.
  const at = folder(t);
  copyFileSync(CURL_LINES, join(at, "curl"));
  writeFileSync(join(at, "server"), `set -euo pipefail\nbase=${base}\n`);
  const script = spawn("bash", [join(at, "curl")]);
  let said = "";
  for (const stream of [script.stdout, script.stderr]) stream.on("data", (chunk) => (said += chunk));
  assert.equal(await new Promise((settle) => script.on("close", settle)), 0, said);
  assert.ok(said.split("\n").filter((line) => line.startsWith("ok  ")).length >= 15, said);
});

inEveryHost(test, "jose verifies by the mounted key set, across a rotation", async (t, mount) => {
  const hj = tenantOfAda(t, { tenantId: "your-tenant-id" });
  const base = await mount(t, hj);
  const JWKS = jose.createRemoteJWKSet(new URL(`${base}/.well-known/jwks.json`));
  async function verifyToken(token) {
    const { payload } = await jose.jwtVerify(token, JWKS, {
      issuer: "https://api.hellojohn.dev",
      audience: "your-tenant-id",
    });
    return payload;
  }
  const first = await signIn(base);
  assert.equal((await verifyToken(first.access_token)).sub, "usr_ada");
  await hj.keys.rotate();
  // The verifier has cached the old set, which has the next key already.
  const { refresh_token } = first;
  const second = (await call(base, "POST", "/v1/auth/token/refresh", { json: { refresh_token } })).body;
  assert.notDeepEqual(
    jose.decodeProtectedHeader(second.access_token).kid,
    jose.decodeProtectedHeader(first.access_token).kid,
  );
  for (const { access_token } of [first, second]) await verifyToken(access_token);
  // A verifier that starts now knows both.
  const fresh = jose.createRemoteJWKSet(new URL(`${base}/.well-known/jwks.json`));
  for (const { access_token } of [first, second]) await jose.jwtVerify(access_token, fresh);
});

inEveryHost(
  test,
  "a client that refreshes on 401, as documented, with parallel requests",
  async (t, mount) => {
    const hj = tenantOfAda(t, { config: { access_token_ttl: 2 } });
    const base = await mount(t, hj);
    let tokens = await signIn(base);
    let redirected = 0;
    let refreshes = 0;
    const redirectToSignIn = () => (redirected += 1);
    const getAccessToken = () => tokens.access_token;
    // Tabs share what is stored and have no lock: those that were refused with the stored token refresh at once.
    async function refreshTokens(refused) {
      if (refused !== getAccessToken()) return;
      const { refresh_token } = tokens;
      refreshes += 1;
      const answer = await call(base, "POST", "/v1/auth/token/refresh", { json: { refresh_token } });
      if (answer.status !== 200) throw new Error(answer.body.error.code);
      tokens = answer.body;
    }
    async function apiRequest(endpoint) {
      const used = getAccessToken();
      let response = await fetch(endpoint, { headers: { Authorization: `Bearer ${used}` } });
      if (response.status === 401) {
        try {
          await refreshTokens(used);
          response = await fetch(endpoint, { headers: { Authorization: `Bearer ${getAccessToken()}` } });
        } catch {
          redirectToSignIn();
          return;
        }
      }
      return response.json();
    }
    const deadline = Date.now() + 10_000;
    while ((await hj.verifyTokenRemote(tokens.access_token)).valid) assert.ok(Date.now() < deadline);
    const session = tokens.session_id;
    const answers = await Promise.all(Array.from({ length: 24 }, () => apiRequest(`${base}/me`)));
    assert.deepEqual(
      answers.map(({ sessionId }) => sessionId),
      answers.map(() => session),
    );
    assert.equal(redirected, 0);
    assert.ok(refreshes > 1, "no two refreshed in parallel");
    assert.equal(tokens.session_id, session);
    assert.deepEqual((await hj.stats()).sessions, { active: 1, expired: 0, revoked: 0 });
    await hj.sessions.revoke(session);
    assert.equal(await apiRequest(`${base}/me`), undefined);
    assert.equal(redirected, 1);
  },
);

inEveryHost(test, "sign in, list, sign out", async (t, mount) => {
  const hj = tenantOfAda(t);
  const base = await mount(t, hj);
  const [first, second] = [await signIn(base, { "user-agent": "Browser/1" }), await signIn(base)];
  const bearer = { authorization: `Bearer ${first.access_token}` };
  assert.deepEqual(
    [first.session.user_id, first.session.user_agent, first.session.ip_address],
    ["usr_ada", "Browser/1", "127.0.0.1"],
  );
  const { body } = await call(base, "GET", "/v1/sessions", { headers: bearer });
  assert.deepEqual(
    body.data.map(({ id, current }) => [id, current]),
    [
      [second.session_id, false],
      [first.session_id, true],
    ],
  );
  const signOut = await call(base, "POST", "/v1/auth/sign-out", { headers: bearer });
  assert.deepEqual([signOut.status, signOut.text], [204, ""]);
  const after = await call(base, "GET", "/v1/sessions", { headers: bearer });
  assert.deepEqual([after.status, after.body.error.code], [401, "session_revoked"]);
  const ended = await call(base, "GET", `/v1/sessions/${first.session_id}`, { headers: SECRET });
  assert.equal(ended.body.end_reason, "sign_out");
  const remembered = await call(base, "POST", "/v1/auth/sign-in", {
    json: { ...ADA, session_options: { duration: "24h" } },
  });
  const { created_at, expires_at } = remembered.body.session;
  assert.equal(Date.parse(expires_at) - Date.parse(created_at), 86_400_000);
  const head = await call(base, "HEAD", "/.well-known/jwks.json");
  const get = await call(base, "GET", "/.well-known/jwks.json");
  assert.equal(head.text, "");
  assert.equal(head.headers.get("content-length"), String(get.text.length));
  assert.equal(get.headers.get("cache-control"), "public, max-age=3600");
});
