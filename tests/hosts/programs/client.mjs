// @hellojohn/client in the runtime of this program, against a server of @hellojohn/node in the same.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createClient, createVerifier } from "@hellojohn/client";
import { HelloJohn } from "@hellojohn/node";

const hj = new HelloJohn({
  tenantId: "tnt_host",
  secretKey: "sk_test_host_7Hq2Zk9Wm4Xc1Vb8Nt5R",
  database: ":memory:",
  authenticate: ({ email, password }) => (password === "correct horse" ? { userId: email } : null),
});
const server = createServer(hj.middleware());
await new Promise((go) => server.listen(0, "127.0.0.1", go));
const baseUrl = `http://127.0.0.1:${server.address().port}`;
const client = createClient({ baseUrl, cookie: false });

const user = await client.signIn({ email: "usr_ada", password: "correct horse" });
assert.equal(user.id, "usr_ada");
const tokens = await Promise.all(Array.from({ length: 20 }, () => client.refreshTokens()));
assert.equal(new Set(tokens).size, 1);
const verifier = createVerifier({ jwksUrl: `${baseUrl}/.well-known/jwks.json`, tenantId: "tnt_host" });
assert.equal((await verifier.verify(tokens[0])).sub, "usr_ada");
const [header, , signature] = tokens[0].split(".");
const foreign = (await hj.sessions.create({ userId: "usr_eve" })).accessToken.split(".")[1];
await assert.rejects(verifier.verify(`${header}.${foreign}.${signature}`), { code: "invalid_token" });
const { data } = await client.sessions.list();
assert.equal(data[0].current, true);
await hj.sessions.revoke(user.session_id);
await assert.rejects(client.sessions.list(), { code: "session_revoked" });
assert.equal(client.state.status, "signed_out");

server.closeAllConnections?.();
await new Promise((go) => server.close(go));
await hj.close();
console.log("the program ran");
