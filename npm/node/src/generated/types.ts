// Written by `make generate` from core's schema; do not edit.
import type { Duration, Json } from "../values";

/**
 * The status of a session.
 *
 * - `active`: It can be refreshed and verified.
 * - `expired`: It reached its end.
 * - `revoked`: It was ended before its end, by a decision or by the idle time-out.
 */
export type SessionStatus = "active" | "expired" | "revoked";

/**
 * Why a session ended.
 *
 * - `sign_out`: Its user signed out on this device.
 * - `revoked`: It was revoked by its id.
 * - `revoke_all`: All sessions of its user were revoked.
 * - `revoke_tenant`: All sessions of the tenant were revoked.
 * - `max_sessions`: A newer sign-in of its user exceeded the cap.
 * - `idle_timeout`: It was not refreshed within the idle time-out.
 * - `refresh_token_reuse`: A refresh token of it was used again.
 * - `restored`: The database was restored from a backup, and all of its sessions were ended.
 * - `expired`: It reached its end.
 */
export type EndReason =
  | "sign_out"
  | "revoked"
  | "revoke_all"
  | "revoke_tenant"
  | "max_sessions"
  | "idle_timeout"
  | "refresh_token_reuse"
  | "restored"
  | "expired";

/**
 * The kind of device a session was started from.
 *
 * - `desktop`: A computer: Windows, macOS, Linux, ChromeOS.
 * - `mobile`: A telephone, or a native app that does not say otherwise.
 * - `tablet`: A tablet or an electronic reader.
 * - `bot`: A client that no person looks at: crawler, link preview, monitor, command-line tool, HTTP library.
 * - `unknown`: Nothing known, or a device without a word of its own: television, set-top box, console, watch,
 *   headset, car.
 */
export type DeviceType = "desktop" | "mobile" | "tablet" | "bot" | "unknown";

/**
 * The state of a signing key.
 *
 * - `next`: Published, signs nothing yet.
 * - `active`: Signs new tokens.
 * - `retiring`: Signs no new tokens; those that it signed are still good.
 * - `retired`: Deleted: its tokens are not good any more.
 */
export type KeyState = "next" | "active" | "retiring" | "retired";

/**
 * What an event tells of.
 *
 * - `session.created`: A user signed in.
 * - `session.refreshed`: A refresh token was rotated; recorded only by an engine whose option `events` is
 *   `all`.
 * - `session.adopted`: The credential that an imported session had in its old system was exchanged for its
 *   first tokens.
 * - `session.updated`: What the access tokens of a session carry was changed.
 * - `session.ended`: A session ended, by a decision or by the clock.
 * - `session.purged`: The record of an ended session was deleted.
 * - `config.updated`: Settings were changed.
 * - `key.rotated`: Another key signs from now on.
 * - `key.retired`: A key was retired: by decision, or because the last token that it signed had expired.
 * - `secret_key.changed`: The tenant's secret key was changed.
 * - `refresh_key.rotated`: The key behind refresh tokens was replaced.
 * - `tenant.imported`: Sessions of another system were imported.
 * - `database.restored`: The database was made from a backup.
 */
export type EventType =
  | "session.created"
  | "session.refreshed"
  | "session.adopted"
  | "session.updated"
  | "session.ended"
  | "session.purged"
  | "config.updated"
  | "key.rotated"
  | "key.retired"
  | "secret_key.changed"
  | "refresh_key.rotated"
  | "tenant.imported"
  | "database.restored";

/**
 * What is wrong with a log of events.
 *
 * - `malformed`: A line is none that an export writes.
 * - `changed`: An event is not as it was sealed.
 * - `removed`: An event is missing.
 * - `inserted`: An event stands in the log that was not there.
 * - `moved`: An event stands in another place than it had.
 * - `truncated`: The log ends before its end.
 * - `bad_signature`: The signature of a seal is not good.
 * - `unverified`: The end of the log, or every seal, is signed by a key that is not in the set that was
 *   given: nothing vouches for what comes after the last seal by a key of the set.
 */
