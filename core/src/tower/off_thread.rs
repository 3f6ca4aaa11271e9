//! Work that may wait for the disk, away from the threads that poll.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::Handle;

use crate::engine::Tenant;
use crate::error::{Error, ErrorCode};

/// Runs the work on a thread for blocking work: tokio's inside of a runtime of tokio, where the host's own code in it finds the runtime;
/// else one of the engine's.
///
/// # Errors
/// `internal` if the work panicked, or if the runtime ends.
pub(super) async fn run_blocking<T: Send + 'static>(
    tenant: &Tenant,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let contained = move || {
        catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
            mem::forget(panic); // the host's code made it, and it might panic when dropped
            Error::new(ErrorCode::Internal, "answering the request panicked")
        })
    };
    match Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(contained).await.unwrap_or_else(|ended| {
            Err(Error::new(ErrorCode::Internal, "the runtime ends").caused_by(ended))
        }),
        Err(_) => tenant.begin_call(move |_| contained()).await,
    }
}
