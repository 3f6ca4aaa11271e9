//! The kinds of changes: the rows and columns that each is about, and its SQL, one statement for any number of rows.

use super::codec::{BULK_END, Column, EVENT, KEY, LEASE, LIFETIME, OTHERS, REVOCATION, SEAL, SETTINGS};

const TENANT_NO: Column = Column::new("tenant_no", "bigint");
const TENANT_ID: Column = Column::new("tenant_id", "text");
const VERSION: Column = Column::new("version", "bigint");
const CREATED_AT: Column = Column::new("created_at_ms", "bigint");
const SALT: Column = Column::new("salt", "bytea");
const WRAPPED_REFRESH_KEY: Column = Column::new("wrapped_refresh_key", "bytea");
const TOKEN_HORIZON: Column = Column::new("token_horizon_at_ms", "bigint");
const FAILURE_KEY: Column = Column::new("failure_key", "bytea");
const FAILURES: Column = Column::new("failures", "bytea");

/// What a rotation writes.
pub(super) const ROTATED: &[&str] = &[
    "last_active_at_ms",
    "judged_by",
    "generation",
    "replays",
    "access_serial",
    "access_issued_at_ms",
    "access_expires_at_ms",
    "access_key_no",
    "last_ip_address",
    "last_user_agent",
];

/// What a change of identity writes.
pub(super) const IDENTITY: &[&str] = &[
    "judged_by",
    "access_serial",
    "access_issued_at_ms",
    "access_expires_at_ms",
    "access_key_no",
    "mfa_verified",
    "org_id",
    "role",
    "claims",
    "identity_serial",
    "factors",
];

/// The kinds of changes. The values of a row are those of [`columns`](Change::columns), in that order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::enum_variant_names, reason = "an identity is changed, too")]
pub(super) enum Change {
    AddTenant,
    SetConfig,
    SetSecret,
    SetVersion,
    AddKey,
    SetKey,
    DeleteKey,
    AddSession,
    RotateSession,
    CountReplay,
    ChangeIdentity,
    SetCredential,
    EndSession,
    DeleteSession,
    AddBulkEnd,
    CountEnded,
    FinishBulkEnd,
    DeleteBulkEnd,
    SetFailures,
    DeleteFailures,
    AddEvent,
    HashEvent,
    DeleteEvent,
    AddSeal,
    DeleteSeal,
    SetLease,
    DeleteLease,
    AddRevocation,
    DeleteRevocation,
}

/// How a change finds its rows. Whatever does not add rows fails unless it has changed each row that it names.
enum Form {
    Insert,
    /// Adds the row or, where the key is taken, replaces the columns behind it.
    Upsert,
    /// Replaces the columns behind the keys; only rows for which the condition holds are found.
    Update {
        condition: &'static str,
    },
    /// Adds the last column's value to it.
    Add,
    Delete {
        condition: &'static str,
    },
}

impl Change {
    pub(super) const ALL: [Change; 29] = [
        Change::AddTenant,
        Change::SetConfig,
        Change::SetSecret,
        Change::SetVersion,
        Change::AddKey,
        Change::SetKey,
        Change::DeleteKey,
        Change::AddSession,
        Change::RotateSession,
        Change::CountReplay,
        Change::ChangeIdentity,
        Change::SetCredential,
        Change::EndSession,
        Change::DeleteSession,
        Change::AddBulkEnd,
        Change::CountEnded,
        Change::FinishBulkEnd,
        Change::DeleteBulkEnd,
        Change::SetFailures,
        Change::DeleteFailures,
        Change::AddEvent,
        Change::HashEvent,
        Change::DeleteEvent,
        Change::AddSeal,
        Change::DeleteSeal,
        Change::SetLease,
        Change::DeleteLease,
        Change::AddRevocation,
        Change::DeleteRevocation,
    ];

    /// Whether two changes of one row are one change of their sum, which is in the last column.
    pub(super) fn accumulates(self) -> bool {
        matches!(self.definition().2, Form::Add)
    }

    /// Whether a commit of it changes what a verification answers, so that its caller waits for what other machines remember. A written
    /// end does, too, unless the clock or a bulk end has brought it.
    pub(super) fn alters_answers(self) -> bool {
        matches!(
            self,
            Change::SetConfig
                | Change::SetSecret
                | Change::SetKey
                | Change::ChangeIdentity
                | Change::AddBulkEnd
        )
    }

