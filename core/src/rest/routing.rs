//! Which routes an API has, and under which paths, by its options.

#[derive(Debug, Clone, Copy)]
pub(super) struct Routing {
    /// Whether the routes that need the secret key are there.
    pub has_admin: bool,
    /// Whether the pages of the dashboard are there.
    pub has_dashboard: bool,
    /// Whether every caller may read the revocation list.
    pub publishes_revocations: bool,
    /// Whether a path may have a `/` behind it.
    pub trailing_slash: bool,
}
