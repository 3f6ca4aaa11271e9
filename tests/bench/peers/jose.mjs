import assert from "node:assert/strict";
import { createLocalJWKSet, jwtVerify } from "jose";
import { ISSUER, TENANT_ID } from "../ours.mjs";

export const about = {
  name: "jose",
  packages: ["jose"],
  lacks: "asks no store: a token of a revoked session stays good until it expires",
};

/** A verifier of this tenant's tokens, from its published keys. */
export function verifier(jwks) {
  const keys = createLocalJWKSet(jwks);
  const expected = {
    issuer: ISSUER,
    audience: TENANT_ID,
    algorithms: ["EdDSA"],
    requiredClaims: ["sub", "exp", "iat"],
  };
  const verify = async (token) => (await jwtVerify(token, keys, expected)).payload;
  return {
    verify,
    async assertForgeryRefused(token) {
      await assert.rejects(verify(forged(token)), { code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
    },
  };
}

/** The token with one bit of its signature turned. */
export function forged(token) {
  const [header, payload, signature] = token.split(".");
  const bytes = Buffer.from(signature, "base64url");
  bytes[0] ^= 1;
  return `${header}.${payload}.${bytes.toString("base64url")}`;
}
