// Written by `make generate` from core's schema; do not edit.

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
  user_id: string;
  /** The tenant that it belongs to. */
  tenant_id: string;
  /** Its status. */
  status: SessionStatus;
  /** The `User-Agent` header of the sign-in. */
  user_agent: string | null;
  /** The address of the sign-in, in canonical form. */
  ip_address: string | null;
  /** The country of the sign-in as the host gave it: two letters (ISO 3166-1 alpha-2). */
  country: string | null;
  /** The kind of device, given or derived from the user agent. */
  device_type: DeviceType;
  /** The host's fingerprint of the device. */
  device_fingerprint: string | null;
  /** The sign-in. RFC 3339, in UTC. */
  created_at: string;
  /** The sign-in or the last rotation of the refresh token; verifying never moves it. RFC 3339, in UTC. */
  last_active_at: string;
  /** The end of the session, and of its refresh token with it; fixed at sign-in. RFC 3339, in UTC. */
  expires_at: string;
  /** When its newest access token expires. RFC 3339, in UTC. */
  access_expires_at: string;
  /** When it was revoked: only if its status is `revoked`. RFC 3339, in UTC. */
  revoked_at: string | null;
  /** Why it ended. */
  end_reason: EndReason | null;
  /** The organisation that is active in the session, at most 255 bytes. */
  org_id: string | null;
  /** The user's role, at most 255 bytes. */
  role: string | null;
  /** Whether a second factor was passed. */
  mfa_verified: boolean;
  /** The user's e-mail address, at most 320 bytes. */
  email: string | null;
  /**
   * The host's own claims: a JSON object of at most 4096 bytes, put at the top level of every access token.
   */
  claims: Record<string, unknown>;
  /**
   * When the user authenticated: the sign-in, or the factor that was passed last. A refresh never moves it.
   * RFC 3339, in UTC.
   */
  auth_time: string;
  /** The methods that the user has passed, each with its last time, the newest last; at most 8. */
  factors: { method: string; at: string }[];
  /** Who acts for the user in this session, if another person does. */
  actor: { user_id: string; reason: string } | null;
  /** The address last seen: of the newest refresh that gave one, else of the sign-in. */
  last_ip_address: string | null;
  /** The user agent last seen: of the newest refresh that gave one, else of the sign-in. */
  last_user_agent: string | null;
  /** Whether this is the session that asks: the device in the user's hand. */
  current: boolean;
}
