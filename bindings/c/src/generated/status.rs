//! Written by `make generate` from core's schema; do not edit.

use std::ffi::CStr;

/// How a call ended: HJ_OK, or one of HJ_ERR_…. A later release may add numbers; none is ever reused.
pub type hj_status = i32;

/// The call did what it says.
pub const HJ_OK: hj_status = 0;
/// A value that the caller gave is of the wrong type, empty, too long or out of range.
pub const HJ_ERR_VALIDATION_ERROR: hj_status = 1;
/// No token was given where one is needed.
pub const HJ_ERR_MISSING_TOKEN: hj_status = 2;
/// Not an access token of this tenant: malformed, forged, or signed by a key that is gone.
pub const HJ_ERR_INVALID_TOKEN: hj_status = 3;
/// A genuine access token past its `exp`.
pub const HJ_ERR_TOKEN_EXPIRED: hj_status = 4;
/// Not a refresh token of this tenant; the call had no effect.
pub const HJ_ERR_REFRESH_TOKEN_INVALID: hj_status = 5;
/// A refresh token that was used before; its session has been ended.
pub const HJ_ERR_REFRESH_TOKEN_REUSED: hj_status = 6;
/// A refresh token newer than the database, which was restored from a backup.
pub const HJ_ERR_REFRESH_TOKEN_AHEAD: hj_status = 7;
/// The session reached its end or its idle time-out.
pub const HJ_ERR_SESSION_EXPIRED: hj_status = 8;
/// The session was revoked.
pub const HJ_ERR_SESSION_REVOKED: hj_status = 9;
/// No such session in this tenant.
pub const HJ_ERR_SESSION_NOT_FOUND: hj_status = 10;
/// The secret key is not this tenant's.
pub const HJ_ERR_INVALID_API_KEY: hj_status = 11;
/// The request names another tenant.
pub const HJ_ERR_TENANT_MISMATCH: hj_status = 12;
/// The caller may not do this.
pub const HJ_ERR_INSUFFICIENT_PERMISSIONS: hj_status = 13;
/// The host refused the user's credentials.
pub const HJ_ERR_INVALID_CREDENTIALS: hj_status = 14;
/// No such thing (a key, a path).
pub const HJ_ERR_NOT_FOUND: hj_status = 15;
/// The path exists, the method does not.
pub const HJ_ERR_METHOD_NOT_ALLOWED: hj_status = 16;
/// The request itself cannot be read.
pub const HJ_ERR_BAD_REQUEST: hj_status = 17;
/// The request body is over the limit.
pub const HJ_ERR_PAYLOAD_TOO_LARGE: hj_status = 18;
/// The engine was closed.
pub const HJ_ERR_ENGINE_CLOSED: hj_status = 19;
/// Another writer held the database for longer than the busy time-out.
pub const HJ_ERR_STORAGE_BUSY: hj_status = 20;
/// The disk is full; nothing was changed.
pub const HJ_ERR_STORAGE_FULL: hj_status = 21;
/// The operating system failed a file operation; nothing was acknowledged.
pub const HJ_ERR_STORAGE_IO: hj_status = 22;
/// The file is not a database of this engine, or is damaged.
pub const HJ_ERR_STORAGE_CORRUPT: hj_status = 23;
/// The file or its folder cannot be written.
pub const HJ_ERR_STORAGE_READ_ONLY: hj_status = 24;
/// The file was written by a newer release.
pub const HJ_ERR_STORAGE_TOO_NEW: hj_status = 25;
/// The process forked after it had used the library: the child can use neither its parent's engines nor,
/// before `exec`, one of its own.
pub const HJ_ERR_FORKED: hj_status = 26;
/// A fault of the engine or of the machine's clock or entropy.
pub const HJ_ERR_INTERNAL: hj_status = 27;
/// Too many sign-ins have failed for the account or from the address; the error says after how many seconds
/// to try again.
pub const HJ_ERR_TOO_MANY_REQUESTS: hj_status = 28;
/// The machine's clock was set ahead by more than `max_clock_jump` while this process ran: nothing was
/// decided by it.
pub const HJ_ERR_CLOCK_JUMP: hj_status = 29;
/// The user must authenticate again, or with other factors; the error says with which, and how long ago that
/// may have been.
pub const HJ_ERR_REAUTHENTICATION_REQUIRED: hj_status = 30;

/// The names, by number.
pub(super) const NAMES: [&CStr; 31] = [
    c"ok",
    c"validation_error",
    c"missing_token",
    c"invalid_token",
    c"token_expired",
    c"refresh_token_invalid",
    c"refresh_token_reused",
    c"refresh_token_ahead",
    c"session_expired",
    c"session_revoked",
    c"session_not_found",
    c"invalid_api_key",
    c"tenant_mismatch",
    c"insufficient_permissions",
    c"invalid_credentials",
    c"not_found",
    c"method_not_allowed",
    c"bad_request",
    c"payload_too_large",
    c"engine_closed",
    c"storage_busy",
    c"storage_full",
    c"storage_io",
    c"storage_corrupt",
    c"storage_read_only",
    c"storage_too_new",
    c"forked",
    c"internal",
    c"too_many_requests",
    c"clock_jump",
    c"reauthentication_required",
];
