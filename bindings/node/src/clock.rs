//! A clock that JavaScript sets, for tests of an application.

use hellojohn::{Clock as _, ManualClock, Timestamp};
use napi_derive::napi;

/// The native half of the package's `ManualClock`. Times are whole milliseconds since the epoch.
#[napi]
pub struct NativeClock {
    pub(crate) inner: ManualClock,
}

#[napi]
impl NativeClock {
    /// Makes a clock that shows the time `at`.
    #[napi(constructor, catch_unwind)]
    pub fn new(at: i64) -> Self {
        NativeClock { inner: ManualClock::new(Timestamp::from_millis(at)) }
    }

    /// The time of the clock.
    #[napi(catch_unwind)]
    pub fn now(&self) -> i64 {
        self.inner.now().as_millis()
    }

    /// Sets the time, forward or back.
    #[napi(catch_unwind)]
    pub fn set(&self, at: i64) {
        self.inner.set(Timestamp::from_millis(at));
    }
}
