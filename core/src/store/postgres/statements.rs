//! The SQL of the store. Every text is made once, when a store opens, for the schema that the tables are in; `@` stands for
//! that schema. A change is one statement for any number of rows, which come as arrays.

use std::sync::Arc;

use super::change::{Change, checked};
use super::codec::{BULK_END, Column, EVENT, KEY, LEASE, LIFETIME, OTHERS, REVOCATION, SEAL, SETTINGS};
use super::url::Isolation;

/// A name as SQL takes it, whatever its characters.
pub(super) fn quote_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Plans are made when a table is still empty and kept: they go by the keys all the same.
const PLANNER_SETTINGS: &str = "set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), \
     set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true)";

/// The same for a database that need not know each of them.
const PLANNER_SETTINGS_IF_KNOWN: &str = "(SELECT count(set_config(name, 'off', true)) FROM pg_settings \
     WHERE name IN ('enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'jit'))";

/// The texts for one schema.
pub(super) struct Statements {
    /// Unless all transactions are serializable, one that sees in each statement what was committed before it: the lock comes
    /// first.
    pub begin_write: Arc<str>,
    pub begin_snapshot: Arc<str>,
    /// How long to wait for a lock, how durable to commit, how long the server waits for the next trip. And that the server warns
    /// where it commits without its standby: a role's or a database's settings may keep warnings back.
    pub set_up: Arc<str>,
    /// Takes the turn to write; the clock mark, and how long ending calls wait.
    pub take_turn: Arc<str>,
    /// The database's time now, the versions of tenants, the newest events of those that record any, and the
    /// newest revocations of those that list them.
    pub heads: Arc<str>,
    /// The clock mark, the time from before the snapshot, the versions of tenants, and how long answers may be remembered.
    pub snapshot_heads: Arc<str>,
    /// In one statement, and so one snapshot: the clock mark, the time from before it, and for each pair of a tenant and a
    /// session the tenant's version, how long the answer may be remembered, and the session.
    pub look_up: Arc<str>,
    pub sessions: Arc<str>,
    /// The sessions with one of these credentials or external ids.
    pub imported_sessions: Arc<str>,
    /// The newest open sessions of pairs of a tenant and a user.
    pub open_of_users: Arc<str>,
    pub tenant_no: Arc<str>,
    pub tenant_numbers: Arc<str>,
    pub tenant_id: Arc<str>,
    pub tenant: Arc<str>,
    pub keys: Arc<str>,
    pub bulk_ends: Arc<str>,
    pub open_of_user: Arc<str>,
    pub newest_of_tenant: Arc<str>,
    pub newest_open_of_user: Arc<str>,
    pub newest_of_user: Arc<str>,
    pub oldest_of_tenant: Arc<str>,
    pub oldest_of_user: Arc<str>,
    pub failures: Arc<str>,
    pub scan_failures: Arc<str>,
    pub events: Arc<str>,
    pub newest_event: Arc<str>,
    pub seals: Arc<str>,
    pub newest_seal: Arc<str>,
    pub lease: Arc<str>,
    pub leases: Arc<str>,
    pub lease_count: Arc<str>,
    pub revocations: Arc<str>,
    pub newest_revocation: Arc<str>,
    pub database_bytes: Arc<str>,
    pub set_mark: Arc<str>,
    /// How long answers may be remembered (`lease_terms.rs`).
    pub lease_terms: Arc<str>,
    pub raise_lease_wait: Arc<str>,
    pub raise_lease: Arc<str>,
    pub lower_lease: Arc<str>,
    pub finish_lowering: Arc<str>,
    /// Notes the number of a store's commit with the commit itself.
    pub note_commit: Arc<str>,
    pub noted_commit: Arc<str>,
    pub touch_writer: Arc<str>,
    pub forget_writers: Arc<str>,
    pub savepoint: Arc<str>,
    pub release_savepoint: Arc<str>,
    pub roll_back_to_savepoint: Arc<str>,
    changes: Vec<Arc<str>>,
}