export type EventLogProblem =
  | "malformed"
  | "changed"
  | "removed"
  | "inserted"
  | "moved"
  | "truncated"
  | "bad_signature"
  | "unverified";

/**
 * What kind of problem a check has found.
 *
 * - `file`: The file as a whole: it is no database, empty, or another application's.
 * - `structure`: The pages of the file: SQLite's integrity check found damage, or a rule of a table that a
 *   row breaks.
 * - `reference`: A row refers to a row of another table that is not there.
 * - `schema`: A table, index, view or trigger is not as this library makes it, is foreign to it, or is
 *   missing.
 * - `row`: A row cannot be read, or holds a value that the engine cannot have written.
 */
export type ProblemKind = "file" | "structure" | "reference" | "schema" | "row";

/**
 * What ends a session by the clock.
 *
 * - `session_duration`: It reaches its end.
 * - `idle_timeout`: It was not refreshed within the idle time-out.
 */
export type SessionLimit = "session_duration" | "idle_timeout";

/**
 * How a refresh token is answered.
 *
 * - `rotated`: With its successor.
 * - `replayed`: With the same successor again.
 * - `refresh_token_reused`: With `refresh_token_reused`: the session ends.
 * - `session_revoked`: With `session_revoked`.
 * - `session_expired`: With `session_expired`.
 */
export type RefreshAnswer =
  | "rotated"
  | "replayed"
  | "refresh_token_reused"
  | "session_revoked"
  | "session_expired";

/**
 * Settings that are allowed and probably not meant.
 *
 * - `idle_timeout_below_two_access_tokens`: `idle_timeout` is shorter than two lifetimes of an access token.
 *   Only a refresh counts as use, and a client refreshes when its access token has expired: a user who is at
 *   work may be signed out.
 */
export type ConfigWarning = "idle_timeout_below_two_access_tokens";

/**
 * Over which time numbers are given.
 *
 * - `24h`: The last 24 hours, in hours.
 * - `30d`: The last 30 days, in days of 24 hours.
 */
export type SeriesSpan = "24h" | "30d";

/**
 * Every code that a `HelloJohnError` can have; the same table holds in C, Rust and REST.
 *
 * - `validation_error`: A value that the caller gave is of the wrong type, empty, too long or out of range.
 * - `missing_token`: No token was given where one is needed.
 * - `invalid_token`: Not an access token of this tenant: malformed, forged, or signed by a key that is gone.
 * - `token_expired`: A genuine access token past its `exp`.
 * - `refresh_token_invalid`: Not a refresh token of this tenant; the call had no effect.
 * - `refresh_token_reused`: A refresh token that was used before; its session has been ended.
 * - `refresh_token_ahead`: A refresh token newer than the database, which was restored from a backup.
 * - `session_expired`: The session reached its end or its idle time-out.
 * - `session_revoked`: The session was revoked.
 * - `session_not_found`: No such session in this tenant.
 * - `invalid_api_key`: The secret key is not this tenant's.
 * - `tenant_mismatch`: The request names another tenant.
 * - `insufficient_permissions`: The caller may not do this.
 * - `invalid_credentials`: The host refused the user's credentials.
 * - `not_found`: No such thing (a key, a path).
 * - `method_not_allowed`: The path exists, the method does not.
 * - `bad_request`: The request itself cannot be read.
 * - `payload_too_large`: The request body is over the limit.
 * - `engine_closed`: The engine was closed.
 * - `storage_busy`: Another writer held the database for longer than the busy time-out.
 * - `storage_full`: The disk is full; nothing was changed.
 * - `storage_io`: The operating system failed a file operation; nothing was acknowledged.
 * - `storage_corrupt`: The file is not a database of this engine, or is damaged.
 * - `storage_read_only`: The file or its folder cannot be written.
 * - `storage_too_new`: The file was written by a newer release.
 * - `forked`: The process forked after it had used the library: the child can use neither its parent's
 *   engines nor, before `exec`, one of its own.
 * - `internal`: A fault of the engine or of the machine's clock or entropy.
 * - `too_many_requests`: Too many sign-ins have failed for the account or from the address; the error says
 *   after how many seconds to try again.
 * - `clock_jump`: The machine's clock was set ahead by more than `max_clock_jump` while this process ran:
 *   nothing was decided by it.
 * - `reauthentication_required`: The user must authenticate again, or with other factors; the error says with
 *   which, and how long ago that may have been.
 */
