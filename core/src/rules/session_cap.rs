//! The sessions that a sign-in ends because of the cap (SPEC 4, cap).

/// Whether one more session of the user ends an active one under `cap`; `newer` is how many of the user's active sessions
/// are newer than that one, without the new one. So the oldest end, as many as bring the user down to `cap`.
pub(crate) fn is_evicted(newer: u64, cap: u64) -> bool {
    newer.saturating_add(1) >= cap
}

/// Which of the user's next sign-ins ends an active session under `cap`, 1 for the very next, if no session ends before;
/// `newer` is how many of the user's active sessions are newer than that one.
pub(crate) fn evicting_sign_in(newer: u64, cap: u64) -> u64 {
    cap.saturating_sub(newer).max(1)
}
