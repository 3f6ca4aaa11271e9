import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { createVerifier } from "fast-jwt";
import { ISSUER, TENANT_ID } from "../ours.mjs";
import { forged } from "./jose.mjs";

export const about = {
  name: "fast-jwt",
  packages: ["fast-jwt"],
  lacks:
    "asks no store: a token of a revoked session stays good until it expires, here out of a cache of verified tokens; " +
    "takes one key, not a key set",
};

/** A verifier with its cache on, which holds every token of the pool. */
export function verifier(jwks, pool, sample) {
  const { kid } = JSON.parse(Buffer.from(sample.split(".")[0], "base64url"));
  const jwk = jwks.keys.find((key) => key.kid === kid);
  const key = createPublicKey({ key: jwk, format: "jwk" }).export({ type: "spki", format: "pem" });
  const verify = createVerifier({
    key,
    algorithms: ["EdDSA"],
    allowedIss: ISSUER,
    allowedAud: TENANT_ID,
    requiredClaims: ["sub", "exp", "iat"],
    cache: 2 * pool,
  });
  return {
    verify,
    assertForgeryRefused(token) {
      assert.throws(() => verify(forged(token)), { code: "FAST_JWT_INVALID_SIGNATURE" });
    },
  };
}
