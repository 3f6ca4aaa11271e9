// Written by `make generate` from core's schema; do not edit.
import { type Json, joinOptionalTime, joinTime, lastSeen, toDate } from "../values";
import type {
  Config,
  CopyReport,
  DeviceType,
  EndReason,
  Event,
  EventLogProblem,
  EventLogReport,
  EventType,
  Factor,
  KeyInfo,
  KeyState,
  MaintenanceReport,
  RefreshAnswer,
  ReplayReport,
  RevocationList,
  Session,
  SessionExplanation,
  SessionLimit,
  SessionStatus,
  Stats,
  StatsPeriod,
} from "./types";

/**
 * Which sessions a list shows.
 *
 * - `active`: Active sessions; the default.
 * - `expired`: Sessions that reached their end.
 * - `revoked`: Sessions that were ended before it.
 * - `all`: All sessions.
 */
export type StatusFilter = "active" | "expired" | "revoked" | "all";

/**
 * How much a sign-out ends.
 *
 * - `local`: The session of the token (reason `sign_out`). The default.
 * - `global`: All sessions of its user (reason `revoke_all`).
 */
export type SignOutScope = "local" | "global";

/**
 * When an acknowledged write counts as kept.
 *
 * - `full`: Every write is on disk before it is acknowledged: a power loss takes nothing back. The default.
 * - `normal`: Acknowledged writes survive a crash of the process. A power loss may take back the last of
 *   them; it never corrupts the database.
 */
export type Durability = "full" | "normal";

/**
 * Which accounts of the system may open the files that the engine creates: the database, its log and the log's index. The mask of the process (`umask`) plays no part. A file that was there before keeps its mode, and the log and its index take theirs from the database. On Windows the folder's access list decides, whatever is chosen here.
 *
 * - `owner`: Only the account that runs the process: mode 0600. The default.
 * - `group`: The members of the file's group, too: mode 0660. Every process on a database has to write to it,
 *   so there is no mode for reading alone.
 */
export type FileAccess = "owner" | "group";

/**
 * How much an engine records of a tenant whose setting `event_retention` is set.
 *
 * - `changes`: Every change but the rotations of refresh tokens, which are many. The default.
 * - `all`: Every change.
 */
export type EventDetail = "changes" | "all";

const STATUS_WORDS: readonly SessionStatus[] = ["active", "expired", "revoked"];
const DEVICE_TYPE_WORDS: readonly DeviceType[] = ["desktop", "mobile", "tablet", "bot", "unknown"];

/** What few sessions have, up to the last value that this one has. A value last seen is absent where it is that of the sign-in. */
export type WireRareValues = [
  lastIpAddress?: string | false | null,
  lastUserAgent?: string | false | null,
  country?: string | null,
  deviceFingerprint?: string | null,
  revokedAt?: number | null,
  revokedAtRest?: number | null,
  endReason?: EndReason | null,
  orgId?: string | null,
  role?: string | null,
  email?: string | null,
  claims?: Record<string, Json> | null,
  factors?: WireFactor[] | null,
  actor?: { user_id: string; reason: string } | null,
];

/** The first part of a session, whose numbers cross apart from it; 0 for what is as in the session before it on the page. */
export type WireSessionTexts = [
  id: string,
  userId: string | 0,
  tenantId: string | 0,
  userAgent: string | null,
  ipAddress: string | null,
  rare: WireRareValues | 0,
];

/**
 * A session as the addon sends it: texts, what is rare or 0, numbers. A word is its place in its list. Of a time, the millions of
 * milliseconds and the rest, because numbers of more than nine digits take V8 ten times as long to read.
 */
export type WireSession = [
  id: string,
  userId: string,
  tenantId: string,
  userAgent: string | null,
  ipAddress: string | null,
  rare: WireRareValues | 0,
  status: number,
  deviceType: number,
  createdAt: number,
  createdAtRest: number,
  lastActiveAt: number,
  lastActiveAtRest: number,
  expiresAt: number,
  expiresAtRest: number,
  accessExpiresAt: number,
  accessExpiresAtRest: number,
  mfaVerified: number,
  authTime: number,
  authTimeRest: number,
];

