//! Steps of the protocol at which a test stops its process: the process says so on standard error and waits until it is killed or
//! continued.

use std::sync::OnceLock;

/// The step at which this process stops, if it was started for that.
pub(in crate::store::sqlite) fn chosen_step() -> Option<&'static str> {
    static STEP: OnceLock<Option<String>> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "an argument of a process of this test")]
    STEP.get_or_init(|| std::env::var("HJ_PAUSE_AT").ok()).as_deref()
}

pub(in crate::store::sqlite) fn pause(step: &str) {
    if chosen_step() == Some(step) && super::shared_world::is_armed() {
        // SAFETY: sends a signal to the process itself, which stops here.
        unsafe { libc::raise(libc::SIGSTOP) };
    }
}
