//! What a job is about to ask for, told to the store beforehand.

use std::sync::Arc;

use super::records::{ScanFilter, TenantNo};
use crate::model::id::{SessionId, UserId};

/// What a job will ask for, as far as its caller knows. A hint: a store over a network fetches it in one round trip for all
/// jobs of a transaction. What is not named costs a round trip of its own when the job asks for it, and nothing else.
#[derive(Debug, Clone, Default)]
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "for a store over a network"))]
pub(crate) struct Needs {
    /// Whose version is asked for.
    pub tenant: Option<TenantNo>,
    /// The sessions of that tenant that are asked for.
    pub sessions: NeededSessions,
}

/// Sessions that a job will ask for. One by its id takes no allocation: that is every refresh and every verification.
#[derive(Debug, Clone, Default)]
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "for a store over a network"))]
pub(crate) enum NeededSessions {
    #[default]
    None,
    One(SessionId),
    Many(Arc<[SessionId]>),
    /// Those of this user whose end is not written down, newest first.
    OpenOf(UserId),
    /// The first rows of a list.
    Page(Arc<NeededPage>),
    /// Those that the job finds by questions of its own, such as a count: a read keeps its snapshot open for them.
    Scanned,
}

/// The first rows that [`scan_newest_first`](super::transaction::ReadTransaction::scan_newest_first) will be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NeededPage {
    /// The scope of the scan: this user's sessions, or the tenant's.
    pub user: Option<UserId>,
    pub filter: ScanFilter,
    pub before: Option<SessionId>,
    /// How many rows.
    pub rows: usize,
}

#[cfg(feature = "postgres")]
impl NeededSessions {
    pub(super) fn as_slice(&self) -> &[SessionId] {
        match self {
            NeededSessions::None
            | NeededSessions::OpenOf(_)
            | NeededSessions::Page(_)
            | NeededSessions::Scanned => &[],
            NeededSessions::One(id) => std::slice::from_ref(id),
            NeededSessions::Many(ids) => ids,
        }
    }
}