/** How many texts it begins with. */
export const SESSION_TEXTS = 5;

/** How many numbers it ends with. */
export const SESSION_NUMBERS = 13;

/** Joins the parts of a session; `before` is the one before it on the page. */
export function joinSession(
  texts: WireSessionTexts,
  before: WireSession | null,
  numbers: Int32Array,
  at: number,
): WireSession {
  return [
    texts[0],
    texts[1] || (before as WireSession)[1],
    texts[2] || (before as WireSession)[2],
    texts[3],
    texts[4],
    texts[5],
    numbers[at] as number,
    numbers[at + 1] as number,
    numbers[at + 2] as number,
    numbers[at + 3] as number,
    numbers[at + 4] as number,
    numbers[at + 5] as number,
    numbers[at + 6] as number,
    numbers[at + 7] as number,
    numbers[at + 8] as number,
    numbers[at + 9] as number,
    numbers[at + 10] as number,
    numbers[at + 11] as number,
    numbers[at + 12] as number,
  ];
}

const NOTHING_RARE: WireRareValues = [];

/** Whether it has claims. */
export function hasClaims(wire: WireSession): boolean {
  const rare = wire[5];
  return rare !== 0 && (rare[10] ?? null) !== null;
}

// A session is a plain object all the same. Literals of which the first lived long are made where V8 keeps what lives long, which
// takes much longer.
function PlainSession(
  this: Session,
  id: string,
  userId: string,
  tenantId: string,
  status: SessionStatus,
  userAgent: string | null,
  ipAddress: string | null,
  country: string | null,
  deviceType: DeviceType,
  deviceFingerprint: string | null,
  createdAt: Date,
  lastActiveAt: Date,
  refreshExpiresAt: Date,
  expiresAt: Date,
  revokedAt: Date | null,
  endReason: EndReason | null,
  orgId: string | null,
  role: string | null,
  mfaVerified: boolean,
  email: string | null,
  claims: Record<string, Json>,
  authTime: Date,
  factors: Factor[],
  actor: { userId: string; reason: string } | null,
  lastIpAddress: string | null,
  lastUserAgent: string | null,
  revoked: boolean,
) {
  this.id = id;
  this.userId = userId;
  this.tenantId = tenantId;
  this.status = status;
  this.userAgent = userAgent;
  this.ipAddress = ipAddress;
  this.country = country;
  this.deviceType = deviceType;
  this.deviceFingerprint = deviceFingerprint;
  this.createdAt = createdAt;
  this.lastActiveAt = lastActiveAt;
  this.refreshExpiresAt = refreshExpiresAt;
  this.expiresAt = expiresAt;
  this.revokedAt = revokedAt;
  this.endReason = endReason;
  this.orgId = orgId;
  this.role = role;
  this.mfaVerified = mfaVerified;
  this.email = email;
  this.claims = claims;
  this.authTime = authTime;
  this.factors = factors;
  this.actor = actor;
  this.lastIpAddress = lastIpAddress;
  this.lastUserAgent = lastUserAgent;
  this.revoked = revoked;
}
PlainSession.prototype = Object.prototype;

const NewSession = PlainSession as unknown as new (...values: Parameters<typeof PlainSession>) => Session;

