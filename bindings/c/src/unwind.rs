//! Panics outside the guard: those of an object's drop and of a panic's own payload.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::cancellation::CancellationHold;

/// Drops an object that this library handed out; NULL is allowed. A panic in its drop stays inside.
///
/// # Safety
/// Section "Objects" of the contract: `object` is NULL, or this library handed it out to be freed, and it is neither
/// freed yet nor in use.
pub(crate) unsafe fn free<T>(object: *mut T) {
    if object.is_null() {
        return;
    }
    let _hold = CancellationHold::begin(); // an engine closes its files here
    // SAFETY: it came from `Box::into_raw` in `Output::give` and is freed once, as the caller promises ("Objects").
    let owned = unsafe { Box::from_raw(object) };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(owned))) {
        forget(panic);
    }
}

/// Forgets what a panic carries: dropping it could panic again.
pub(crate) fn forget(panic: Box<dyn Any + Send>) {
    std::mem::forget(panic);
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) struct PanicsWhenDropped;

    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("in a drop");
        }
    }

    #[test]
    fn a_panic_in_a_drop_stays_inside() {
        let object = Box::into_raw(Box::new(PanicsWhenDropped));
        // SAFETY: made just now.
        unsafe { free(object) };
    }
}
