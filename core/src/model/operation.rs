//! The names of the operations (SPEC 16).

use crate::word_enum::word_enum;

word_enum! {
    /// An operation, under the one name that observers, metrics and documents have for it.
    pub enum Operation as "operation" {
        /// A handle for a tenant was opened.
        OpenTenant = "open_tenant",
        /// A session was created.
        Create = "create",
        /// A sign-in was begun, before its credentials are checked.
        BeginSignIn = "begin_sign_in",
        /// A sign-in whose credentials were right.
        SucceedSignIn = "succeed_sign_in",
        /// A sign-in whose credentials were wrong.
        FailSignIn = "fail_sign_in",
        /// A sign-in of which the host could not tell.
        CancelSignIn = "cancel_sign_in",
        /// A refresh token was exchanged.
        Refresh = "refresh",
        /// The credential of an imported session was exchanged.
        Adopt = "adopt",
        /// Sessions of another system were imported.
        Import = "import",
        /// The identity of a session was changed.
        Update = "update",
        /// A session was read.
        Get = "get",
        /// A page of sessions was listed.
        List = "list",
        /// Sessions were counted.
        Count = "count",
        /// A session was explained.
        Explain = "explain",
        /// An access token was verified, and its session in the store.
        VerifyAccessToken = "verify_access_token",
        /// A session was verified by its id.
        VerifySession = "verify_session",
        /// An access token was verified by signature and claims only.
        VerifyLocally = "verify_locally",
        /// An access token was verified as `verify_access_token` does, and what a gate requires of the user and the session.
        RequireAuth = "require_auth",
        /// The same by signature and claims only.
        RequireAuthLocally = "require_auth_locally",
        /// A session was revoked.
        Revoke = "revoke",
        /// All sessions of a user were revoked.
        RevokeUser = "revoke_user",
        /// All sessions of the tenant were revoked.
        RevokeTenant = "revoke_tenant",
        /// The sessions that a filter admits were revoked.
        RevokeWhere = "revoke_where",
        /// What that would end was shown.
        PreviewRevokeWhere = "preview_revoke_where",
        /// A session was signed out by one of its tokens.
        SignOut = "sign_out",
        /// The settings were read.
        Config = "config",
        /// Settings were changed.
        UpdateConfig = "update_config",
        /// The JWK Set was read.
        Jwks = "jwks",
        /// A page of the revocation list was read.
        Revocations = "revocations",
        /// The signing keys were listed.
        Keys = "keys",
        /// The signing keys were rotated.
        RotateKeys = "rotate_keys",
        /// A signing key was retired.
        RetireKey = "retire_key",
        /// The secret key was changed.
        ChangeSecretKey = "change_secret_key",
        /// The refresh key was replaced.
        RotateRefreshKey = "rotate_refresh_key",
        /// A page of events was listed.
        Events = "events",
        /// Events were sealed.
        SealEvents = "seal_events",
        /// Events were exported.
        ExportEvents = "export_events",
        /// A consumer asked for its next events.
        NextEvents = "next_events",
        /// A consumer kept its position.
        FinishEvents = "finish_events",
        /// A consumer said that it is at work.
        RenewEvents = "renew_events",
        /// A consumer let another process go on.
        ReleaseEvents = "release_events",
        /// A consumer was deleted.
        ForgetEvents = "forget_events",
        /// A round of maintenance was done.
        Maintain = "maintain",
        /// Ends by the clock were written down.
        Sweep = "sweep",
        /// Old records were deleted.
        Purge = "purge",
        /// The tenant's sessions were counted by status.
        Stats = "stats",
        /// They were counted over time, too.
        StatsSeries = "stats_series",
        /// The clock mark was lowered.
        LowerClockMark = "lower_clock_mark",
        /// The engine was closed.
        Close = "close",
    }
}
