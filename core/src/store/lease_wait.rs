//! Waiting until no machine remembers what a commit has changed. A call waits on its own thread, with nothing held, after
//! everything else that it does in the store.

use std::cell::RefCell;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::clock::Stopwatch;

/// What is to be waited for: a time since a commit.
pub(crate) struct LeaseWait {
    since: Stopwatch,
    limit: Duration,
}

thread_local! {
    /// What the calls of [`defer_lease_waits`] on this thread have to wait for; absent outside of them.
    static DEFERRED: RefCell<Option<Option<LeaseWait>>> = const { RefCell::new(None) };
}

/// Restores what was there before, after a panic too.
struct Scope {
    outer: Option<Option<LeaseWait>>,
}

impl Drop for Scope {
    fn drop(&mut self) {
        DEFERRED.set(self.outer.take());
    }
}

/// Runs `work` without waiting for leases; what is left to wait for before its answer may be told.
pub(crate) fn defer<T>(work: impl FnOnce() -> T) -> (T, Option<LeaseWait>) {
    let scope = Scope { outer: DEFERRED.replace(Some(None)) };
    let answer = work();
    let left = DEFERRED.with_borrow_mut(|deferred| deferred.as_mut().and_then(Option::take));
    drop(scope);
    (answer, left)
}

/// Runs calls of the engine on this thread that do not wait until no machine remembers what they have changed
/// ([`VerifyMode::Lease`](crate::VerifyMode::Lease)), and tells how long to wait before their answer may be given to anyone: for a host whose
/// threads have other work to do meanwhile.
///
/// ```
/// let engine = hellojohn::Engine::open(":memory:")?;
/// let (closed, left) = hellojohn::defer_lease_waits(|| engine.close());
/// assert!(closed.is_ok() && left.is_zero()); // a file has no leases
/// # Ok::<(), hellojohn::Error>(())
/// ```
pub fn defer_lease_waits<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let (answer, left) = defer(work);
    (answer, left.map_or(Duration::ZERO, |left| left.remaining()))
}

impl LeaseWait {
    /// So long from now on.
    pub(crate) fn from_now(limit: Duration) -> Self {
        LeaseWait { since: Stopwatch::start(), limit }
    }

    /// What is left of it.
    pub(crate) fn remaining(&self) -> Duration {
        self.since.remaining(self.limit)
    }

    /// Returns when the time has passed, or leaves that to the caller of [`defer`].
    pub(crate) fn wait(self) {
        let own = DEFERRED.with_borrow_mut(|deferred| match deferred {
            None => Some(self),
            Some(kept) => {
                if kept.as_ref().is_none_or(|kept| kept.remaining() < self.remaining()) {
                    *kept = Some(self);
                }
                None
            }
        });
        if let Some(own) = own {
            own.wait_here();
        }
    }

    /// Returns when the time has passed.
    pub(crate) fn wait_here(self) {
        let (nothing, never) = (Mutex::new(()), Condvar::new());
        let mut guard = nothing.lock();
        loop {
            let left = self.remaining();
            if left.is_zero() {
                return;
            }
            never.wait_for(&mut guard, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_takes_its_time_unless_it_is_left_to_the_caller() {
        let limit = Duration::from_millis(20);
        let began = Stopwatch::start();
        LeaseWait::from_now(limit).wait();
        assert!(began.elapsed() >= limit);

        let long = Duration::from_secs(3_600);
        let ((), left) = defer(|| {
            LeaseWait::from_now(long).wait();
            LeaseWait::from_now(limit).wait();
            // One within another: what is left of it is left to the outer one.
            let ((), inner) = defer(|| LeaseWait::from_now(2 * long).wait());
            inner.unwrap().wait();
        });
        let left = left.unwrap().remaining();
        assert!(left > long && left <= 2 * long, "{left:?}");
        assert!(defer(|| ()).1.is_none());
    }

    #[test]
    fn a_panic_ends_the_scope() {
        assert!(std::panic::catch_unwind(|| defer(|| panic!("of the host's"))).is_err());
        let began = Stopwatch::start();
        LeaseWait::from_now(Duration::from_millis(5)).wait();
        assert!(began.elapsed() >= Duration::from_millis(5));
    }
}
