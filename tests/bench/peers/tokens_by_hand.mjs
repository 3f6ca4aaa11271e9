// The tokens of a host that is written by hand: access tokens signed by jose, and refresh tokens of which the database keeps a hash.
import { createHash, randomBytes } from "node:crypto";
import { generateKeyPair, SignJWT } from "jose";
import { ISSUER, TENANT_ID } from "../ours.mjs";

const ACCESS_S = 60 * 60;

export const SESSION_MS = 30 * 24 * 60 * 60 * 1000;

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest();

export const refreshToken = (id, secret) => `${id}.${secret.toString("base64url")}`;

/** What a refresh token says: which session, and the hash that its row must have. */
export function readRefreshToken(token) {
  const dot = token.indexOf(".");
  return { id: token.slice(0, dot), hash: sha256(Buffer.from(token.slice(dot + 1), "base64url")) };
}

/** A key, and what signs access tokens with it. */
export async function makeSigner() {
  const { privateKey, publicKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
  const sign = (id, userId) =>
    new SignJWT({ session_id: id, sid: id, tenant_id: TENANT_ID, role: null, mfa_verified: false })
      .setProtectedHeader({ alg: "EdDSA", kid: "key_1", typ: "JWT" })
      .setIssuer(ISSUER)
      .setAudience(TENANT_ID)
      .setSubject(userId)
      .setJti(randomBytes(16).toString("hex"))
      .setIssuedAt()
      .setExpirationTime(`${ACCESS_S}s`)
      .sign(privateKey);
  return { publicKey, sign };
}