export type ErrorCode =
  | "validation_error"
  | "missing_token"
  | "invalid_token"
  | "token_expired"
  | "refresh_token_invalid"
  | "refresh_token_reused"
  | "refresh_token_ahead"
  | "session_expired"
  | "session_revoked"
  | "session_not_found"
  | "invalid_api_key"
  | "tenant_mismatch"
  | "insufficient_permissions"
  | "invalid_credentials"
  | "not_found"
  | "method_not_allowed"
  | "bad_request"
  | "payload_too_large"
  | "engine_closed"
  | "storage_busy"
  | "storage_full"
  | "storage_io"
  | "storage_corrupt"
  | "storage_read_only"
  | "storage_too_new"
  | "forked"
  | "internal"
  | "too_many_requests"
  | "clock_jump"
  | "reauthentication_required";

/** One authenticated period of one user on one device. */
export interface Session {
  /** Its id: `ses_` and a ULID. A name, never a credential. */
  id: string;
  /** The user who signed in. */
  userId: string;
  /** The tenant that it belongs to. */
  tenantId: string;
  /** Its status. */
  status: SessionStatus;
  /** The `User-Agent` header of the sign-in. */
  userAgent: string | null;
  /** The address of the sign-in, in canonical form. */
  ipAddress: string | null;
  /** The country of the sign-in as the host gave it: two letters (ISO 3166-1 alpha-2). */
  country: string | null;
  /** The kind of device, given or derived from the user agent. */
  deviceType: DeviceType;
  /** The host's fingerprint of the device. */
  deviceFingerprint: string | null;
  /** The sign-in. */
  createdAt: Date;
  /** The sign-in or the last rotation of the refresh token; verifying never moves it. */
  lastActiveAt: Date;
  /**
   * The end of the session, and of its refresh token with it; fixed at sign-in. REST calls this `expires_at`.
   */
  refreshExpiresAt: Date;
  /** When its newest access token expires. REST calls this `access_expires_at`. */
  expiresAt: Date;
  /** Whether `status` is `revoked`. */
  revoked: boolean;
  /** When it was revoked: only if its status is `revoked`. */
  revokedAt: Date | null;
  /** Why it ended. */
  endReason: EndReason | null;
  /** The organisation that is active in the session, at most 255 bytes. */
  orgId: string | null;
  /** The user's role, at most 255 bytes. */
  role: string | null;
  /** Whether a second factor was passed. */
  mfaVerified: boolean;
  /** The user's e-mail address, at most 320 bytes. */
  email: string | null;
  /**
   * The host's own claims: a JSON object of at most 4096 bytes, put at the top level of every access token.
   */
  claims: Record<string, Json>;
  /**
   * When the user authenticated: the sign-in, or the factor that was passed last. A refresh never moves it.
   */
  authTime: Date;
  /** The methods that the user has passed, each with its last time, the newest last; at most 8. */
  factors: Factor[];
  /** Who acts for the user in this session, if another person does. */
  actor: { userId: string; reason: string } | null;
  /** The address last seen: of the newest refresh that gave one, else of the sign-in. */
  lastIpAddress: string | null;
  /** The user agent last seen: of the newest refresh that gave one, else of the sign-in. */
  lastUserAgent: string | null;
}