impl Statements {
    pub(super) fn of_schema(schema: &str, isolation: Isolation) -> Self {
        let prefix = format!("{}.", quote_name(schema));
        let text = |sql: &str| -> Arc<str> { sql.replace('@', &prefix).into() };
        let names = |columns: &[Column], alias: &str| -> String {
            columns.iter().map(|column| format!("{alias}{}", column.name)).collect::<Vec<_>>().join(", ")
        };
        let whole: Vec<Column> = LIFETIME.iter().chain(OTHERS).copied().collect();
        let (lifetime, session) = (names(LIFETIME, ""), names(&whole, ""));
        let millis = |time: &str| format!("floor(extract(epoch FROM {time}) * 1000)::bigint");
        // The newest seal knows it where the events are deleted.
        let newest_event = |tenant: &str| {
            format!(
                "greatest((SELECT coalesce(max(seq), 0) FROM @events WHERE tenant_no = {tenant}), \
                 (SELECT coalesce(max(seq), 0) FROM @event_seals WHERE tenant_no = {tenant}))"
            )
        };
        let run_of_user = |columns: &str, is_open: &str, limit: &str, order: &str, bound: &str| {
            format!(
                "(SELECT {columns} FROM @sessions WHERE tenant_no = $1 AND user_id = $2 AND {is_open} \
                 AND session_ulid {bound} $3 ORDER BY session_ulid {order} LIMIT {limit})"
            )
        };
        // The user's open and ended sessions are two runs of the index.
        let both_runs = |columns: &str, order: &str, bound: &str| {
            format!(
                "{} UNION ALL {} ORDER BY session_ulid {order} LIMIT $4",
                run_of_user(columns, "is_open", "$4", order, bound),
                run_of_user(columns, "NOT is_open", "$4", order, bound),
            )
        };
        Statements {
            begin_write: text(match isolation {
                Isolation::ReadCommitted => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
                Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE",
            }),
            begin_snapshot: text(match isolation {
                Isolation::ReadCommitted => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY",
            }),
            set_up: text(&format!(
                "SELECT set_config('lock_timeout', $1, true), set_config('synchronous_commit', $2, true), \
                 set_config('idle_in_transaction_session_timeout', $3, true), \
                 set_config('client_min_messages', 'warning', true), {}",
                match isolation {
                    Isolation::ReadCommitted => PLANNER_SETTINGS,
                    Isolation::Serializable => PLANNER_SETTINGS_IF_KNOWN,
                }
            )),
            take_turn: text(match isolation {
                Isolation::ReadCommitted => {
                    "SELECT highest_at_ms, era, lease_wait_ms FROM @clock_mark WHERE only_row = 1 FOR UPDATE"
                }
                // The snapshot may be older than the lock: who waited for another transaction has to begin again.
                Isolation::Serializable => {
                    "UPDATE @clock_mark SET era = era WHERE only_row = 1 \
                     RETURNING highest_at_ms, era, lease_wait_ms"
                }
            }),
            heads: text(&format!(
                "SELECT n.now_ms, t.tenant_no, t.version, \
                 CASE WHEN t.event_retention IS NOT NULL THEN {} END, \
                 CASE WHEN t.revocation_list \
                 THEN (SELECT coalesce(max(seq), 0) FROM @revocations WHERE tenant_no = t.tenant_no) END \
                 FROM (SELECT {} AS now_ms) n LEFT JOIN @tenants t ON t.tenant_no = ANY ($1)",
                newest_event("t.tenant_no"),
                millis("clock_timestamp()")
            )),
            snapshot_heads: text(&format!(
                "SELECT {}, t.tenant_no, t.version, m.highest_at_ms, m.era, m.lease_ms FROM @clock_mark m \
                 LEFT JOIN @tenants t ON t.tenant_no = ANY ($1) WHERE m.only_row = 1",
                millis("now()")
            )),
            look_up: text(&format!(
                "SELECT {}, k.tenant_no, t.version, m.highest_at_ms, m.era, m.lease_ms, {} \
                 FROM unnest($1::bigint[], $2::bytea[]) AS k (tenant_no, session_ulid) \
                 JOIN @clock_mark m ON m.only_row = 1 LEFT JOIN @tenants t ON t.tenant_no = k.tenant_no \
                 LEFT JOIN LATERAL (SELECT {session} FROM @sessions s \
                 WHERE s.tenant_no = k.tenant_no AND s.session_ulid = k.session_ulid LIMIT 1) s ON true",
                millis("now()"),
                names(&whole, "s."),
            )),
            sessions: text(&format!(
                "SELECT k.tenant_no, {} FROM unnest($1::bigint[], $2::bytea[]) AS k (tenant_no, session_ulid) \
                 CROSS JOIN LATERAL (SELECT {session} FROM @sessions s \
                 WHERE s.tenant_no = k.tenant_no AND s.session_ulid = k.session_ulid LIMIT 1) s",
                names(&whole, "s."),
            )),
            open_of_users: text(&format!(
                "SELECT k.tenant_no, {} FROM unnest($1::bigint[], $2::text[]) AS k (tenant_no, user_id) \
                 CROSS JOIN LATERAL (SELECT {lifetime} FROM @sessions s WHERE s.tenant_no = k.tenant_no \
                 AND s.user_id = k.user_id COLLATE \"C\" AND s.is_open ORDER BY s.session_ulid DESC LIMIT $3) s \
                 ORDER BY s.session_ulid DESC",
                names(LIFETIME, "s."),
            )),
            tenant_no: text("SELECT tenant_no FROM @tenants WHERE tenant_id = $1"),
            tenant_numbers: text("SELECT tenant_no FROM @tenants ORDER BY tenant_no"),
            tenant_id: text("SELECT tenant_id, created_at_ms FROM @tenants WHERE tenant_no = $1"),
            tenant: text(&format!(
                "SELECT {}, salt, wrapped_refresh_key, token_horizon_at_ms FROM @tenants WHERE tenant_no = $1",
                names(SETTINGS, "")
            )),
            keys: text(&format!(
                "SELECT {} FROM @signing_keys WHERE tenant_no = $1 ORDER BY key_no",
                names(KEY, "")
            )),
            bulk_ends: text(&format!(
                "SELECT {} FROM @bulk_ends WHERE tenant_no = $1 ORDER BY bulk_no",
                names(BULK_END, "")
            )),
            open_of_user: text(&format!(
                "SELECT {lifetime} FROM @sessions WHERE tenant_no = $1 AND user_id = $2 AND is_open \
                 AND session_ulid < $3 AND session_ulid >= $4 ORDER BY session_ulid DESC LIMIT $5"
            )),
            imported_sessions: text(&format!(
                "SELECT {session} FROM @sessions \
                 WHERE tenant_no = $1 AND credential_sha256 = ANY ($2) AND credential_sha256 IS NOT NULL \
                 UNION ALL \
                 SELECT {session} FROM @sessions \
                 WHERE tenant_no = $1 AND external_id = ANY ($3) AND external_id IS NOT NULL"
            )),
            newest_of_tenant: text(&format!(
                "SELECT {session} FROM @sessions WHERE tenant_no = $1 AND session_ulid < $2 \
                 ORDER BY session_ulid DESC LIMIT $3"
            )),
            newest_open_of_user: text(&run_of_user(&session, "is_open", "$4", "DESC", "<")),
            newest_of_user: text(&both_runs(&session, "DESC", "<")),
            oldest_of_tenant: text(&format!(
                "SELECT {lifetime} FROM @sessions WHERE tenant_no = $1 AND session_ulid > $2 \
                 ORDER BY session_ulid LIMIT $3"
            )),
            oldest_of_user: text(&both_runs(&lifetime, "ASC", ">")),
            failures: text(
                "SELECT failure_key, failures FROM @sign_in_failures WHERE tenant_no = $1 AND failure_key = $2",
            ),
            scan_failures: text(
                "SELECT failure_key, failures FROM @sign_in_failures \
                 WHERE tenant_no = $1 AND failure_key > $2 ORDER BY failure_key LIMIT $3",
            ),
            events: text(&format!(
                "SELECT {} FROM @events WHERE tenant_no = $1 AND seq > $2 ORDER BY seq LIMIT $3",
                names(EVENT, "")
            )),
            newest_event: text(&format!("SELECT {}", newest_event("$1"))),
            seals: text(&format!(
                "SELECT {} FROM @event_seals WHERE tenant_no = $1 AND seq > $2 ORDER BY seq LIMIT $3",
                names(SEAL, "")
            )),
            newest_seal: text(&format!(
                "SELECT {} FROM @event_seals WHERE tenant_no = $1 ORDER BY seq DESC LIMIT 1",
                names(SEAL, "")
            )),
            lease: text(&format!(
                "SELECT {} FROM @leases WHERE tenant_no = $1 AND name = $2",
                names(LEASE, "")
            )),
            leases: text(&format!(
                "SELECT {} FROM @leases WHERE tenant_no = $1 ORDER BY name",
                names(LEASE, "")
            )),
            lease_count: text("SELECT count(*) FROM @leases WHERE tenant_no = $1"),
            revocations: text(&format!(
                "SELECT {} FROM @revocations WHERE tenant_no = $1 AND seq > $2 ORDER BY seq LIMIT $3",
                names(REVOCATION, "")
            )),
            newest_revocation: text("SELECT coalesce(max(seq), 0) FROM @revocations WHERE tenant_no = $1"),
            database_bytes: text(
                "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c \
                 JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'",
            ),
            set_mark: text(&checked(
                "UPDATE @clock_mark SET highest_at_ms = $1, era = $2 WHERE only_row = 1",
                "1",
            )),
            lease_terms: text("SELECT lease_ms FROM @clock_mark WHERE only_row = 1"),
            raise_lease_wait: text(
                "UPDATE @clock_mark SET lease_wait_ms = greatest(lease_wait_ms, $1), lease_change = lease_change + 1 \
                 WHERE only_row = 1 RETURNING lease_change",
            ),
            raise_lease: text(
                "UPDATE @clock_mark SET lease_ms = greatest(lease_ms, $1) WHERE only_row = 1 AND lease_change = $2 \
                 RETURNING lease_ms",
            ),
            lower_lease: text(
                "UPDATE @clock_mark SET lease_ms = least(lease_ms, $1), lease_change = lease_change + 1 \
                 WHERE only_row = 1 RETURNING lease_wait_ms, lease_change",
            ),
            finish_lowering: text(
                "UPDATE @clock_mark SET lease_wait_ms = lease_ms WHERE only_row = 1 AND lease_change = $1 \
                 RETURNING lease_wait_ms",
            ),
            note_commit: text(
                "INSERT INTO @writers AS w (writer_id, commit_no, committed_at) VALUES ($1, $2, now()) \
                 ON CONFLICT (writer_id) DO UPDATE \
                 SET commit_no = excluded.commit_no, committed_at = excluded.committed_at",
            ),
            noted_commit: text("SELECT commit_no FROM @writers WHERE writer_id = $1"),
            touch_writer: text("UPDATE @writers SET committed_at = now() WHERE writer_id = $1"),
            // A store that is open writes its row anew.
            forget_writers: text("DELETE FROM @writers WHERE committed_at < now() - interval '7 days'"),
            savepoint: text("SAVEPOINT job"),
            release_savepoint: text("RELEASE SAVEPOINT job"),
            roll_back_to_savepoint: text("ROLLBACK TO SAVEPOINT job"),
            changes: Change::ALL.iter().map(|change| text(&change.sql())).collect(),
        }
    }

    pub(super) fn change(&self, change: Change) -> &Arc<str> {
        &self.changes[change as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_change_has_a_statement_of_its_own_under_its_own_number() {
        for (number, change) in Change::ALL.into_iter().enumerate() {
            assert_eq!(change as usize, number);
        }
        let statements = Statements::of_schema("s", Isolation::ReadCommitted);
        let texts: std::collections::BTreeSet<&Arc<str>> = statements.changes.iter().collect();
        assert_eq!(texts.len(), Change::ALL.len());
    }

    #[test]
    fn a_schema_is_quoted() {
        let statements = Statements::of_schema("a\"b", Isolation::ReadCommitted);
        assert!(statements.take_turn.contains("\"a\"\"b\".clock_mark"), "{}", statements.take_turn);
    }
}
