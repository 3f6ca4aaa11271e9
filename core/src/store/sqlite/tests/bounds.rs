//! No transaction grows with the number of sessions (docs/BOUNDS.md). `HJ_BOUNDS_ROWS=1000000` asks it of a large database.

use std::path::Path;

use rusqlite::{Connection, named_params};
use serde_json::{Value, json};

use super::steps::take_longest;
use crate::clock::{ManualClock, Timestamp};
use crate::engine::{CreateSession, Engine, ListQuery, PurgeBefore, RefreshRequest, RevokeWhere, Tenant};
use crate::model::id::UserId;
use crate::model::session::StatusFilter;
use crate::model::session_filter::SessionFilter;
use crate::store::Durability;

const START: i64 = 1_767_225_600_000;
const HOUR: i64 = 3_600_000;

/// What one page of a list, and one step of a walk over all sessions, may cost: some 50 steps for each of 1,000 rows.
const PAGE_STEPS: i32 = 60_000;
/// What a call on one session may cost.
const LOOKUP_STEPS: i32 = 2_000;
/// What one transaction of a sweep or purge may cost: at most 512 rows are looked up and changed.
const CHANGE_STEPS: i32 = 512 * 250;
/// The same where each change tells an event, or where events are sealed or deleted.
const TOLD_STEPS: i32 = 512 * 400;
/// What one round of maintenance looks at (docs/BOUNDS.md), and a step more of events, which it ends with.
const ROUND_SESSIONS: u64 = 20_000;
const ROUND_EVENTS: u64 = 5_000 + 512;

/// How a session of the large user stands.
#[derive(Clone, Copy)]
enum Standing {
    /// Its end is written down.
    Revoked,
    /// The clock has ended it, and no sweep has written that down.
    Unswept,
}

struct Bench {
    _folder: tempfile::TempDir,
    tenant: Tenant,
    clock: ManualClock,
    rows: u64,
}

#[expect(clippy::disallowed_methods, reason = "how the long campaign asks for more rows")]
fn row_count() -> u64 {
    std::env::var("HJ_BOUNDS_ROWS").ok().and_then(|text| text.parse().ok()).unwrap_or(5_000)
}

/// A tenant in which one user, usr_large, has very many sessions of an hour, all ended.
fn bench(standing: Standing) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let clock = ManualClock::new(Timestamp::from_millis(START));
    let engine =
        Engine::builder().clock(clock.clone()).durability(Durability::Normal).open(path.as_os_str()).unwrap();
    let key = "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse().unwrap();
    let tenant = engine.tenant(&"tnt".parse().unwrap(), &key).unwrap();
    let rows = row_count();
    fill(&path, rows, standing);
    clock.set(Timestamp::from_millis(START + i64::try_from(rows).unwrap() + 2 * HOUR));
    take_longest();
    Bench { _folder: folder, tenant, clock, rows }
}

fn fill(path: &Path, rows: u64, standing: Standing) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA synchronous = OFF").unwrap();
    connection
        .execute(
            "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :rows)
             INSERT INTO sessions (
                 tenant_no, session_ulid, user_id, created_at_ms, last_active_at_ms, expires_at_ms, ended_at_ms, end_reason,
                 generation, replays, nonce, access_serial, access_issued_at_ms, access_expires_at_ms, access_key_no,
                 device_type, mfa_verified
             )
             SELECT
                 1, unhex(printf('%012x%020x', :start + n, n)), 'usr_large', :start + n, :start + n, :start + n + 3600000,
                 iif(:ended, :start + n, NULL), iif(:ended, 'revoked', NULL),
                 1, 0, zeroblob(16), 1, :start + n, :start + n + 3600000, 1, 'unknown', 0
             FROM numbers",
            named_params! {
                ":rows": i64::try_from(rows).unwrap(),
                ":start": START,
                ":ended": matches!(standing, Standing::Revoked),
            },
        )
        .unwrap();
}

/// The answer of a call, none of whose transactions may cost more than `most` steps.
fn within<T>(most: i32, what: &str, call: impl FnOnce() -> T) -> T {
    take_longest();
    let answer = call();
    let steps = take_longest();
    assert!(steps > 0, "{what}: no transaction was counted");
    assert!(steps <= most, "{what}: {steps} steps in one transaction");
    answer
}

