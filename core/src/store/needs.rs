//! What a job is about to ask for, told to the store beforehand.

use std::sync::Arc;

use super::records::TenantNo;
use crate::model::id::SessionId;

/// What a job will ask for, as far as its caller knows. A hint: a store over a network fetches it in one round trip for all
/// jobs of a transaction. What is not named costs a round trip of its own when the job asks for it, and nothing else.
#[derive(Debug, Clone, Default)]
pub(crate) struct Needs {
    /// Whose version is asked for.
    pub tenant: Option<TenantNo>,
    /// The sessions of that tenant that are asked for.
    pub sessions: NeededSessions,
}

/// Sessions that a job will ask for. One of them takes no allocation: that is every refresh and every verification.
#[derive(Debug, Clone, Default)]
pub(crate) enum NeededSessions {
    #[default]
    None,
    One(SessionId),
    Many(Arc<[SessionId]>),
}

impl Needs {
    /// The tenant's version only.
    pub(crate) fn of_tenant(tenant: TenantNo) -> Self {
        Needs { tenant: Some(tenant), sessions: NeededSessions::None }
    }
}

impl NeededSessions {
    pub(crate) fn as_slice(&self) -> &[SessionId] {
        match self {
            NeededSessions::None => &[],
            NeededSessions::One(id) => std::slice::from_ref(id),
            NeededSessions::Many(ids) => ids,
        }
    }
}
