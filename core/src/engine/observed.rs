//! Runs operations so that the observer is told of them; without one, at the cost of a comparison.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::answers::VerifyError;
use super::inner::EngineInner;
use super::observer::{Observer, OperationReport};
use super::pending::Pending;
use super::tenant::Tenant;
use crate::clock::Timer;
use crate::error::{Error, ErrorCode};
use crate::fork;
use crate::model::id::TenantId;
use crate::model::operation::Operation;

/// An error of an operation.
pub(super) trait HasCode {
    fn code(&self) -> ErrorCode;
}

impl HasCode for Error {
    fn code(&self) -> ErrorCode {
        Error::code(self)
    }
}

impl HasCode for VerifyError {
    fn code(&self) -> ErrorCode {
        self.error.code()
    }
}

thread_local! {
    /// Whether this thread is inside of an observer.
    static IS_TELLING: Cell<bool> = const { Cell::new(false) };
}

/// The time at which an operation began that is to be told.
struct Observed(Timer);

impl EngineInner {
    /// Nothing if there is no observer, or it does not want to know.
    #[inline]
    fn begin_observed(&self) -> Option<Observed> {
        self.observer.as_deref().and_then(|observer| self.begin_told(observer))
    }

    #[cold]
    fn begin_told(&self, observer: &dyn Observer) -> Option<Observed> {
        // A forked child must not touch what its parent's observer shares with other threads.
        if fork::is_child() || IS_TELLING.get() {
            return None;
        }
        ask(|| observer.is_enabled())?.then(|| Observed(self.clock.start_timer()))
    }

    #[cold]
    fn tell(&self, begun: &Observed, mut report: OperationReport<'_>) {
        let Some(observer) = &self.observer else { return };
        if fork::is_child() {
            return;
        }
        report.duration = self.clock.elapsed(&begun.0);
        ask(|| observer.observe(&report));
    }

    /// Runs an operation of the engine or, with its id, of a tenant.
    #[inline]
    pub(super) fn observe<T, E: HasCode>(
        &self,
        operation: Operation,
        tenant_id: Option<&TenantId>,
        rows: impl FnOnce(&T) -> u64,
        call: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let begun = self.begin_observed();
        let answer = call();
        if let Some(begun) = begun {
            self.tell(&begun, report(operation, tenant_id, rows, &answer));
        }
        answer
    }
}

impl Tenant {
    /// Runs an operation, and tells the observer of its answer; `rows` says how many rows that tells of.
    #[inline]
    pub(super) fn observe<T, E: HasCode>(
        &self,
        operation: Operation,
        rows: impl FnOnce(&T) -> u64,
        call: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        self.inner.observe(operation, Some(self.id()), rows, call)
    }

    /// [`observe`](Self::observe) for an operation that says whether its answer was cached.
    #[inline]
    pub(super) fn observe_cached<T, E: HasCode>(
        &self,
        operation: Operation,
        rows: impl FnOnce(&T) -> u64,
        call: impl FnOnce(&mut bool) -> Result<T, E>,
    ) -> Result<T, E> {
        let begun = self.inner.begin_observed();
        let mut is_from_cache = false;
        let answer = call(&mut is_from_cache);
        if let Some(begun) = begun {
            let report = report(operation, Some(self.id()), rows, &answer);
            self.inner.tell(&begun, OperationReport { is_from_cache, ..report });
        }
        answer
    }

    /// [`observe`](Self::observe) for a call that is begun here and told when it is waited for; if it never is, it is not told.
    #[inline]
    pub(super) fn observe_pending<T: Send + 'static, E: HasCode + From<Error> + Send + 'static>(
        &self,
        operation: Operation,
        rows: impl FnOnce(&T) -> u64 + Send + 'static,
        begin: impl FnOnce() -> Pending<T, E>,
    ) -> Pending<T, E> {
        let begun = self.inner.begin_observed();
        let pending = begin();
        match begun {
            Some(begun) => self.tell_when_waited_for(begun, operation, rows, pending),
            None => pending,
        }
    }

    #[cold]
    fn tell_when_waited_for<T: Send + 'static, E: HasCode + From<Error> + Send + 'static>(
        &self,
        begun: Observed,
        operation: Operation,
        rows: impl FnOnce(&T) -> u64 + Send + 'static,
        pending: Pending<T, E>,
    ) -> Pending<T, E> {
        let tenant = self.clone();
        pending.then(move |answer| {
            tenant.inner.tell(&begun, report(operation, Some(tenant.id()), rows, &answer));
            answer
        })
    }
}

fn report<'a, T, E: HasCode>(
    operation: Operation,
    tenant_id: Option<&'a TenantId>,
    rows: impl FnOnce(&T) -> u64,
    answer: &Result<T, E>,
) -> OperationReport<'a> {
    OperationReport {
        operation,
        tenant_id,
        error: answer.as_ref().err().map(HasCode::code),
        duration: Duration::ZERO,
        rows: answer.as_ref().map_or(0, rows),
        is_from_cache: false,
    }
}

pub(super) fn count_rows<T>(rows: &[T]) -> u64 {
    rows.len() as u64
}

/// Runs the host's code: a panic stays inside, and operations that it calls are not told.
fn ask<T>(host: impl FnOnce() -> T) -> Option<T> {
    IS_TELLING.set(true);
    let answer = catch_unwind(AssertUnwindSafe(host));
    IS_TELLING.set(false);
    match answer {
        Ok(answer) => Some(answer),
        Err(panic) => {
            std::mem::forget(panic); // dropping what it carries could panic again
            None
        }
    }
}
