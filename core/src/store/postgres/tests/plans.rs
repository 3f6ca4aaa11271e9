//! How the server finds rows: by keys, in the plans that it makes without looking at values and then keeps.

use std::sync::Arc;
use std::time::Duration;

use super::schema::Schema;
use crate::error::Failure;
use crate::store::conformance::TestDatabase;
use crate::store::postgres::change::Change;
use crate::store::postgres::connection::Deadline;
use crate::store::postgres::pool::Pool;
use crate::store::postgres::statements::Statements;
use crate::store::postgres::url::Isolation;
use crate::store::postgres::value::Statement;

/// What the server would do for this statement.
fn explain(pool: &Pool, sql: &str, as_write: bool) -> String {
    let parameters = (1..10).filter(|number| sql.contains(&format!("${number}"))).count()
        + (10..40).filter(|number| sql.contains(&format!("${number}"))).count();
    let nulls = vec!["NULL"; parameters].join(", ");
    let values = if parameters == 0 { String::new() } else { format!("({nulls})") };
    let deadline = Deadline::after(Duration::from_secs(60));
    pool.with_alone(&deadline, |connection| {
        let mut statements = vec!["DEALLOCATE ALL".to_owned(), format!("PREPARE looked_at AS {sql}")];
        for setting in ["seqscan", "hashjoin", "mergejoin"].iter().filter(|_| as_write) {
            statements.push(format!("SET LOCAL enable_{setting} = off"));
        }
        statements.push("SET LOCAL plan_cache_mode = force_generic_plan".to_owned());
        statements.push(format!("EXPLAIN EXECUTE looked_at {values}"));
        connection.begin(&"BEGIN".into(), Vec::new())?;
        let mut lines = Vec::new();
        for statement in statements {
            let answers = connection.ask(vec![Statement::new(&statement.as_str().into(), Vec::new())])?;
            lines = answers.into_iter().flat_map(|answer| answer.rows).collect();
        }
        let lines = lines.iter().map(|row| row.get::<String>(0)).collect::<Result<Vec<_>, _>>();
        Ok::<_, Failure>(lines?.join("\n"))
    })
    .unwrap()
}

#[test]
fn every_statement_finds_its_rows_by_a_key() {
    let schema = Schema::create();
    schema.open(Duration::from_secs(60)).close();
    let (pool, name) = (schema.pool(), &schema.name);
    let deadline = Deadline::after(Duration::from_secs(60));
    let rows = format!(
        "INSERT INTO {name}.sessions (tenant_no, session_ulid, created_at_ms, last_active_at_ms, expires_at_ms, \
         judged_by, user_id, generation, replays, nonce, access_serial, access_issued_at_ms, \
         access_expires_at_ms, access_key_no, device_type, mfa_verified, identity_serial) \
         SELECT 1, decode(lpad(to_hex(n), 32, '0'), 'hex'), 1, 1, 1, 0, 'usr_' || n / 5, 1, 0, \
         decode(lpad(to_hex(n), 32, '0'), 'hex'), 1, 1, 1, 1, 'unknown', false, 0 \
         FROM generate_series(1, 20000) AS n"
    );
    for sql in [rows, format!("ANALYZE {name}.sessions")] {
        let sql = Statement::new(&sql.as_str().into(), Vec::new());
        pool.with_alone(&deadline, |connection| connection.ask(vec![sql]).map_err(Failure::from)).unwrap();
    }
    let statements = Statements::of_schema(name, Isolation::ReadCommitted);
    let of_sessions: [(&str, &Arc<str>, bool); 9] = [
        ("look_up", &statements.look_up, false),
        ("sessions", &statements.sessions, true),
        ("open_of_user", &statements.open_of_user, true),
        ("newest_of_tenant", &statements.newest_of_tenant, false),
        ("newest_open_of_user", &statements.newest_open_of_user, false),
        ("newest_of_user", &statements.newest_of_user, false),
        ("oldest_of_tenant", &statements.oldest_of_tenant, false),
        ("oldest_of_user", &statements.oldest_of_user, false),
        ("rotate", statements.change(Change::RotateSession), true),
    ];
    for (which, sql, as_write) in of_sessions {
        let plan = explain(&pool, sql, as_write);
        assert!(!plan.contains("Seq Scan on sessions"), "{which}:\n{plan}");
        let of_user = which.contains("user");
        let key = if of_user { "user_id" } else { "session_ulid" };
        let conditions: Vec<&str> = plan.lines().filter(|line| line.contains("Index Cond")).collect();
        assert!(
            conditions.iter().any(|line| line.contains(key) && line.contains("tenant_no")),
            "{which}:\n{plan}"
        );
        assert!(
            !plan.lines().any(|line| line.contains("Filter") && line.contains("user_id")),
            "{which}:\n{plan}"
        );
    }
    for change in [Change::CountReplay, Change::ChangeIdentity, Change::EndSession, Change::DeleteSession] {
        let plan = explain(&pool, statements.change(change), true);
        let finds = |line: &str| line.contains("Index Cond") && line.contains("session_ulid");
        assert!(plan.lines().any(finds), "{change:?}:\n{plan}");
    }
    pool.close();
}
