// Written by `make generate` from core's schema; do not edit.
/**
 * An operation, under the one name that observers, metrics and documents have for it.
 *
 * - `open_tenant`: A handle for a tenant was opened.
 * - `create`: A session was created.
 * - `begin_sign_in`: A sign-in was begun, before its credentials are checked.
 * - `succeed_sign_in`: A sign-in whose credentials were right.
 * - `fail_sign_in`: A sign-in whose credentials were wrong.
 * - `cancel_sign_in`: A sign-in of which the host could not tell.
 * - `refresh`: A refresh token was exchanged.
 * - `adopt`: The credential of an imported session was exchanged.
 * - `import`: Sessions of another system were imported.
 * - `update`: The identity of a session was changed.
 * - `get`: A session was read.
 * - `list`: A page of sessions was listed.
 * - `count`: Sessions were counted.
 * - `explain`: A session was explained.
 * - `verify_access_token`: An access token was verified, and its session in the store.
 * - `verify_session`: A session was verified by its id.
 * - `verify_locally`: An access token was verified by signature and claims only.
 * - `require_auth`: An access token was verified as `verify_access_token` does, and what a gate requires of
 *   the user and the session.
 * - `require_auth_locally`: The same by signature and claims only.
 * - `revoke`: A session was revoked.
 * - `revoke_user`: All sessions of a user were revoked.
 * - `revoke_tenant`: All sessions of the tenant were revoked.
 * - `revoke_where`: The sessions that a filter admits were revoked.
 * - `preview_revoke_where`: What that would end was shown.
 * - `sign_out`: A session was signed out by one of its tokens.
 * - `config`: The settings were read.
 * - `update_config`: Settings were changed.
 * - `jwks`: The JWK Set was read.
 * - `revocations`: A page of the revocation list was read.
 * - `keys`: The signing keys were listed.
 * - `rotate_keys`: The signing keys were rotated.
 * - `retire_key`: A signing key was retired.
 * - `change_secret_key`: The secret key was changed.
 * - `rotate_refresh_key`: The refresh key was replaced.
 * - `events`: A page of events was listed.
 * - `seal_events`: Events were sealed.
 * - `export_events`: Events were exported.
 * - `next_events`: A consumer asked for its next events.
 * - `finish_events`: A consumer kept its position.
 * - `renew_events`: A consumer said that it is at work.
 * - `release_events`: A consumer let another process go on.
 * - `forget_events`: A consumer was deleted.
 * - `maintain`: A round of maintenance was done.
 * - `sweep`: Ends by the clock were written down.
 * - `purge`: Old records were deleted.
 * - `stats`: The tenant's sessions were counted by status.
 * - `stats_series`: They were counted over time, too.
 * - `lower_clock_mark`: The clock mark was lowered.
 * - `close`: The engine was closed.
 */
export type Operation =
  | "open_tenant"
  | "create"
  | "begin_sign_in"
  | "succeed_sign_in"
  | "fail_sign_in"
  | "cancel_sign_in"
  | "refresh"
  | "adopt"
  | "import"
  | "update"
  | "get"
  | "list"
  | "count"
  | "explain"
  | "verify_access_token"
  | "verify_session"
  | "verify_locally"
  | "require_auth"
  | "require_auth_locally"
  | "revoke"
  | "revoke_user"
  | "revoke_tenant"
  | "revoke_where"
  | "preview_revoke_where"
  | "sign_out"
  | "config"
  | "update_config"
  | "jwks"
  | "revocations"
  | "keys"
  | "rotate_keys"
  | "retire_key"
  | "change_secret_key"
  | "rotate_refresh_key"
  | "events"
  | "seal_events"
  | "export_events"
  | "next_events"
  | "finish_events"
  | "renew_events"
  | "release_events"
  | "forget_events"
  | "maintain"
  | "sweep"
  | "purge"
  | "stats"
  | "stats_series"
  | "lower_clock_mark"
  | "close";