/** A tenant's settings. */
export interface Config {
  /** How long a session lasts after sign-in; default 30 days. Binds at sign-in. */
  sessionDuration: string;
  /** How long an access token lasts; default 1 hour. Binds at the next token. */
  accessTokenTtl: string;
  /** After how long without a refresh a session is revoked; default never. Binds at once. */
  idleTimeout: string | null;
  /**
   * How many active sessions a user may have, at least 1; default unlimited. Binds at the user's next
   * sign-in.
   */
  maxSessionsPerUser: number | null;
  /**
   * For how long after a rotation the former refresh token still answers with the same successor, 0 to 60
   * seconds; default 10 seconds.
   */
  refreshReuseWindow: string;
  /**
   * For how long events are kept; default null: none are recorded. Binds at once: what happens afterwards is
   * recorded.
   */
  eventRetention: string | null;
  /** After how long the record of an ended session is deleted by maintenance; default never. */
  recordRetention: string | null;
  /**
   * Whether the ends of sessions are listed for verifiers away from the engine; default false. Binds at once:
   * the list begins with what ends afterwards.
   */
  revocationList: boolean;
  /**
   * How long a session may last in which another person acts for the user; default 1 hour. Binds when it
   * starts.
   */
  maxActorDuration: string;
}

/**
 * Why a session is over, or what will end it. Instants are the first ones at which something is so, as long
 * as nothing else happens to the session.
 */
export interface SessionExplanation {
  /** The session. */
  sessionId: string;
  /** Its user. */
  userId: string;
  /**
   * Who acts for the user in this session, if another person does. No cap knows such a session: it has no
   * rank.
   */
  actor: { userId: string; reason: string } | null;
  /** The engine's now: what the explanation is of. */
  explainedAt: Date;
  /** Its status. */
  status: SessionStatus;
  /** Why it ended. */
  endReason: EndReason | null;
  /** When it ended. An idle session ended at the last instant at which it could have been refreshed. */
  endedAt: Date | null;
  /** Of an active session: what ends it first. */
  endsBy: SessionLimit | null;
  /** Of an active session: the instant from which on it is over by the clock. */
  endsAt: Date | null;
  /** Of an active session: the instant from which on it is over because it reached its end. */
  durationEndsAt: Date | null;
  /**
   * Of an active session: the instant from which on it is over because it was idle; absent without an idle
   * time-out, and where the session reaches its end before.
   */
  idleTimeoutEndsAt: Date | null;
  /**
   * The instant from which on its newest access token is refused everywhere. Until then local verification
   * accepts it, also after the end of the session.
   */
  accessTokenEndsAt: Date;
  /** Of an active session: its place among the user's active ones, the oldest of which has 1. */
  rank: number | null;
  /** Of an active session: how many active ones its user has. */
  activeSessions: number | null;
  /** The cap: how many active sessions a user may have. */
  maxSessionsPerUser: number | null;
  /**
   * Of an active session under a cap: which of the user's next sign-ins ends it, 1 for the very next, if no
   * session ends before.
   */
  evictedBySignIn: number | null;
  /** How its live refresh token would be answered now. */
  liveToken: RefreshAnswer;
  /** From which instant on it would be answered otherwise; absent if it never is. */
  liveTokenUntil: Date | null;
  /** How the refresh token before that would be answered now; absent if there was none. */
  formerToken: RefreshAnswer | null;
  /** From which instant on it would be answered otherwise; absent if it never is. */
  formerTokenUntil: Date | null;
  /** How often the former token would still be answered so; absent if it would not be replayed. */
  replaysLeft: number | null;
  /** How a still older refresh token would be answered now; absent if there was none. */
  olderToken: RefreshAnswer | null;
  /** From which instant on it would be answered otherwise; absent if it never is. */
  olderTokenUntil: Date | null;
}

/**
 * A page of the revocation list of a tenant. Pass `list` on to verifiers: it is signed, the other fields are
 * not.
 */
export interface RevocationList {
  /** The signed list: a JWS whose `typ` is `hellojohn-revocations+jwt`, under the tenant's active key. */
  list: string;
  /** It tells what was added after this number; 0 for a list from its beginning. */
  since: number;
  /** The number to ask with for what was added later. */
  seq: number;
  /** Whether there is more now: ask again at once. */
  hasMore: boolean;
}

