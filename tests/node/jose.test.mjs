// An independent verifier over hj.jwks(), and tokens that another signer signs.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createLocalJWKSet,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  SignJWT,
} from "jose";
import { makeTenantWithClock, START, TENANT } from "./fixture.mjs";

const EXPECTED = { issuer: "https://api.hellojohn.dev", audience: TENANT.tenantId, algorithms: ["EdDSA"] };

test("jose verifies every valid token, across rotations, and no other", async (t) => {
  const { hj, clock } = makeTenantWithClock(t);
  const verify = async (token, jwks) =>
    jwtVerify(token, createLocalJWKSet(jwks ?? (await hj.jwks())), {
      ...EXPECTED,
      currentDate: new Date(clock.now()),
    });
  const published = await hj.jwks();
  const first = await hj.sessions.create({
    userId: "usr_1",
    role: "admin",
    orgId: "org_1",
    claims: { plan: "pro" },
  });
  const { payload, protectedHeader } = await verify(first.accessToken);
  assert.deepEqual(payload, await hj.verifyToken(first.accessToken));
  assert.deepEqual([payload.sub, payload.org_role, payload.plan], ["usr_1", "admin", "pro"]);
  assert.deepEqual(Object.keys(protectedHeader).sort(), ["alg", "kid", "typ"]);
  assert.equal(payload.iat * 1000, START);

  await hj.keys.rotate();
  clock.advance(60_000);
  const second = await hj.sessions.refresh(first.refreshToken);
  assert.notEqual(decodeProtectedHeader(second.accessToken).kid, protectedHeader.kid);
  // A verifier that fetched the set before the rotation knew the next key already.
  await verify(second.accessToken, published);
  await verify(first.accessToken);

  const [retiring] = await hj.keys.list();
  await hj.keys.retire(retiring.kid);
  await assert.rejects(verify(first.accessToken), { code: "ERR_JWKS_NO_MATCHING_KEY" });
  await verify(second.accessToken);

  clock.advance(3_600_000);
  await assert.rejects(verify(second.accessToken), { code: "ERR_JWT_EXPIRED" });
});

test("the key set has public members only", async (t) => {
  const { hj } = makeTenantWithClock(t);
  for (const key of (await hj.jwks()).keys) {
    assert.deepEqual(Object.keys(key).sort(), ["alg", "crv", "kid", "kty", "use", "x"]);
  }
});

test("tokens that jose signs with a key of its own are refused", async (t) => {
  const { hj } = makeTenantWithClock(t);
  const { accessToken } = await hj.sessions.create({ userId: "usr_1" });
  const { kid } = decodeProtectedHeader(accessToken);
  const claims = await hj.verifyToken(accessToken);
  const { privateKey, publicKey } = await generateKeyPair("EdDSA");
  const jwk = await exportJWK(publicKey);
  for (const header of [
    { alg: "EdDSA", typ: "JWT", kid },
    { alg: "EdDSA", typ: "JWT", kid, jwk },
    { alg: "EdDSA", typ: "JWT" },
  ]) {
    const forged = await new SignJWT(claims).setProtectedHeader(header).sign(privateKey);
    const { valid, error } = await hj.verifyTokenRemote(forged);
    assert.deepEqual([valid, error.code], [false, "invalid_token"]);
  }
});
