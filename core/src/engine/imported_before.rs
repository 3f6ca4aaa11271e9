//! Which rows of an import were imported before.

use std::collections::{HashMap, HashSet};

use crate::model::imported::{CredentialHash, ExternalId, ImportKey};
use crate::store::SessionRecord;

pub(super) fn key_of(session: &SessionRecord) -> Option<ImportKey> {
    let external_id = session.external_id.clone();
    session.credential.map(|credential| ImportKey { credential, external_id })
}

/// Whether the old system has given the client of this session another credential since the session was imported, and the
/// client has not adopted it.
pub(super) fn is_replaced(found: &SessionRecord, key: &ImportKey) -> bool {
    found.credential != Some(key.credential) && found.rotation.generation == 1 && found.times.end.is_none()
}

/// The sessions that were imported before.
pub(super) struct Known {
    sessions: Vec<SessionRecord>,
    by_credential: HashMap<CredentialHash, usize>,
    by_external_id: HashMap<ExternalId, usize>,
}

impl Known {
    pub(super) fn new(sessions: Vec<SessionRecord>) -> Self {
        let at = || sessions.iter().zip(0..);
        Known {
            by_credential: at().filter_map(|(it, index)| Some((it.credential?, index))).collect(),
            by_external_id: at().filter_map(|(it, index)| Some((it.external_id.clone()?, index))).collect(),
            sessions,
        }
    }

    pub(super) fn find(&self, key: &ImportKey) -> Option<&SessionRecord> {
        let by_external_id = || self.by_external_id.get(key.external_id.as_ref()?);
        let index = self.by_credential.get(&key.credential).or_else(by_external_id)?;
        self.sessions.get(*index)
    }
}

/// The keys of one batch.
#[derive(Default)]
pub(super) struct Seen {
    credentials: HashSet<CredentialHash>,
    external_ids: HashSet<ExternalId>,
}

impl Seen {
    /// Whether no row of the batch had one of these before.
    pub(super) fn add(&mut self, key: &ImportKey) -> bool {
        let is_new_id = key.external_id.as_ref().is_none_or(|id| self.external_ids.insert(id.clone()));
        self.credentials.insert(key.credential) && is_new_id
    }
}
