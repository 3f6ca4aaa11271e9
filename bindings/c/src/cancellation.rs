//! Thread cancellation (`pthread_cancel`) waits while a call runs. It would unwind through frames of Rust, which ends the
//! process, and would leave a transaction open.

use std::ffi::c_int;

// Of the C library that every program on these systems has; the `libc` crate does not declare it everywhere.
#[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd"))]
unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, previous: *mut c_int) -> c_int;
}

#[cfg(target_os = "linux")]
const DISABLE: c_int = 1;
#[cfg(target_os = "macos")]
const DISABLE: c_int = 0;
#[cfg(target_os = "freebsd")]
const DISABLE: c_int = 1;

/// Holds cancellation of this thread off until it is dropped; then a request that came meanwhile takes effect at the host's
/// next cancellation point. Calls may be nested.
pub(crate) struct CancellationHold(c_int);

#[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd"))]
impl CancellationHold {
    pub(crate) fn begin() -> Self {
        let mut previous = 0;
        // SAFETY: `previous` can be written; the call fails only for an unknown state.
        unsafe { pthread_setcancelstate(DISABLE, &raw mut previous) };
        CancellationHold(previous)
    }
}

#[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd"))]
impl Drop for CancellationHold {
    fn drop(&mut self) {
        let mut ours = 0;
        // SAFETY: `ours` can be written; the state is one that the call before has returned.
        unsafe { pthread_setcancelstate(self.0, &raw mut ours) };
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "freebsd")))]
impl CancellationHold {
    /// These systems have no cancellation.
    pub(crate) fn begin() -> Self {
        CancellationHold(0)
    }
}
