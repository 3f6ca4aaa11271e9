//! What an answer about one session, or about the sessions of a user, depends on, so that a cache can ask later whether the answer
//! still holds.

use std::fmt;

use crate::clock::Timestamp;
use crate::store::{CommitVersion, Store, Subject, VerifyLease};

/// What an answer about one session, or about the sessions of a user, depends on: [`Tenant::is_fresh`](crate::Tenant::is_fresh) says whether a cached answer
/// still holds. (HTTP caches call such a value a validator, RFC 9110, section 8.8.)
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
/// let (session, validator) = tenant.get_cacheable(grant.session.id)?;
/// tenant.revoke(session.id)?;
/// assert!(!tenant.is_fresh(&validator)?);
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct CacheValidator {
    /// The tenant handle that answered. Another handle may not know the tenant's secret key any more.
    pub(super) handle: u64,
    /// The version of the tenant's settings and keys.
    pub(super) snapshot_version: i64,
    /// From before the store was read; `None` if the store cannot tell.
    pub(super) commit_version: Option<CommitVersion>,
    /// Of a verification whose answer is remembered for a time.
    pub(super) lease: Option<VerifyLease>,
    pub(super) subject: Subject,
    /// From when on the clock alone makes another answer: a session that was active has reached its end, or the token its `exp`.
    /// `None` for never: an end that was answered is final.
    pub(super) holds_until: Option<Timestamp>,
}

impl CacheValidator {
    /// The highest clock mark that other processes are known to have set, if the store has certainly committed nothing that
    /// concerns the answer.
    pub(super) fn clock_mark_if_unchanged(&self, store: &dyn Store) -> Option<Timestamp> {
        store.clock_mark_if_unchanged(self.subject, self.commit_version?)
    }

    /// Whether it goes by a time for which a verification may be remembered ([`VerifyMode`](crate::VerifyMode)), and not by what has been
    /// committed.
    #[doc(hidden)]
    pub fn is_leased(&self) -> bool {
        self.lease.is_some_and(|lease| lease.length_ms > 0)
    }

    /// Whether the answer is the same at `now` for an unchanged subject.
    pub(super) fn holds_at(&self, now: Timestamp) -> bool {
        self.holds_until.is_none_or(|until| now < until)
    }
}

impl fmt::Debug for CacheValidator {
    /// Prints no content: commit versions are counters, which differ between runs that answer the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheValidator").finish_non_exhaustive()
    }
}
