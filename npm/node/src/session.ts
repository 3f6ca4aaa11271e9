import type { Session } from "./generated/types";
import { hasClaims, toSession, type WireSession } from "./generated/wire";
import type { Json } from "./values";

/** The session, made of an answer that is kept: nothing that a caller may change is shared. */
export function toUnsharedSession(wire: WireSession): Session {
  const session = toSession(wire);
  if (hasClaims(wire)) session.claims = copyClaims(session.claims);
  return session;
}

/** A copy that shares nothing with the claims. */
export function copyClaims<T extends { readonly [name: string]: Json | undefined }>(claims: T): T {
  const copy: Record<string, Json | undefined> = { ...claims };
  for (const name in copy) {
    const value = copy[name];
    if (typeof value === "object" && value !== null) copy[name] = copyJsonObject(value);
  }
  return copy as T;
}

function copyJsonObject(value: Exclude<Json, string | number | boolean | null>): Json {
  if (!Array.isArray(value)) return copyClaims(value as { readonly [name: string]: Json });
  return value.map((item: Json) => (typeof item === "object" && item !== null ? copyJsonObject(item) : item));
}

/** What a device gets when it signs in or refreshes. */
export interface SessionGrant {
  /** The session as it is now. */
  session: Session;
  /** A JWT. */
  accessToken: string;
  /** The one refresh token of the session that is live now. */
  refreshToken: string;
  /** Lifetime of the access token in seconds. */
  expiresIn: number;
  /**
   * The ids of the sessions that this sign-in pushed out under `maxSessionsPerUser`, oldest first; of more than 500 the
   * newest 500.
   */
  evicted: string[];
}

/** A changed session with an access token that says so. */
export type UpdatedSession = Omit<SessionGrant, "refreshToken">;

export interface WireGrant {
  session: WireSession;
  access_token: string;
  refresh_token: string;
  expires_in: number;
  evicted: string[];
}

export function toGrant(wire: WireGrant): SessionGrant {
  return {
    session: toSession(wire.session),
    accessToken: wire.access_token,
    refreshToken: wire.refresh_token,
    expiresIn: wire.expires_in,
    evicted: wire.evicted,
  };
}
