/** How a session stands: alive, past its end, or ended before its end. */
export type SessionStatus = "active" | "expired" | "revoked";

/** What kind of device a session was created on. */
export type DeviceType = "desktop" | "mobile" | "tablet" | "bot" | "unknown";

/** Why a session ended. */
export type EndReason =
  | "sign_out"
  | "revoked"
  | "revoke_all"
  | "revoke_tenant"
  | "max_sessions"
  | "idle_timeout"
  | "refresh_token_reuse"
  | "expired";

/** A value that JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** A length of time: a positive whole number of one unit, `s m h d w y`, such as `"15m"`, or whole seconds as a number. */
export type Duration = string | number;

/** One authenticated period of one user on one device. */
export interface Session {
  /** `ses_…`: a name, never a credential. */
  id: string;
  userId: string;
  tenantId: string;
  status: SessionStatus;
  /** Of the sign-in. */
  userAgent: string | null;
  /** Of the sign-in, canonical. */
  ipAddress: string | null;
  /** ISO 3166-1 alpha-2, as given at sign-in. */
  country: string | null;
  /** Given at sign-in, else derived from the user agent. */
  deviceType: DeviceType;
  deviceFingerprint: string | null;
  /** The sign-in. */
  createdAt: Date;
  /** The sign-in or the last refresh; verifying never moves it. */
  lastActiveAt: Date;
  /** When the newest access token expires. REST calls this `access_expires_at`. */
  expiresAt: Date;
  /** When the session ends and its refresh token with it; fixed at sign-in. REST calls this `expires_at`. */
  refreshExpiresAt: Date;
  /** Whether `status` is `revoked`. */
  revoked: boolean;
  revokedAt: Date | null;
  /** Why it ended; null while it lives. */
  endReason: EndReason | null;
  /** The organisation that is active in this session. */
  orgId: string | null;
  role: string | null;
  mfaVerified: boolean;
  email: string | null;
  /** The host's own claims. */
  claims: Record<string, Json>;
  /** Of the newest refresh that gave one, else of the sign-in. */
  lastIpAddress: string | null;
  /** Of the newest refresh that gave one, else of the sign-in. */
  lastUserAgent: string | null;
}

/** A session as the addon answers: its values in the addon's order, times in milliseconds. */
export type WireSession = [
  id: string,
  userId: string,
  tenantId: string,
  status: SessionStatus,
  userAgent: string | null,
  ipAddress: string | null,
  country: string | null,
  deviceType: DeviceType,
  deviceFingerprint: string | null,
  createdAt: number,
  lastActiveAt: number,
  accessExpiresAt: number,
  expiresAt: number,
  revokedAt: number | null,
  endReason: EndReason | null,
  orgId: string | null,
  role: string | null,
  mfaVerified: boolean,
  email: string | null,
  claims: Record<string, Json>,
  lastIpAddress: string | null,
  lastUserAgent: string | null,
];

export function toSession(wire: WireSession): Session {
  return {
    id: wire[0],
    userId: wire[1],
    tenantId: wire[2],
    status: wire[3],
    userAgent: wire[4],
    ipAddress: wire[5],
    country: wire[6],
    deviceType: wire[7],
    deviceFingerprint: wire[8],
    createdAt: new Date(wire[9]),
    lastActiveAt: new Date(wire[10]),
    expiresAt: new Date(wire[11]),
    refreshExpiresAt: new Date(wire[12]),
    revoked: wire[3] === "revoked",
    revokedAt: toDate(wire[13]),
    endReason: wire[14],
    orgId: wire[15],
    role: wire[16],
    mfaVerified: wire[17],
    email: wire[18],
    claims: wire[19],
    lastIpAddress: wire[20],
    lastUserAgent: wire[21],
  };
}

/** The session, made of an answer that is kept: nothing that a caller may change is shared. */
export function toUnsharedSession(wire: WireSession): Session {
  const session = toSession(wire);
  session.claims = copyClaims(session.claims);
  return session;
}

export function copyClaims<T extends { readonly [name: string]: Json | undefined }>(claims: T): T {
  for (const name in claims) {
    if (typeof claims[name] === "object" && claims[name] !== null) return structuredClone(claims);
  }
  return { ...claims };
}

export function toDate(milliseconds: number | null): Date | null {
  return milliseconds === null ? null : new Date(milliseconds);
}

/** What a device gets when it signs in or refreshes. */
export interface SessionGrant {
  session: Session;
  /** A JWT. */
  accessToken: string;
  /** The one refresh token of the session that is live now. */
  refreshToken: string;
  /** Lifetime of the access token in seconds. */
  expiresIn: number;
  /** The ids of the sessions that this sign-in pushed out under `maxSessionsPerUser`, oldest first. */
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