fn large_user() -> UserId {
    "usr_large".parse().unwrap()
}

#[test]
fn calls_on_one_session_do_not_grow_with_the_sessions_of_its_user() {
    let Bench { _folder, tenant, .. } = bench(Standing::Revoked);
    tenant.update_config(&r#"{"max_sessions_per_user": 5}"#.parse().unwrap()).unwrap();
    let sign_in = || tenant.create(CreateSession::new(large_user())).unwrap();
    for _ in 0..6 {
        within(LOOKUP_STEPS, "create under a cap", sign_in);
    }
    let grant = sign_in();
    let id = grant.session.id;
    within(LOOKUP_STEPS, "get", || tenant.get(id).unwrap());
    within(LOOKUP_STEPS, "verify a session", || tenant.verify_session(id).unwrap());
    within(LOOKUP_STEPS, "verify a token", || {
        tenant.verify_access_token(grant.access_token.expose()).unwrap();
    });
    within(LOOKUP_STEPS, "refresh", || {
        tenant.refresh(grant.refresh_token.expose(), RefreshRequest::default()).unwrap();
    });
    within(LOOKUP_STEPS, "revoke", || tenant.revoke(id).unwrap());
    let active = ListQuery { filter: SessionFilter::of_user(large_user()), ..ListQuery::default() };
    let page = within(LOOKUP_STEPS, "list active of the user", || tenant.list(&active).unwrap());
    assert_eq!((page.data.len(), page.next_cursor), (4, None));
}

#[test]
fn a_page_of_a_list_does_not_grow_with_what_it_leaves_out() {
    for standing in [Standing::Revoked, Standing::Unswept] {
        let Bench { _folder, tenant, .. } = bench(standing);
        for user_id in [None, Some(large_user())] {
            for status in StatusFilter::ALL {
                let filter = SessionFilter {
                    user_id: user_id.clone(),
                    status: Some(*status),
                    ..SessionFilter::default()
                };
                let query = ListQuery { filter, ..ListQuery::default() };
                let what = format!("list {status} of {user_id:?}");
                let page = within(PAGE_STEPS, &what, || tenant.list(&query).unwrap());
                // The next page starts where this one stopped looking.
                if let Some(cursor) = page.next_cursor {
                    let query = ListQuery { cursor: Some(cursor), ..query };
                    within(PAGE_STEPS, &what, || tenant.list(&query).unwrap());
                }
            }
        }
    }
}

#[test]
fn filters_are_listed_counted_and_ended_in_steps() {
    let Bench { _folder, tenant, rows, .. } = bench(Standing::Unswept);
    let everything = SessionFilter {
        status: Some(StatusFilter::All),
        not_country: Some("ES".parse().unwrap()),
        ..SessionFilter::default()
    };
    let nothing = SessionFilter { country: Some("ES".parse().unwrap()), ..everything.clone() };
    let list = ListQuery { filter: nothing.clone(), ..ListQuery::default() };
    within(PAGE_STEPS, "list by a filter", || tenant.list(&list).unwrap());
    assert!(within(PAGE_STEPS, "count by a filter", || tenant.count(&everything).unwrap()) >= rows);
    assert_eq!(within(PAGE_STEPS, "count of none", || tenant.count(&nothing).unwrap()), 0);
    let active = SessionFilter { status: None, ..everything };
    let preview = within(PAGE_STEPS, "a preview", || tenant.preview_revoke_where(&active).unwrap());
    let request = RevokeWhere { plan: Some(preview.plan), ..RevokeWhere::new(active) };
    let ended = within(PAGE_STEPS, "revoke_where", || tenant.revoke_where(request).unwrap());
    assert_eq!(ended, preview.count);
    // Its filter is kept until the sessions are stamped.
    let everything = SessionFilter { status: Some(StatusFilter::All), ..SessionFilter::default() };
    within(PAGE_STEPS, "count beside a kept filter", || tenant.count(&everything).unwrap());
    within(PAGE_STEPS, "stats beside a kept filter", || tenant.stats().unwrap());
    let page = ListQuery { filter: everything, ..ListQuery::default() };
    within(PAGE_STEPS, "list beside a kept filter", || tenant.list(&page).unwrap());
    within(CHANGE_STEPS, "a sweep beside a kept filter", || tenant.sweep().unwrap());
}

#[test]
fn every_filter_is_listed_and_counted_in_steps() {
    let Bench { _folder, tenant, rows, .. } = bench(Standing::Unswept);
    let half = START + i64::try_from(rows / 2).unwrap();
    for (members, found) in [
        (json!({}), rows),
        (json!({ "user_id": "usr_large" }), rows),
        (json!({ "user_id": "usr_none" }), 0),
        (json!({ "country": "ES" }), 0),
        (json!({ "not_country": ["ES", "PT"] }), rows),
        (json!({ "ip_address": "203.0.113.0/24" }), 0),
        (json!({ "not_ip_address": "203.0.113.0/24" }), rows),
        (json!({ "device_type": "mobile" }), 0),
        (json!({ "user_agent": "firefox" }), 0),
        (json!({ "org_id": "org_1" }), 0),
        (json!({ "role": "admin" }), 0),
        (json!({ "created_after": half }), rows - rows / 2 - 1),
        (json!({ "created_before": half }), rows / 2),
        (json!({ "last_active_after": half }), rows - rows / 2 - 1),
        (json!({ "last_active_before": half }), rows / 2),
        (json!({ "mfa_verified": true }), 0),
        (json!({ "end_reason": "revoked" }), 0),
    ] {
        let what = members.to_string();
        let Value::Object(mut members) = members else { panic!("{what}") };
        if !members.contains_key("end_reason") {
            members.insert("status".into(), "all".into());
        }
        let filter = SessionFilter::from_json(members).unwrap();
        let count = within(PAGE_STEPS, &format!("count {what}"), || tenant.count(&filter).unwrap());
        assert_eq!(count, found, "{what}");
        let query = ListQuery { filter, ..ListQuery::default() };
        within(PAGE_STEPS, &format!("list {what}"), || tenant.list(&query).unwrap());
    }
}

#[test]
fn counting_sweeping_and_purging_go_in_steps() {
    let Bench { _folder, tenant, rows, clock, .. } = bench(Standing::Unswept);
    let stats = within(PAGE_STEPS, "stats", || tenant.stats().unwrap());
    assert_eq!(stats.sessions.expired, rows);
    assert_eq!(within(CHANGE_STEPS, "sweep", || tenant.sweep().unwrap()), rows);
    assert_eq!(within(PAGE_STEPS, "a sweep that finds nothing", || tenant.sweep().unwrap()), 0);
    let everything = PurgeBefore::Time(Timestamp::from_millis(i64::MAX));
    clock.advance_millis(1);
    assert_eq!(within(CHANGE_STEPS, "purge", || tenant.purge(everything).unwrap()), rows);
    assert_eq!(tenant.stats().unwrap().sessions.expired, 0);
}

#[test]
fn a_round_of_maintenance_goes_in_steps_and_ends_where_the_next_one_goes_on() {
    let Bench { _folder, tenant, rows, clock } = bench(Standing::Unswept);
    let settings = r#"{"event_retention": "1h", "record_retention": "1h"}"#;
    tenant.update_config(&settings.parse().unwrap()).unwrap();
    let (mut rounds, mut stamped, mut purged, mut sealed, mut deleted) = (0, 0, 0, 0, 0);
    // The second time what the first time told is old, too.
    for _ in 0..2 {
        loop {
            let report = within(TOLD_STEPS, "maintain", || tenant.maintain().unwrap());
            rounds += 1;
            stamped += report.stamped;
            purged += report.purged;
            sealed += report.sealed_events;
            deleted += report.deleted_events;
            assert!(report.stamped <= ROUND_SESSIONS && report.purged <= ROUND_SESSIONS);
            assert!(report.sealed_events < ROUND_EVENTS && report.deleted_events < ROUND_EVENTS);
            if !report.has_more {
                break;
            }
        }
        clock.advance_millis(3 * HOUR);
    }
    // Each session tells its end and that it was purged, and the settings that they changed.
    assert_eq!((stamped, purged, sealed), (rows, rows, 2 * rows + 1));
    // The last events are sealed by the round that deletes the others.
    assert!(deleted > 0 && rounds > 2, "{deleted} deleted in {rounds} rounds");
}
