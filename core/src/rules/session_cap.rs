//! The sessions that a sign-in ends because of the cap (SPEC 4, cap).

/// Whether one more session of the user ends an active one under `cap`; `newer` is how many of the user's active sessions
/// are newer than that one, without the new one. So the oldest end, as many as bring the user down to `cap`.
pub(crate) fn is_evicted(newer: u64, cap: u64) -> bool {
    newer.saturating_add(1) >= cap
}
