//! The one guard: what happens to panics at the border.
//!
//! A panic becomes `HJ_ERR_INTERNAL` and never unwinds into the host. The guard sets nothing global: the panic hook
//! belongs to the process, so the default hook still writes its line to standard error, and a host in Rust keeps its
//! own. After a panic the engine goes on: its transaction has rolled back, and its locks know no poison. Running out of
//! memory is not a panic; it ends the process, as everywhere in Rust.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hellojohn_core::{Error, ErrorCode};

use crate::abi::Output;
use crate::cancellation::CancellationHold;
use crate::error::hj_error;
use crate::status::{HJ_OK, hj_status};
use crate::unwind;

/// The body of a call that can fail: `call!([grant], error, || …)`. It empties the outputs in the brackets and `error`,
/// which the body then sees as [`Output`]s, and answers with the body's status.
macro_rules! call {
    ([$($output:ident),*], $error:ident, $body:expr) => {{
        let ($($output,)* $error,) =
            // SAFETY: the caller of the exported function keeps "Outputs".
            unsafe { ($($crate::abi::Output::clear($output),)* $crate::abi::Output::clear($error),) };
        $crate::guard::run($error, $body)
    }};
}
pub(crate) use call;

/// Runs the body of a call and turns its outcome into what C sees.
pub(crate) fn run(error: Output<*mut hj_error>, body: impl FnOnce() -> Result<(), Error>) -> hj_status {
    let _hold = CancellationHold::begin();
    // What the body shares with later calls is the engine, which a panic leaves consistent (see above).
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        unwind::forget(panic);
        Err(Error::new(ErrorCode::Internal, "the engine panicked; this is a bug of the engine"))
    });
    match outcome {
        Ok(()) => HJ_OK,
        Err(reason) => {
            error.give(hj_error::new(&reason));
            reason.code().number()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;
    use crate::status::HJ_ERR_INTERNAL;
    use crate::unwind::tests::PanicsWhenDropped;

    #[test]
    fn a_panic_becomes_a_status() {
        let mut reason = ptr::null_mut();
        let error = &raw mut reason;
        assert_eq!(call!([], error, || std::panic::panic_any(PanicsWhenDropped)), HJ_ERR_INTERNAL);
        assert!(!reason.is_null());
        // SAFETY: handed out just now.
        unsafe { unwind::free(reason) };
    }
}
