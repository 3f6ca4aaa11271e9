//! Imports as SPEC 15 has them.

use hellojohn::{EventType, SessionId};

use super::model::{Model, SignIn};

/// A session of another system; times in ms.
#[derive(Debug, Clone)]
pub struct ImportedRow {
    pub credential: String,
    pub user: usize,
    pub created: i64,
    pub active: i64,
    pub expires: Option<i64>,
    pub country: Option<&'static str>,
    pub is_bad: bool,
}

/// What an import makes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgedRow {
    New,
    Known,
    Expired,
    OverLimits,
    Bad,
}

impl Model {
    /// What becomes of the row now. No two new rows of an import have one credential.
    pub fn judge_row(&self, tenant_index: usize, row: &ImportedRow) -> JudgedRow {
        let tenant = &self.tenants[tenant_index];
        let mut there = tenant.sessions.iter().filter(|known| known.is_imported && !known.purged);
        let end = self.import_end(tenant_index, row);
        let idle = tenant.settings.idle_timeout.map(|idle| row.active + idle).filter(|idle| *idle < end);
        if row.is_bad {
            JudgedRow::Bad
        } else if there.any(|known| known.tokens[0] == row.credential) {
            JudgedRow::Known
        } else if row.expires.is_some_and(|expires| expires <= self.now) {
            JudgedRow::Expired
        } else if self.now >= end || idle.is_some_and(|idle| self.now > idle) {
            JudgedRow::OverLimits
        } else {
            JudgedRow::New
        }
    }

    fn import_end(&self, tenant_index: usize, row: &ImportedRow) -> i64 {
        let latest = row.created + self.tenants[tenant_index].settings.session_duration;
        row.expires.map_or(latest, |expires| expires.min(latest))
    }

    /// Adds new sessions by the ids that they got.
    pub fn apply_import(&mut self, tenant_index: usize, rows: &[(SessionId, &ImportedRow)]) {
        self.tell(tenant_index, EventType::TenantImported, None);
        for (id, row) in rows {
            let end = self.import_end(tenant_index, row);
            let sign_in =
                SignIn { user: row.user, duration: None, is_acted: false, country: row.country, ip: None };
            let session_index = self.add_session(tenant_index, sign_in, *id, row.credential.clone());
            let known = &mut self.tenants[tenant_index].sessions[session_index];
            (known.created, known.active, known.expires) = (row.created, row.active, end);
            known.access_exp = row.created.div_euclid(1_000) * 1_000;
            (known.is_imported, known.issued) = (true, 0);
        }
        self.tell(tenant_index, EventType::TenantImported, None);
    }
}
