import { decodeBase64Url } from "./base64url.js";

/** The user who is signed in, as the newest access token says. For display: the server decides by the token itself. */
export interface User {
  /** The user's id, as the host gave it at the sign-in. */
  readonly id: string;
  /** The session of this device. */
  readonly session_id: string;
  /** The tenant. */
  readonly tenant_id: string;
  /** The e-mail address; null unless the host gave one. */
  readonly email: string | null;
  /** The organisation that is active, or null. */
  readonly org_id: string | null;
  /** The role, in the organisation if one is active; null for none. */
  readonly role: string | null;
  /** Whether the user has passed a second factor. */
  readonly mfa_verified: boolean;
  /** All claims of the token but its times and its own id; the host's claims are among them. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Reads the claims of an access token, whose signature is the servers' matter. */
export function readClaims(token: string): Record<string, unknown> & { iat: number } {
  const bytes = decodeBase64Url(token.split(".")[1] ?? "");
  // By way of percent signs, because not every runtime has a TextDecoder.
  const escaped = Array.from(bytes, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
  return JSON.parse(decodeURIComponent(escaped.join("")));
}

export function toUser(payload: Record<string, unknown>): User {
  const { iat: _issued, exp: _expires, jti: _id, ...claims } = payload;
  const text = (name: string) => (typeof claims[name] === "string" ? claims[name] : null);
  return {
    id: text("sub") ?? "",
    session_id: text("session_id") ?? "",
    tenant_id: text("tenant_id") ?? "",
    email: text("email"),
    org_id: text("org_id"),
    role: text("role"),
    mfa_verified: claims["mfa_verified"] === true,
    claims,
  };
}
