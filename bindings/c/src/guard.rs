//! The one guard: what happens to panics at the border.
//!
//! A panic becomes `HJ_ERR_INTERNAL` and never unwinds into the host. Nothing global is set for that: the panic hook is
//! the process's, so the default one still writes its line to standard error, and a host in Rust keeps its own. After a
//! panic the engine goes on: its transaction has rolled back, and its locks know no poison. Running out of memory is not
//! a panic; it ends the process, as everywhere in Rust.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use engine::{Error, ErrorCode};

use crate::abi::Slot;
use crate::error::hj_error;
use crate::status::{HJ_OK, hj_status};

/// Runs the body of a call and turns its outcome into what C sees.
pub(crate) fn guard(error: Slot<*mut hj_error>, body: impl FnOnce() -> Result<(), Error>) -> hj_status {
    // What the body shares with later calls is the engine, which a panic leaves consistent (see above).
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        swallow(panic);
        Err(Error::new(ErrorCode::Internal, "the engine panicked; this is a bug of the engine"))
    });
    match outcome {
        Ok(()) => HJ_OK,
        Err(reason) => {
            let status = reason.code().number();
            error.give(hj_error::new(&reason));
            status
        }
    }
}

/// Drops an object that this library gave out; NULL is allowed.
///
/// # Safety
/// Section "Objects" of the contract: `object` is NULL, or was given out by this library to be freed, was not freed yet,
/// and nobody uses it any more.
pub(crate) unsafe fn free<T>(object: *mut T) {
    if object.is_null() {
        return;
    }
    // SAFETY: it came from `Box::into_raw` in `Slot::give` and is freed once, as the caller promises ("Objects").
    let owned = unsafe { Box::from_raw(object) };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(owned))) {
        swallow(panic);
    }
}

/// Forgets what a panic carries: dropping it could panic again.
fn swallow(panic: Box<dyn Any + Send>) {
    std::mem::forget(panic);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::HJ_ERR_INTERNAL;

    struct PanicsWhenDropped;

    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("in a drop");
        }
    }

    #[test]
    fn a_panic_becomes_a_status() {
        let mut error = std::ptr::null_mut();
        // SAFETY: a local that outlives the slot.
        let slot = unsafe { Slot::clear(&raw mut error) };
        assert_eq!(guard(slot, || std::panic::panic_any(PanicsWhenDropped)), HJ_ERR_INTERNAL);
        assert!(!error.is_null());
        // SAFETY: given out just now.
        unsafe { free(error) };
    }

    #[test]
    fn a_panic_in_a_drop_stays_inside() {
        let object = Box::into_raw(Box::new(PanicsWhenDropped));
        // SAFETY: made just now.
        unsafe { free(object) };
    }
}
