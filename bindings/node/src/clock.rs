//! A clock in the hands of JavaScript, for tests of an application.

use hellojohn::{Clock as _, ManualClock, Timestamp};
use napi_derive::napi;

/// The native half of the façade's `ManualClock`. Times are whole milliseconds since the epoch.
#[napi]
pub struct NativeClock {
    pub(crate) hand: ManualClock,
}

#[napi]
impl NativeClock {
    /// A clock that stands at `at`.
    #[napi(constructor, catch_unwind)]
    pub fn new(at: i64) -> Self {
        NativeClock { hand: ManualClock::new(Timestamp::from_millis(at)) }
    }

    /// Where it stands.
    #[napi(catch_unwind)]
    pub fn now(&self) -> i64 {
        self.hand.now().as_millis()
    }

    /// Moves it, forward or back.
    #[napi(catch_unwind)]
    pub fn set(&self, at: i64) {
        self.hand.set(Timestamp::from_millis(at));
    }
}