/** Counts over one tenant. */
export interface Stats {
  /** Its sessions by status. */
  sessions: { active: number; expired: number; revoked: number };
  /** Sign-ins of the last 24 hours. */
  createdLast24h: number;
  /** The size of the whole database in bytes, without the write-ahead log. */
  databaseBytes: number;
  /**
   * The size of the write-ahead log in bytes. Up to some 100 MB are normal: the log is reused from its
   * beginning, not cut. Far more means that a reader of another program holds on to an old state.
   */
  logBytes: number;
  /** The earliest end by the clock that no sweep has written down yet. */
  oldestUnsweptAt: Date | null;
  /**
   * By how many milliseconds the highest time that the database has seen is ahead of the clock; 0 if it is
   * not. The database keeps to that time: see `lower_clock_mark`.
   */
  clockAheadMs: number;
  /** The number of the newest event, also of one that was deleted; 0 before the first. */
  newestEvent: number;
  /** The number of the newest event that is sealed; 0 before the first seal. */
  newestSealedEvent: number;
}

/** What a copy of a database into another one has come to. */
export interface CopyReport {
  /** How many tenants both databases hold. */
  tenants: number;
  /** How many sessions, ended ones included. */
  sessions: number;
  /** How many signing keys, retired ones included. */
  signingKeys: number;
  /** How many events. */
  events: number;
  /** How many rows this call has added, replaced or deleted; 0 if there was nothing left to do. */
  changedRows: number;
  /**
   * SHA-256 over every value of every row, in hexadecimal digits, which was the same for both databases.
   * Releases may differ in it.
   */
  checksum: string;
}

/**
 * What a restore has made of an exported log, and what it could not make of it: the log tells of acts whose
 * keys and values it does not hold. Repeat those by hand before users come back.
 */
export interface ReplayReport {
  /** When the log was exported: what ended later lives again. */
  exportedAt: Date;
  /** How many events came after the backup. They are in the database again. */
  events: number;
  /** How many sessions of the backup have got the end that the log tells of. */
  ended: number;
  /**
   * Whether every other session of the tenant has ended too (reason `restored`), because the refresh key was
   * replaced after the backup was made: the key of the backup, under which former refresh tokens are good, is
   * in force again.
   */
  restEnded: boolean;
  /** How many sessions began after the backup was made. They are lost: their users sign in again. */
  lostSessions: number;
  /** How many changes of a role or of other members of sessions are undone. */
  undoneUpdates: number;
  /** How many changes of settings are undone. */
  undoneSettings: number;
  /**
   * How many keys were retired since that the backup holds as the active or the next one: they sign again.
   * Rotate and retire them if they had leaked. Those that the backup holds as retiring are retired again.
   */
  revivedKeys: number;
  /** How many changes of the secret key are undone: the former one opens the tenant again. */
  undoneSecretKeys: number;
}

/** Something that happened to a session, the settings or the keys of a tenant. */
export interface Event {
  /** Its number: the events of a tenant are counted from 1 in the order of their commits, without a gap. */
  seq: number;
  /** Its id: `evt_` and a ULID of the time at which it was recorded. */
  id: string;
  /** What it tells of. */
  type: EventType;
  /** When it happened. An end by the clock may have been recorded later than it happened. */
  at: Date;
  /** The session that it is about. */
  sessionId: string | null;
  /** The user of that session. */
  userId: string | null;
  /** Who did it, as the host has named them; absent for what the clock did, and where the host named none. */
  actor: string | null;
  /** More about it; `docs/SPEC.md`, section 10, lists the members by type. */
  data: Record<string, Json>;
  /** The hash that chains it to the event before it; absent until it is sealed. */
  hash: string | null;
}

