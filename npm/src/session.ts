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

/** A session as the engine answers: names of the REST interface, times in milliseconds. */
export interface WireSession {
  id: string;
  user_id: string;
  tenant_id: string;
  status: SessionStatus;
  user_agent: string | null;
  ip_address: string | null;
  country: string | null;
  device_type: DeviceType;
  device_fingerprint: string | null;
  created_at: number;
  last_active_at: number;
  expires_at: number;
  access_expires_at: number;
  revoked_at: number | null;
  end_reason: EndReason | null;
  org_id: string | null;
  role: string | null;
  mfa_verified: boolean;
  email: string | null;
  claims: Record<string, Json>;
  last_ip_address: string | null;
  last_user_agent: string | null;
}

export function toSession(wire: WireSession): Session {
  return {
    id: wire.id,
    userId: wire.user_id,
    tenantId: wire.tenant_id,
    status: wire.status,
    userAgent: wire.user_agent,
    ipAddress: wire.ip_address,
    country: wire.country,
    deviceType: wire.device_type,
    deviceFingerprint: wire.device_fingerprint,
    createdAt: new Date(wire.created_at),
    lastActiveAt: new Date(wire.last_active_at),
    expiresAt: new Date(wire.access_expires_at),
    refreshExpiresAt: new Date(wire.expires_at),
    revoked: wire.status === "revoked",
    revokedAt: toDate(wire.revoked_at),
    endReason: wire.end_reason,
    orgId: wire.org_id,
    role: wire.role,
    mfaVerified: wire.mfa_verified,
    email: wire.email,
    claims: wire.claims,
    lastIpAddress: wire.last_ip_address,
    lastUserAgent: wire.last_user_agent,
  };
}

/** The session, made of an answer that is kept: nothing that a caller may change is shared. */
export function toOwnSession(wire: WireSession): Session {
  const session = toSession(wire);
  session.claims = ownCopy(wire.claims);
  return session;
}

export function ownCopy<T extends { readonly [name: string]: Json | undefined }>(claims: T): T {
  const flat = Object.values(claims).every((claim) => typeof claim !== "object" || claim === null);
  return flat ? { ...claims } : structuredClone(claims);
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
