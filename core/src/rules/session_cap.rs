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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_evicted_once_as_many_as_the_cap_would_be_newer() {
        for (newer, evicted, sign_in) in
            [(0, false, 3), (1, false, 2), (2, true, 1), (3, true, 1), (9, true, 1)]
        {
            assert_eq!(is_evicted(newer, 3), evicted, "{newer}");
            assert_eq!(evicting_sign_in(newer, 3), sign_in, "{newer}");
        }
        assert!(is_evicted(u64::MAX, u64::MAX) && !is_evicted(5, u64::MAX));
    }
}
