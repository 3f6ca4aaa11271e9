//! What the store holds, as a host and another program see it, and how it differs from the model.

use std::collections::BTreeMap;

use hellojohn::{Error, Limit, ListQuery, Session, SessionFilter, SessionId, StatusFilter, Tenant};
use serde_json::Value;

use super::answers::{ListedKey, listed_keys};
use super::model::Model;
use super::view::View;

/// What no answer tells of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Of the live refresh token.
    generation: u32,
    /// Of the one before.
    replays: u32,
    /// How many access tokens were issued.
    issued: u32,
}

/// A tenant.
pub(super) struct LookedTenant {
    /// Without the row where no file has it.
    pub sessions: BTreeMap<SessionId, (Session, Option<Row>)>,
    config: Value,
    pub keys: Vec<ListedKey>,
}

/// The whole store.
pub(super) struct Look(pub Vec<LookedTenant>);

impl Look {
    /// Asks the engine, and the file, where there is one, for what no answer tells.
    pub(super) fn take(tenants: &[Tenant], file: Option<&rusqlite::Connection>) -> Result<Self, Error> {
        let look = |(tenant_index, tenant): (usize, &Tenant)| {
            let id = format!("tnt_{tenant_index}");
            let rows = file.map(|file| rows(file, &id).expect("rows of sessions"));
            let sessions = every_session(tenant)?;
            let count = rows.as_ref().map_or(sessions.len(), Vec::len);
            assert_eq!(count, sessions.len(), "the engine shows other sessions of {id} than there are");
            let row = |at: usize| rows.as_ref().map(|rows| rows[at]);
            let sessions = sessions.into_iter().enumerate();
            Ok(LookedTenant {
                sessions: sessions.map(|(at, (id, session))| (id, (session, row(at)))).collect(),
                config: tenant.config()?.to_json(),
                keys: listed_keys(&tenant.keys()?),
            })
        };
        tenants.iter().enumerate().map(look).collect::<Result<_, _>>().map(Look)
    }
}

/// Of each session, in the order of their ids.
fn rows(file: &rusqlite::Connection, tenant_id: &str) -> rusqlite::Result<Vec<Row>> {
    let mut statement = file.prepare(
        "SELECT generation, replays, access_serial FROM sessions JOIN tenants USING (tenant_no)
         WHERE tenant_id = ? ORDER BY session_ulid",
    )?;
    let row = |row: &rusqlite::Row<'_>| {
        Ok(Row { generation: row.get(0)?, replays: row.get(1)?, issued: row.get(2)? })
    };
    statement.query_map([tenant_id], row)?.collect()
}

fn every_session(tenant: &Tenant) -> Result<BTreeMap<SessionId, Session>, Error> {
    let filter = SessionFilter::default().status(Some(StatusFilter::All));
    let mut query = ListQuery::default().filter(filter).limit(Limit::new(100).expect("a limit"));
    let mut sessions = BTreeMap::new();
    loop {
        let page = tenant.list(&query)?;
        sessions.extend(page.data.into_iter().map(|session| (session.id, session)));
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return Ok(sessions);
        }
    }
}

impl Model {
    /// What the store has otherwise than the model, if anything.
    pub(super) fn difference(&self, look: &Look) -> Option<String> {
        (0..self.tenants.len())
            .find_map(|tenant_index| self.difference_of(tenant_index, &look.0[tenant_index]))
    }

    fn difference_of(&self, tenant_index: usize, looked: &LookedTenant) -> Option<String> {
        let there = self.newest_first(tenant_index);
        if there.len() != looked.sessions.len() {
            return Some(format!(
                "{} sessions of tenant {tenant_index}, expected {}",
                looked.sessions.len(),
                there.len()
            ));
        }
        for session_index in there {
            let known = &self.tenants[tenant_index].sessions[session_index];
            let expected = self.view(tenant_index, session_index);
            let Some((shown, row)) = looked.sessions.get(&known.id) else {
                return Some(format!("no session {session_index} of tenant {tenant_index}: {known:?}"));
            };
            let generation = u32::try_from(known.tokens.len()).expect("few refreshes");
            let wanted = Row { generation, replays: known.replays, issued: known.issued };
            let (found, expected) = ((View::of(shown), row.unwrap_or(wanted)), (expected, wanted));
            if found != expected {
                return Some(format!("session {session_index}: {found:?}, expected {expected:?}"));
            }
        }
        let settings = self.tenants[tenant_index].settings.difference(&looked.config);
        settings.or_else(|| self.difference_of_keys(tenant_index, &looked.keys))
    }

    fn difference_of_keys(&self, tenant_index: usize, listed: &[ListedKey]) -> Option<String> {
        let known: Vec<_> =
            self.tenants[tenant_index].keys.iter().map(|key| (key.kid, self.state_of(key))).collect();
        (known != listed).then(|| format!("keys {listed:?}, expected {known:?}"))
    }
}