/** What a check of a log of events has found. */
export interface EventLogReport {
  /** Whether the log is as it was exported. */
  ok: boolean;
  /** Whose events the log has, as it says itself. */
  tenantId: string | null;
  /** How many events were read up to the first problem. */
  events: number;
  /** The number of the first event; those before it are not in the log. */
  firstSeq: number | null;
  /** The number of the last event for which a seal vouches that a given key has signed. */
  vouchedThrough: number;
  /** When the log was exported, if it has its end. */
  exportedAt: Date | null;
  /** The first problem. */
  problem: EventLogProblem | null;
  /** The number of the event that the problem is about: the first one that is not as it was. */
  problemSeq: number | null;
  /** The line of the log at which the problem was found, counted from 1. */
  problemLine: number | null;
  /** The problem in a sentence. */
  detail: string | null;
}

/** What one round of maintenance has done. */
export interface MaintenanceReport {
  /** How many sessions the clock had ended and this round has written down. */
  stamped: number;
  /** How many records of ended sessions it has deleted. */
  purged: number;
  /** How many events it has sealed. */
  sealedEvents: number;
  /** How many events it has deleted. */
  deletedEvents: number;
  /** How many drained signing keys it has retired. */
  retiredKeys: number;
  /** Whether there is work left for a round at once. */
  hasMore: boolean;
}

/** A signing key. */
export interface KeyInfo {
  /** Its id, the `kid` of its tokens: `key_` and a ULID. */
  kid: string;
  /** Its state. */
  state: KeyState;
  /** When it was made. */
  createdAt: Date;
  /** Of an active or retiring key: when it began to sign. */
  activatedAt: Date | null;
  /** Of a retiring key: when another key took over. Absent where the records of retired keys cannot tell. */
  retiringAt: Date | null;
  /** Of a retiring key: when the last token that it signed expires, and it leaves the JWK Set. */
  leavesAt: Date | null;
}

/** What happened in an hour or a day. */
export interface StatsPeriod {
  /** When it begins; this instant itself belongs to the period before. */
  beginsAt: Date;
  /** When it ends; the last period ends at the engine's now. */
  endsAt: Date;
  /** Sign-ins. */
  created: number;
  /** Sessions that were active at its end. */
  active: number;
  /** Sessions that ended. */
  ended: number;
  /** Of these: the device signed out. */
  endedSignOut: number;
  /** Of these: ended by request, one session or those of a filter. */
  endedRevoked: number;
  /** Of these: all sessions of the user were ended. */
  endedRevokeAll: number;
  /** Of these: all sessions of the tenant were ended. */
  endedRevokeTenant: number;
  /** Of these: replaced by a newer sign-in under the cap. */
  endedMaxSessions: number;
  /** Of these: idle for too long. */
  endedIdleTimeout: number;
  /** Of these: an old refresh token was presented. */
  endedRefreshTokenReuse: number;
  /** Of these: ended by the restore of a backup. */
  endedRestored: number;
  /** Of these: reached their end. */
  endedExpired: number;
}

/** A method that a user has passed. */
export interface Factor {
  /** The method: a name of RFC 8176 or the host's own. */
  method: string;
  /** When it was passed last. */
  at: Date;
}