export function toSession(wire: WireSession): Session {
  const rare = wire[5] || NOTHING_RARE;
  return new NewSession(
    wire[0],
    wire[1],
    wire[2],
    STATUS_WORDS[wire[6]] as SessionStatus,
    wire[3],
    wire[4],
    rare[2] ?? null,
    DEVICE_TYPE_WORDS[wire[7]] as DeviceType,
    rare[3] ?? null,
    joinTime(wire[8], wire[9]),
    joinTime(wire[10], wire[11]),
    joinTime(wire[12], wire[13]),
    joinTime(wire[14], wire[15]),
    joinOptionalTime(rare[4], rare[5]),
    rare[6] ?? null,
    rare[7] ?? null,
    rare[8] ?? null,
    wire[16] === 1,
    rare[9] ?? null,
    rare[10] ?? {},
    joinTime(wire[17], wire[18]),
    rare[11]?.map(toFactor) ?? [],
    rare[12] ? { userId: rare[12].user_id, reason: rare[12].reason } : null,
    lastSeen(rare[0], wire[4]),
    lastSeen(rare[1], wire[3]),
    wire[6] === 2,
  );
}

// While no session is alive, V8 would forget how one is made.
Object.assign(PlainSession, {
  example: toSession(["", "", "", null, null, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
});

/** What access tokens carry of a session: the user and how they authenticated. */
export function toIdentity(
  wire: WireSession,
): Pick<Session, "orgId" | "role" | "mfaVerified" | "email" | "claims" | "authTime" | "factors" | "actor"> {
  const rare = wire[5] || NOTHING_RARE;
  return {
    orgId: rare[7] ?? null,
    role: rare[8] ?? null,
    mfaVerified: wire[16] === 1,
    email: rare[9] ?? null,
    claims: rare[10] ?? {},
    authTime: joinTime(wire[17], wire[18]),
    factors: rare[11]?.map(toFactor) ?? [],
    actor: rare[12] ? { userId: rare[12].user_id, reason: rare[12].reason } : null,
  };
}

export interface WireConfig {
  session_duration: string;
  access_token_ttl: string;
  idle_timeout: string | null;
  max_sessions_per_user: number | null;
  refresh_reuse_window: string;
  event_retention: string | null;
  record_retention: string | null;
  revocation_list: boolean;
  max_actor_duration: string;
}

export function toConfig(wire: WireConfig): Config {
  return {
    sessionDuration: wire.session_duration,
    accessTokenTtl: wire.access_token_ttl,
    idleTimeout: wire.idle_timeout,
    maxSessionsPerUser: wire.max_sessions_per_user,
    refreshReuseWindow: wire.refresh_reuse_window,
    eventRetention: wire.event_retention,
    recordRetention: wire.record_retention,
    revocationList: wire.revocation_list,
    maxActorDuration: wire.max_actor_duration,
  };
}

export interface WireSessionExplanation {
  session_id: string;
  user_id: string;
  actor: { user_id: string; reason: string } | null;
  explained_at: number;
  status: SessionStatus;
  end_reason: EndReason | null;
  ended_at: number | null;
  ends_by: SessionLimit | null;
  ends_at: number | null;
  duration_ends_at: number | null;
  idle_timeout_ends_at: number | null;
  access_token_ends_at: number;
  rank: number | null;
  active_sessions: number | null;
  max_sessions_per_user: number | null;
  evicted_by_sign_in: number | null;
  live_token: RefreshAnswer;
  live_token_until: number | null;
  former_token: RefreshAnswer | null;
  former_token_until: number | null;
  replays_left: number | null;
  older_token: RefreshAnswer | null;
  older_token_until: number | null;
}

export function toSessionExplanation(wire: WireSessionExplanation): SessionExplanation {
  return {
    sessionId: wire.session_id,
    userId: wire.user_id,
    actor: wire.actor && { userId: wire.actor.user_id, reason: wire.actor.reason },
    explainedAt: new Date(wire.explained_at),
    status: wire.status,
    endReason: wire.end_reason,
    endedAt: toDate(wire.ended_at),
    endsBy: wire.ends_by,
    endsAt: toDate(wire.ends_at),
    durationEndsAt: toDate(wire.duration_ends_at),
    idleTimeoutEndsAt: toDate(wire.idle_timeout_ends_at),
    accessTokenEndsAt: new Date(wire.access_token_ends_at),
    rank: wire.rank,
    activeSessions: wire.active_sessions,
    maxSessionsPerUser: wire.max_sessions_per_user,
    evictedBySignIn: wire.evicted_by_sign_in,
    liveToken: wire.live_token,
    liveTokenUntil: toDate(wire.live_token_until),
    formerToken: wire.former_token,
    formerTokenUntil: toDate(wire.former_token_until),
    replaysLeft: wire.replays_left,
    olderToken: wire.older_token,
    olderTokenUntil: toDate(wire.older_token_until),
  };
}

export interface WireRevocationList {
  list: string;
  since: number;
  seq: number;
  has_more: boolean;
}

export function toRevocationList(wire: WireRevocationList): RevocationList {
  return {
    list: wire.list,
    since: wire.since,
    seq: wire.seq,
    hasMore: wire.has_more,
  };
}

export interface WireStats {
  sessions: { active: number; expired: number; revoked: number };
  created_last_24h: number;
  database_bytes: number;
  log_bytes: number;
  oldest_unswept_at: number | null;
  clock_ahead_ms: number;
  newest_event: number;
  newest_sealed_event: number;
}

export function toStats(wire: WireStats): Stats {
  return {
    sessions: wire.sessions,
    createdLast24h: wire.created_last_24h,
    databaseBytes: wire.database_bytes,
    logBytes: wire.log_bytes,
    oldestUnsweptAt: toDate(wire.oldest_unswept_at),
    clockAheadMs: wire.clock_ahead_ms,
    newestEvent: wire.newest_event,
    newestSealedEvent: wire.newest_sealed_event,
  };
}

export interface WireCopyReport {
  tenants: number;
  sessions: number;
  signing_keys: number;
  events: number;
  changed_rows: number;
  checksum: string;
}

export function toCopyReport(wire: WireCopyReport): CopyReport {
  return {
    tenants: wire.tenants,
    sessions: wire.sessions,
    signingKeys: wire.signing_keys,
    events: wire.events,
    changedRows: wire.changed_rows,
    checksum: wire.checksum,
  };
}

export interface WireReplayReport {
  exported_at: number;
  events: number;
  ended: number;
  rest_ended: boolean;
  lost_sessions: number;
  undone_updates: number;
  undone_settings: number;
  revived_keys: number;
  undone_secret_keys: number;
}

export function toReplayReport(wire: WireReplayReport): ReplayReport {
  return {
    exportedAt: new Date(wire.exported_at),
    events: wire.events,
    ended: wire.ended,
    restEnded: wire.rest_ended,
    lostSessions: wire.lost_sessions,
    undoneUpdates: wire.undone_updates,
    undoneSettings: wire.undone_settings,
    revivedKeys: wire.revived_keys,
    undoneSecretKeys: wire.undone_secret_keys,
  };
}

export interface WireEvent {
  seq: number;
  id: string;
  type: EventType;
  at: number;
  session_id: string | null;
  user_id: string | null;
  actor: string | null;
  data: Record<string, Json>;
  hash: string | null;
}

export function toEvent(wire: WireEvent): Event {
  return {
    seq: wire.seq,
    id: wire.id,
    type: wire.type,
    at: new Date(wire.at),
    sessionId: wire.session_id,
    userId: wire.user_id,
    actor: wire.actor,
    data: wire.data,
    hash: wire.hash,
  };
}

export interface WireEventLogReport {
  ok: boolean;
  tenant_id: string | null;
  events: number;
  first_seq: number | null;
  vouched_through: number;
  exported_at: number | null;
  problem: EventLogProblem | null;
  problem_seq: number | null;
  problem_line: number | null;
  detail: string | null;
}

export function toEventLogReport(wire: WireEventLogReport): EventLogReport {
  return {
    ok: wire.ok,
    tenantId: wire.tenant_id,
    events: wire.events,
    firstSeq: wire.first_seq,
    vouchedThrough: wire.vouched_through,
    exportedAt: toDate(wire.exported_at),
    problem: wire.problem,
    problemSeq: wire.problem_seq,
    problemLine: wire.problem_line,
    detail: wire.detail,
  };
}

export interface WireMaintenanceReport {
  stamped: number;
  purged: number;
  sealed_events: number;
  deleted_events: number;
  retired_keys: number;
  has_more: boolean;
}

export function toMaintenanceReport(wire: WireMaintenanceReport): MaintenanceReport {
  return {
    stamped: wire.stamped,
    purged: wire.purged,
    sealedEvents: wire.sealed_events,
    deletedEvents: wire.deleted_events,
    retiredKeys: wire.retired_keys,
    hasMore: wire.has_more,
  };
}

export interface WireKeyInfo {
  kid: string;
  state: KeyState;
  created_at: number;
  activated_at: number | null;
  retiring_at: number | null;
  leaves_at: number | null;
}

export function toKeyInfo(wire: WireKeyInfo): KeyInfo {
  return {
    kid: wire.kid,
    state: wire.state,
    createdAt: new Date(wire.created_at),
    activatedAt: toDate(wire.activated_at),
    retiringAt: toDate(wire.retiring_at),
    leavesAt: toDate(wire.leaves_at),
  };
}

export interface WireStatsPeriod {
  begins_at: number;
  ends_at: number;
  created: number;
  active: number;
  ended: number;
  ended_sign_out: number;
  ended_revoked: number;
  ended_revoke_all: number;
  ended_revoke_tenant: number;
  ended_max_sessions: number;
  ended_idle_timeout: number;
  ended_refresh_token_reuse: number;
  ended_restored: number;
  ended_expired: number;
}

export function toStatsPeriod(wire: WireStatsPeriod): StatsPeriod {
  return {
    beginsAt: new Date(wire.begins_at),
    endsAt: new Date(wire.ends_at),
    created: wire.created,
    active: wire.active,
    ended: wire.ended,
    endedSignOut: wire.ended_sign_out,
    endedRevoked: wire.ended_revoked,
    endedRevokeAll: wire.ended_revoke_all,
    endedRevokeTenant: wire.ended_revoke_tenant,
    endedMaxSessions: wire.ended_max_sessions,
    endedIdleTimeout: wire.ended_idle_timeout,
    endedRefreshTokenReuse: wire.ended_refresh_token_reuse,
    endedRestored: wire.ended_restored,
    endedExpired: wire.ended_expired,
  };
}

export interface WireFactor {
  method: string;
  at: number;
}

export function toFactor(wire: WireFactor): Factor {
  return {
    method: wire.method,
    at: new Date(wire.at),
  };
}

export const CREATE_NAMES = {
  userId: "user_id",
  userAgent: "user_agent",
  ipAddress: "ip_address",
  country: "country",
  deviceType: "device_type",
  deviceFingerprint: "device_fingerprint",
  secChUaMobile: "sec_ch_ua_mobile",
  secChUaPlatform: "sec_ch_ua_platform",
  secChUaFormFactors: "sec_ch_ua_form_factors",
  factors: "factors",
  orgId: "org_id",
  role: "role",
  mfaVerified: "mfa_verified",
  email: "email",
  claims: "claims",
  actor: "actor",
  duration: "duration",
} as const;

export const REFRESH_NAMES = { ipAddress: "ip_address", userAgent: "user_agent" } as const;

export const CONFIG_NAMES = {
  sessionDuration: "session_duration",
  accessTokenTtl: "access_token_ttl",
  idleTimeout: "idle_timeout",
  maxSessionsPerUser: "max_sessions_per_user",
  refreshReuseWindow: "refresh_reuse_window",
  eventRetention: "event_retention",
  recordRetention: "record_retention",
  revocationList: "revocation_list",
  maxActorDuration: "max_actor_duration",
} as const;
