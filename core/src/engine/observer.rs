//! What a host is told of the operations: the engine's one hook (SPEC 16).

use std::time::Duration;

use crate::error::ErrorCode;
use crate::model::id::TenantId;
use crate::model::operation::Operation;

/// Told after each operation of an engine, as [`EngineBuilder::observer`](crate::EngineBuilder::observer) says. The engine has no
/// other hook and logs nothing.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::sync::Arc;
///
/// use hellojohn::{CreateSession, Engine, Observer, OperationReport};
///
/// #[derive(Default)]
/// struct Failures(AtomicU64);
///
/// impl Observer for Failures {
///     fn observe(&self, report: &OperationReport<'_>) {
///         self.0.fetch_add(u64::from(report.error.is_some()), Ordering::Relaxed);
///     }
/// }
///
/// let failures = Arc::new(Failures::default());
/// let engine = Engine::builder().observer(Arc::clone(&failures)).open(":memory:")?;
/// let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// assert!(tenant.refresh("no token", Default::default()).is_err());
/// assert_eq!(failures.0.load(Ordering::Relaxed), 1);
/// # Ok::<(), hellojohn::Error>(())
/// ```
pub trait Observer: Send + Sync {
    /// Whether to tell of the operation that begins now, on this thread. An operation that was begun while this was false is
    /// never told, and costs nothing but this question.
    fn is_enabled(&self) -> bool {
        true
    }

    /// Tells of an operation that has ended, on the thread that gets its answer, which waits until this returns. No lock and no
    /// transaction of the engine is held: a slow observer delays its own caller and no other.
    ///
    /// Several threads may be told at once. A panic in here is swallowed (the process's panic hook runs): the operation answers
    /// as if there were no observer, and the next one is told again. Operations that an observer calls are not told.
    fn observe(&self, report: &OperationReport<'_>);
}

impl<T: Observer + ?Sized> Observer for std::sync::Arc<T> {
    fn is_enabled(&self) -> bool {
        (**self).is_enabled()
    }

    fn observe(&self, report: &OperationReport<'_>) {
        (**self).observe(report);
    }
}

/// What an [`Observer`] is told. It holds no secret, no token, no address and no id but the tenant's.
///
/// ```
/// use hellojohn::{Engine, Observer, OperationReport};
///
/// struct Printer;
///
/// impl Observer for Printer {
///     fn observe(&self, report: &OperationReport<'_>) {
///         println!("{} {} in {:?}", report.operation, report.outcome(), report.duration);
///     }
/// }
///
/// let engine = Engine::builder().observer(Printer).open(":memory:")?;
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperationReport<'a> {
    /// Which operation.
    pub operation: Operation,
    /// The tenant; nothing for an operation of the whole engine.
    pub tenant_id: Option<&'a TenantId>,
    /// Why the operation was refused or failed; nothing if it answered.
    pub error: Option<ErrorCode>,
    /// From the call, or from the beginning of a [`Pending`](crate::Pending) write, until its answer. By the engine's own clock if the host has
    /// injected one.
    pub duration: Duration,
    /// How many sessions, keys or events the answer tells of, or were changed; 0 with an error.
    pub rows: u64,
    /// Whether the engine had the answer, of a token or a list, in its cache.
    pub is_from_cache: bool,
}

impl OperationReport<'_> {
    /// `ok`, or the word of the error's code.
    pub fn outcome(&self) -> &'static str {
        self.error.map_or("ok", ErrorCode::as_str)
    }
}