    /// Whether a change of a row that is no session's changes answers about many.
    pub(super) fn concerns_all_sessions(self) -> bool {
        matches!(
            self,
            Change::SetConfig
                | Change::SetSecret
                | Change::SetVersion
                | Change::SetKey
                | Change::AddBulkEnd
                | Change::FinishBulkEnd
        )
    }

    fn table(self) -> &'static str {
        self.definition().0
    }

    /// How many columns name the row.
    fn key_len(self) -> usize {
        self.definition().1
    }

    fn definition(self) -> (&'static str, usize, Form) {
        match self {
            Change::AddTenant => ("tenants", 1, Form::Insert),
            Change::SetConfig | Change::SetSecret | Change::SetVersion => {
                ("tenants", 1, Form::Update { condition: "true" })
            }
            Change::AddKey => ("signing_keys", 2, Form::Insert),
            Change::SetKey => ("signing_keys", 2, Form::Update { condition: "true" }),
            Change::DeleteKey => ("signing_keys", 2, Form::Delete { condition: "c.state = 'retired'" }),
            Change::AddSession => ("sessions", 2, Form::Insert),
            Change::RotateSession | Change::ChangeIdentity => {
                ("sessions", 2, Form::Update { condition: "true" })
            }
            Change::CountReplay => ("sessions", 2, Form::Add),
            Change::SetCredential => {
                ("sessions", 2, Form::Update { condition: "c.credential_sha256 IS NOT NULL" })
            }
            Change::EndSession => ("sessions", 2, Form::Update { condition: "c.ended_at_ms IS NULL" }),
            Change::DeleteSession => ("sessions", 2, Form::Delete { condition: "true" }),
            Change::AddBulkEnd => ("bulk_ends", 2, Form::Insert),
            Change::CountEnded => ("bulk_ends", 2, Form::Add),
            Change::FinishBulkEnd => ("bulk_ends", 2, Form::Update { condition: "NOT c.done" }),
            Change::DeleteBulkEnd => ("bulk_ends", 2, Form::Delete { condition: "c.done" }),
            Change::SetFailures => ("sign_in_failures", 2, Form::Upsert),
            Change::DeleteFailures => ("sign_in_failures", 2, Form::Delete { condition: "true" }),
            Change::AddEvent => ("events", 2, Form::Insert),
            Change::HashEvent => ("events", 2, Form::Update { condition: "c.hash IS NULL" }),
            Change::DeleteEvent => ("events", 2, Form::Delete { condition: "true" }),
            Change::AddSeal => ("event_seals", 2, Form::Insert),
            Change::DeleteSeal => ("event_seals", 2, Form::Delete { condition: "true" }),
            Change::SetLease => ("leases", 2, Form::Upsert),
            Change::DeleteLease => ("leases", 2, Form::Delete { condition: "true" }),
            Change::AddRevocation => ("revocations", 2, Form::Insert),
            Change::DeleteRevocation => ("revocations", 2, Form::Delete { condition: "true" }),
        }
    }

    pub(super) fn columns(self) -> Vec<Column> {
        let session_ulid = LIFETIME[0];
        let of_session = |names: &[&str]| {
            let all = LIFETIME.iter().chain(OTHERS);
            let named = names.iter().filter_map(|name| all.clone().find(|column| column.name == *name));
            [TENANT_NO, session_ulid].into_iter().chain(named.copied()).collect()
        };
        let of_tenant = |columns: &[Column]| [&[TENANT_NO], columns].concat();
        match self {
            Change::AddTenant => {
                [TENANT_NO, TENANT_ID, VERSION, CREATED_AT, SALT, WRAPPED_REFRESH_KEY, TOKEN_HORIZON]
                    .into_iter()
                    .chain(SETTINGS.iter().copied())
                    .collect()
            }
            Change::SetConfig => {
                [TENANT_NO, VERSION, TOKEN_HORIZON].into_iter().chain(SETTINGS.iter().copied()).collect()
            }
            Change::SetSecret => vec![TENANT_NO, VERSION, SALT, WRAPPED_REFRESH_KEY],
            Change::SetVersion => vec![TENANT_NO, VERSION],
            Change::AddKey => of_tenant(KEY),
            Change::SetKey => {
                let kept = ["kid", "created_at_ms"];
                let set = KEY.iter().filter(|column| !kept.contains(&column.name));
                of_tenant(&set.copied().collect::<Vec<_>>())
            }
            Change::DeleteKey => vec![TENANT_NO, KEY[0]],
            Change::AddSession => of_tenant(&[LIFETIME, OTHERS].concat()),
            Change::RotateSession => of_session(ROTATED),
            Change::CountReplay => of_session(&["replays"]),
            Change::ChangeIdentity => of_session(IDENTITY),
            Change::SetCredential => of_session(&["credential_sha256"]),
            Change::EndSession => of_session(&["ended_at_ms", "end_reason", "judged_by"]),
            Change::DeleteSession => of_session(&[]),
            Change::AddBulkEnd => of_tenant(BULK_END),
            Change::CountEnded => vec![TENANT_NO, BULK_END[0], Column::new("ended", "bigint")],
            Change::FinishBulkEnd => vec![TENANT_NO, BULK_END[0], Column::new("done", "boolean")],
            Change::DeleteBulkEnd => vec![TENANT_NO, BULK_END[0]],
            Change::SetFailures => vec![TENANT_NO, FAILURE_KEY, FAILURES],
            Change::DeleteFailures => vec![TENANT_NO, FAILURE_KEY],
            Change::AddEvent => of_tenant(EVENT),
            Change::HashEvent => vec![TENANT_NO, EVENT[0], EVENT[1]],
            Change::DeleteEvent => vec![TENANT_NO, EVENT[0]],
            Change::AddSeal => of_tenant(SEAL),
            Change::DeleteSeal => vec![TENANT_NO, SEAL[0]],
            Change::SetLease => of_tenant(LEASE),
            Change::DeleteLease => vec![TENANT_NO, LEASE[0]],
            Change::AddRevocation => of_tenant(REVOCATION),
            Change::DeleteRevocation => vec![TENANT_NO, REVOCATION[0]],
        }
    }

    /// `@` stands for the schema.
    pub(super) fn sql(self) -> String {
        let columns = self.columns();
        let (keys, others) = columns.split_at(self.key_len());
        let list = |columns: &[Column], text: &dyn Fn(&Column) -> String, separator: &str| -> String {
            columns.iter().map(text).collect::<Vec<_>>().join(separator)
        };
        let names = list(&columns, &|column| column.name.to_owned(), ", ");
        let arrays: Vec<String> =
            (1..).zip(&columns).map(|(number, column)| format!("${number}::{}[]", column.sql_type)).collect();
        let rows = format!("unnest({}) AS v ({names})", arrays.join(", "));
        let is_row = list(keys, &|column| format!("c.{0} = v.{0}", column.name), " AND ");
        let key_names = list(keys, &|column| column.name.to_owned(), ", ");
        let table = self.table();
        let checked = |change: String| checked(&change, "cardinality($1)");
        match self.definition().2 {
            Form::Insert => format!("INSERT INTO @{table} ({names}) SELECT * FROM {rows}"),
            Form::Upsert => {
                let set = list(others, &|column| format!("{0} = excluded.{0}", column.name), ", ");
                format!(
                    "INSERT INTO @{table} ({names}) SELECT * FROM {rows} \
                     ON CONFLICT ({key_names}) DO UPDATE SET {set}"
                )
            }
            Form::Update { condition } => {
                let set = list(others, &|column| format!("{0} = v.{0}", column.name), ", ");
                checked(format!("UPDATE @{table} c SET {set} FROM {rows} WHERE {is_row} AND {condition}"))
            }
            Form::Add => {
                let set = list(others, &|column| format!("{0} = c.{0} + v.{0}", column.name), ", ");
                checked(format!("UPDATE @{table} c SET {set} FROM {rows} WHERE {is_row}"))
            }
            Form::Delete { condition } => {
                checked(format!("DELETE FROM @{table} c USING {rows} WHERE {is_row} AND {condition}"))
            }
        }
    }
}

/// A change that hits nothing would be a lost write: dividing by zero fails the transaction unless so many rows were changed.
pub(super) fn checked(change: &str, rows: &str) -> String {
    format!("WITH changed AS ({change} RETURNING 1) SELECT 1 / (count(*) = {rows})::int FROM changed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rotation_and_a_change_of_identity_write_are_columns() {
        assert_eq!(Change::RotateSession.columns().len(), 2 + ROTATED.len());
        assert_eq!(Change::ChangeIdentity.columns().len(), 2 + IDENTITY.len());
    }
}