/** A change of settings: absent or `undefined` leaves a setting, null turns it off. */
export interface ConfigPatch {
  /** How long a session lasts after sign-in; default 30 days. Binds at sign-in. */
  sessionDuration?: Duration | undefined;
  /** How long an access token lasts; default 1 hour. Binds at the next token. */
  accessTokenTtl?: Duration | undefined;
  /** After how long without a refresh a session is revoked; default never. Binds at once. */
  idleTimeout?: Duration | null | undefined;
  /**
   * How many active sessions a user may have, at least 1; default unlimited. Binds at the user's next
   * sign-in.
   */
  maxSessionsPerUser?: number | null | undefined;
  /**
   * For how long after a rotation the former refresh token still answers with the same successor, 0 to 60
   * seconds; default 10 seconds.
   */
  refreshReuseWindow?: Duration | undefined;
  /**
   * For how long events are kept; default null: none are recorded. Binds at once: what happens afterwards is
   * recorded.
   */
  eventRetention?: Duration | null | undefined;
  /** After how long the record of an ended session is deleted by maintenance; default never. */
  recordRetention?: Duration | null | undefined;
  /**
   * Whether the ends of sessions are listed for verifiers away from the engine; default false. Binds at once:
   * the list begins with what ends afterwards.
   */
  revocationList?: boolean | undefined;
  /**
   * How long a session may last in which another person acts for the user; default 1 hour. Binds when it
   * starts.
   */
  maxActorDuration?: Duration | undefined;
  /** The same as `sessionDuration`. */
  session_duration?: Duration | undefined;
  /** The same as `accessTokenTtl`. */
  access_token_ttl?: Duration | undefined;
  /** The same as `idleTimeout`. */
  idle_timeout?: Duration | null | undefined;
  /** The same as `maxSessionsPerUser`. */
  max_sessions_per_user?: number | null | undefined;
  /** The same as `refreshReuseWindow`. */
  refresh_reuse_window?: Duration | undefined;
  /** The same as `eventRetention`. */
  event_retention?: Duration | null | undefined;
  /** The same as `recordRetention`. */
  record_retention?: Duration | null | undefined;
  /** The same as `revocationList`. */
  revocation_list?: boolean | undefined;
  /** The same as `maxActorDuration`. */
  max_actor_duration?: Duration | undefined;
}

/** A sign-in. `undefined` and `null` mean "not given". */
export interface CreateSessionOptions {
  /** The user who signs in, 1 to 255 bytes. The host has checked the credentials. */
  userId: string;
  /** The `User-Agent` header; at most 1024 bytes are kept. */
  userAgent?: string | null | undefined;
  /** The IPv4 or IPv6 address that the sign-in came from. */
  ipAddress?: string | null | undefined;
  /** The country that the host derived from the address: two letters (ISO 3166-1 alpha-2). */
  country?: string | null | undefined;
  /** The kind of device; by default derived from the user agent and the client hints. */
  deviceType?: DeviceType | null | undefined;
  /** The host's own fingerprint of the device, at most 255 bytes. */
  deviceFingerprint?: string | null | undefined;
  /** The `Sec-CH-UA-Mobile` header: `?1` or `?0`. */
  secChUaMobile?: string | null | undefined;
  /** The `Sec-CH-UA-Platform` header, such as `"Android"`, quotes included. */
  secChUaPlatform?: string | null | undefined;
  /** The `Sec-CH-UA-Form-Factors` header, such as `"Tablet"`, quotes included. */
  secChUaFormFactors?: string | null | undefined;
  /**
   * The methods that the user has passed: names of RFC 8176 (`pwd`, `otp`, …) or the host's own, at most 8.
   * Two kinds of them make the session `mfa_verified`, unless that is said.
   */
  factors?: readonly string[] | null | undefined;
  /** The organisation that is active in the session, at most 255 bytes. */
  orgId?: string | null | undefined;
  /** The user's role, at most 255 bytes. */
  role?: string | null | undefined;
  /** Whether a second factor was passed. */
  mfaVerified?: boolean | null | undefined;
  /** The user's e-mail address, at most 320 bytes. */
  email?: string | null | undefined;
  /**
   * The host's own claims: a JSON object of at most 4096 bytes, put at the top level of every access token.
   */
  claims?: object | null | undefined;
  /**
   * Who acts for the user, if another person does. Such a session lasts `max_actor_duration` at most, and no
   * cap knows it.
   */
  actor?: { userId: string; reason: string } | null | undefined;
  /** How long this session lasts, such as `24h`, instead of the tenant's session duration. */
  duration?: Duration | null | undefined;
}

/** Where a refresh comes from, as far as the host knows. */
export interface RefreshOptions {
  /** The address that the refresh came from, recorded as last seen. */
  ipAddress?: string | null | undefined;
  /** The `User-Agent` header that the refresh came with, recorded as last seen. */
  userAgent?: string | null | undefined;
}
