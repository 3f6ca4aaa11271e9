//! `hj_clock`: a clock for tests of an application.

use hellojohn_core::{Clock, ManualClock, Timestamp};

use crate::abi::get;
use crate::error::hj_error;
use crate::guard::call;
use crate::status::hj_status;
use crate::unwind;

/// A clock that moves only when the host moves it, for tests of an application: open an engine with it instead of the
/// machine's clock. Any thread may move it, and the host may free it while engines use it.
pub struct hj_clock(pub(crate) ManualClock);

/// Makes a clock that shows this time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_clock_new(
    now_at_ms: i64,
    clock: *mut *mut hj_clock,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([clock], error, || {
        clock.require("clock")?.give(hj_clock(ManualClock::new(Timestamp::from_millis(now_at_ms))));
        Ok(())
    })
}

/// The time that the clock shows; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_clock_now_at_ms(clock: *const hj_clock) -> i64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(clock, |clock| clock.0.now().as_millis()) }
}

/// Moves the clock to this time, forward or back; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_clock_set(clock: *const hj_clock, now_at_ms: i64) {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(clock, |clock| clock.0.set(Timestamp::from_millis(now_at_ms))) }
}

/// Moves the clock forward by this many milliseconds, back when negative; does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_clock_advance_ms(clock: *const hj_clock, millis: i64) {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(clock, |clock| clock.0.advance_millis(millis)) }
}

/// Frees a clock; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_clock_free(clock: *mut hj_clock) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(clock) }
}
