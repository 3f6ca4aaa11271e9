// What @hellojohn/client does in a page, without cookies, against the server at an address.
import assert from "node:assert/strict";
import { createClient } from "@hellojohn/client";

const [baseUrl] = process.argv.slice(2);
const credentials = { email: "ada@example.com", password: "correct horse" };
const open = (options) => createClient({ baseUrl, cookie: false, ...options });

let kept = null;
const client = open({ onRefreshToken: (token) => (kept = token) });
const user = await client.signIn({ ...credentials, session_options: { duration: "1d" } });
assert.equal(user.id, "usr_ada");
const other = open();
const { session_id } = await other.signIn(credentials);

const { data } = await client.sessions.list({ limit: 100 });
assert.deepEqual(
  data.filter(({ current }) => current).map(({ id }) => id),
  [user.session_id],
);
const tokens = await Promise.all(Array.from({ length: 20 }, () => client.refreshTokens()));
assert.equal(new Set(tokens).size, 1);
assert.equal((await client.fetch(`${baseUrl}/v1/sessions`)).status, 200);

const resumed = open({ refreshToken: kept });
await resumed.refreshTokens();
assert.equal(resumed.user.session_id, user.session_id);

await client.sessions.revoke(session_id);
await assert.rejects(other.sessions.list(), { code: "session_revoked" });
assert.equal(other.state.status, "signed_out");
await assert.rejects(other.signIn({ ...credentials, password: "wrong" }), { code: "invalid_credentials" });
await other.signIn(credentials);
await client.sessions.revokeOthers();
await assert.rejects(other.refreshTokens(), { code: "session_revoked" });
await client.signOut();
await assert.rejects(resumed.fetch(`${baseUrl}/v1/sessions`), { code: "session_revoked" });
console.log(`ok  the client against ${baseUrl}`);
