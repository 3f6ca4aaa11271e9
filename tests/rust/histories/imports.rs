//! Importing the sessions of another system.

use std::collections::BTreeMap;

use hellojohn::{ImportReport, ImportRequest, Session, SessionId};
use serde_json::json;

use crate::fixture::{DAY, HOUR, every_session};

use super::filter_model::COUNTRIES;
use super::import_model::{ImportedRow, JudgedRow};
use super::view::Shown;
use super::{History, USERS};

impl History {
    /// A few rows, some of which are over, bad, or of a session that was imported before.
    pub(super) fn import(&mut self, tenant_index: usize) {
        let count = 1 + self.dice.below(3);
        let rows: Vec<ImportedRow> = (0..count).map(|row| self.draw_row(tenant_index, row as i64)).collect();
        let lines: String = rows.iter().map(|row| row.line() + "\n").collect();
        self.record_call(format!("import {tenant_index} {rows:?}"));
        let request = ImportRequest::default();
        let answer =
            self.ask_in_steps(tenant_index, |tenant| tenant.import(lines.as_bytes(), &request, |_| {}));
        let Some(answer) = answer else { return self.check_nothing_happened() };
        self.model.see_clock();
        let judged: Vec<JudgedRow> = rows.iter().map(|row| self.model.judge_row(tenant_index, row)).collect();
        let count = |wanted| judged.iter().filter(|judged| **judged == wanted).count() as u64;
        let report: ImportReport = answer.unwrap();
        assert_eq!(
            [
                report.rows,
                report.imported,
                report.already_imported,
                report.expired,
                report.over_limits,
                report.bad_rows
            ],
            [
                rows.len() as u64,
                count(JudgedRow::New),
                count(JudgedRow::Known),
                count(JudgedRow::Expired),
                count(JudgedRow::OverLimits),
                count(JudgedRow::Bad)
            ],
            "{judged:?}"
        );
        if report.imported == 0 {
            return;
        }
        // Their ids have the times of the old system.
        self.planned = self.planned.take().filter(|planned| planned.tenant != tenant_index);
        let there = every_session(&self.tenants[tenant_index]);
        let new =
            rows.iter().zip(&judged).filter(|(_, judged)| **judged == JudgedRow::New).map(|(row, _)| row);
        let new: Vec<(SessionId, &ImportedRow)> =
            new.map(|row| (self.id_of(tenant_index, row, &there), row)).collect();
        self.model.apply_import(tenant_index, &new);
        for (id, _) in new {
            let session_index = self.model.position_of(tenant_index, id).unwrap();
            self.model.check_session(tenant_index, session_index, &Shown::from(&there[&id]));
        }
    }

    fn id_of(
        &self,
        tenant_index: usize,
        row: &ImportedRow,
        there: &BTreeMap<SessionId, Session>,
    ) -> SessionId {
        let is_new = |session: &&Session| self.model.position_of(tenant_index, session.id).is_none();
        let is_it = |session: &&Session| {
            let times = (session.created_at.as_millis(), session.last_active_at.as_millis());
            times == (row.created, row.active) && session.user_id.as_str() == format!("u{}", row.user)
        };
        there.values().filter(is_new).find(is_it).expect("what was imported is there at once").id
    }

    fn draw_row(&mut self, tenant_index: usize, row: i64) -> ImportedRow {
        let now = self.model.now.max(self.model.clock);
        let known = self.pick_session(tenant_index).map(|session_index| {
            let known = &self.model.tenants[tenant_index].sessions[session_index];
            (known.is_imported && !known.purged).then(|| (known.tokens[0].clone(), known.user))
        });
        self.imported += 1;
        let fresh = (format!("credential {}", self.imported), self.dice.below(USERS));
        let (credential, user) = known.flatten().filter(|_| self.dice.one_in(2)).unwrap_or(fresh);
        let unit = *self.dice.pick(&[1, HOUR, HOUR, DAY]);
        // Each row has other times, by which its session is found.
        let active = now - self.dice.below(30) as i64 * unit * 4 - row;
        let created = active - self.dice.below(5) as i64 * unit;
        let expires = self.dice.one_in(2).then(|| now + self.dice.below(60) as i64 * HOUR - 10 * HOUR);
        let is_bad = self.dice.one_in(8);
        ImportedRow {
            credential,
            user,
            created,
            active,
            expires,
            country: *self.dice.pick(&COUNTRIES),
            is_bad,
        }
    }
}

impl ImportedRow {
    fn line(&self) -> String {
        let mut row = json!({
            "user_id": format!("u{}", self.user),
            "credential": self.credential,
            "created_at": self.created,
            "last_active_at": self.active,
        });
        if let Some(expires) = self.expires {
            row["expires_at"] = json!(expires);
        }
        if let Some(country) = self.country {
            row["country"] = json!(country);
        }
        if self.is_bad {
            row["surname"] = json!("none that an import knows");
        }
        row.to_string()
    }
}
