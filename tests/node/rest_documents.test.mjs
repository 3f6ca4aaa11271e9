// The documents' examples of the REST API against real servers: curl lines, jose with the published key set, a browser's
// client.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ManualClock } from "@hellojohn/node";
import * as jose from "jose";
import { makeFolder, START } from "./fixture.mjs";
import { ADA, call, inEveryHost, makeTenantWithAda, SECRET, signIn } from "./hosts.mjs";

const CURL_LINES = fileURLToPath(new URL("../rest/curl", import.meta.url));

inEveryHost(test, "the documents' curl lines run word for word", async (t, mount) => {
  assert.ok(existsSync(CURL_LINES));
  const base = await mount(t, makeTenantWithAda(t), { dashboard: true });
  // The script of the REST tests, with this server in place of its own.
  const at = makeFolder(t);
  copyFileSync(CURL_LINES, join(at, "curl"));
  writeFileSync(join(at, "server"), `set -euo pipefail\nbase=${base}\n`);
  const script = spawn("bash", [join(at, "curl")]);
  let said = "";
  for (const stream of [script.stdout, script.stderr]) stream.on("data", (chunk) => (said += chunk));
  assert.equal(await new Promise((settle) => script.on("close", settle)), 0, said);
  assert.ok(said.split("\n").filter((line) => line.startsWith("ok  ")).length >= 15, said);
});

inEveryHost(test, "jose verifies by the mounted key set, across a rotation", async (t, mount) => {
  const hj = makeTenantWithAda(t, { tenantId: "your-tenant-id" });
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
  // The verifier has cached the old set, which already holds the next key.
  const { refresh_token } = first;
  const second = (await call(base, "POST", "/v1/auth/token/refresh", { json: { refresh_token } })).body;
  assert.notDeepEqual(
    jose.decodeProtectedHeader(second.access_token).kid,
    jose.decodeProtectedHeader(first.access_token).kid,
  );
  for (const { access_token } of [first, second]) await verifyToken(access_token);
  // A new verifier has both.
  const fresh = jose.createRemoteJWKSet(new URL(`${base}/.well-known/jwks.json`));
  for (const { access_token } of [first, second]) await jose.jwtVerify(access_token, fresh);
});

inEveryHost(
  test,
  "a client that refreshes on 401 as documented works with parallel requests",
  async (t, mount) => {
    const clock = new ManualClock(START);
    const hj = makeTenantWithAda(t, { clock, config: { idle_timeout: "7d" } });
    const base = await mount(t, hj);
    const PARALLEL = 24;
    let tokens = await signIn(base);
    let [refreshes, redirected] = [0, 0];
    const redirectToSignIn = () => {
      redirected += 1;
    };
    const getAccessToken = () => tokens.access_token;
    // Like tabs that share a store and have no lock: each starts with the old tokens.
    let [waiting, go] = [[], PARALLEL];
    async function refreshTokens() {
      const { refresh_token } = tokens;
      await new Promise((settle) => {
        waiting.push(settle);
        if (waiting.length === go) for (const start of waiting) start();
      });
      const answer = await call(base, "POST", "/v1/auth/token/refresh", { json: { refresh_token } });
      if (answer.status !== 200) throw new Error(answer.body.error.code);
      refreshes += 1;
      tokens = answer.body;
    }
    async function apiRequest(endpoint) {
      let response = await fetch(endpoint, { headers: { Authorization: `Bearer ${getAccessToken()}` } });
      if (response.status === 401) {
        try {
          await refreshTokens();
          response = await fetch(endpoint, { headers: { Authorization: `Bearer ${getAccessToken()}` } });
        } catch {
          redirectToSignIn();
          return;
        }
      }
      return response.json();
    }
    const all = () => Promise.all(Array.from({ length: PARALLEL }, () => apiRequest(`${base}/me`)));
    const session = tokens.session_id;
    const hour = 3_600_000;
    for (let round = 1; round <= 3; round += 1) {
      waiting = [];
      clock.set(START + round * hour);
      assert.deepEqual(
        (await all()).map((auth) => auth.sessionId),
        Array.from({ length: PARALLEL }, () => session),
      );
      assert.deepEqual([refreshes, redirected], [round * PARALLEL, 0]);
    }
    assert.deepEqual((await hj.stats()).sessions, { active: 1, expired: 0, revoked: 0 });
    // A client that comes back too late.
    waiting = [];
    go = 1;
    clock.set(START + 3 * hour + 7 * 24 * hour + 1);
    assert.equal(await apiRequest(`${base}/me`), undefined);
    assert.deepEqual([refreshes, redirected], [3 * PARALLEL, 1]);
    assert.equal((await hj.sessions.get(session)).endReason, "idle_timeout");
  },
);

inEveryHost(test, "a user signs in, lists sessions and signs out", async (t, mount) => {
  const hj = makeTenantWithAda(t);
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
