//! A restore that replays an exported log: what had ended stays over, what lived goes on, and every event is told once.

use std::fs;
use std::path::{Path, PathBuf};

use hellojohn::{
    CreateSession, EndReason, Engine, ErrorCode, Event, EventQuery, EventType, Grant, Jwks, SessionFilter,
    SessionId, Status, Tenant, backup_database, check_database, restore_database_with_events,
    verify_event_log_file,
};
use hellojohn_tests::fixture::{
    Database, Process, SECOND, START, code, configure, every_session, refresh, sign_in, user,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn open(path: &Path) -> Process {
    Process::open(path, START, Engine::builder().direct_ends_max(1))
}

fn told(tenant: &Tenant, event_type: EventType) -> Vec<Event> {
    tenant.events(&EventQuery::default().types(vec![event_type])).unwrap().data
}

fn beside(database: &Database, name: &str) -> PathBuf {
    database.folder().join(name)
}

#[derive(Debug, Clone, Copy)]
enum Step {
    SignIn(usize),
    Refresh(usize),
    Revoke(usize),
    RevokeUser(usize),
    RevokeWhere,
    RevokeTenant,
    IdleTimeout(u8),
    RotateKeys,
    RotateRefreshKey,
    Wait(i64),
    Sweep,
    Seal,
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        40 => (0..3usize).prop_map(Step::SignIn),
        10 => (0..12usize).prop_map(Step::Refresh),
        20 => (0..12usize).prop_map(Step::Revoke),
        8 => (0..3usize).prop_map(Step::RevokeUser),
        6 => Just(Step::RevokeWhere),
        2 => Just(Step::RevokeTenant),
        6 => (10..60u8).prop_map(Step::IdleTimeout),
        3 => Just(Step::RotateKeys),
        1 => Just(Step::RotateRefreshKey),
        20 => (0..20i64).prop_map(Step::Wait),
        8 => Just(Step::Sweep),
        8 => Just(Step::Seal),
    ];
    prop::collection::vec(step, 0..16)
}

fn apply(process: &Process, tenant: &Tenant, step: Step, grants: &mut Vec<Grant>) {
    match step {
        Step::SignIn(at) => {
            grants.push(tenant.create(CreateSession::new(user(&format!("u{at}")))).unwrap());
        }
        Step::Refresh(at) => {
            if let Some(grant) = grants.get_mut(at)
                && let Ok(next) = refresh(tenant, grant.refresh_token.expose())
            {
                *grant = next;
            }
        }
        Step::Revoke(at) => {
            if let Some(grant) = grants.get(at) {
                tenant.revoke(grant.session.id).unwrap();
            }
        }
        Step::RevokeUser(at) => drop(tenant.revoke_user(&user(&format!("u{at}")), None).unwrap()),
        Step::RevokeWhere => {
            let filter = SessionFilter::default().mfa_verified(Some(false));
            tenant.revoke_where(hellojohn::RevokeWhere::new(filter)).unwrap();
        }
        Step::RevokeTenant => drop(tenant.revoke_tenant().unwrap()),
        Step::IdleTimeout(secs) => configure(tenant, &format!(r#"{{"idle_timeout":"{secs}s"}}"#)),
        Step::RotateKeys => drop(tenant.rotate_keys().unwrap()),
        Step::RotateRefreshKey => tenant.rotate_refresh_key().unwrap(),
        Step::Wait(secs) => process.clock.advance_millis(secs * SECOND),
        Step::Sweep => drop(tenant.sweep().unwrap()),
        Step::Seal => drop(tenant.seal_events().unwrap()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_had_ended_stays_over_and_what_lived_goes_on(
        before in any_steps(),
        after in any_steps(),
        begins_late in any::<bool>(),
    ) {
        let database = Database::new();
        let process = open(&database.path());
        let tenant = process.tenant("tnt");
        configure(&tenant, r#"{"idle_timeout":"30s","event_retention":"30d","revocation_list":true}"#);
        let mut grants = Vec::new();
        before.iter().for_each(|step| apply(&process, &tenant, *step, &mut grants));
        let then = every_session(&tenant);
        let newest = tenant.stats().unwrap().newest_event;
        let (copy, log) = (beside(&database, "copy.db"), beside(&database, "events.jsonl"));
        backup_database(database.path(), &copy, |_| {}).unwrap();
        after.iter().for_each(|step| apply(&process, &tenant, *step, &mut grants));
        tenant.seal_events().unwrap();
        tenant.export_events_to(if begins_late { newest } else { 0 }, &log).unwrap();
        let (keys, last) = (tenant.jwks().unwrap(), every_session(&tenant));
        let whole = beside(&database, "whole.jsonl");
        tenant.export_events_to(0, &whole).unwrap();
        let clock = process.clock.clone();
        process.engine.close().unwrap();

        let mut of_first = None;
        for at in 0..2 {
            let report = restore_database_with_events(&copy, database.path(), &log, &keys).unwrap();
            let engine = Engine::builder().clock(clock.clone()).open(database.path()).unwrap();
            let tenant = hellojohn_tests::fixture::tenant(&engine, "tnt");
            let restored = every_session(&tenant);
            prop_assert!(restored.keys().eq(then.keys()));
            prop_assert_eq!(report.lost_sessions, (last.len() - then.len()) as u64);
            for (id, session) in &restored {
                let last = &last[id];
                if last.status == Status::Active {
                    // What the log cannot tell is when a session was last active: it may have been idle since the backup.
                    let ended = [None, Some(EndReason::IdleTimeout), Some(EndReason::Restored)];
                    prop_assert!(ended[..2 + usize::from(report.rest_ended)].contains(&session.end_reason), "{session:?}");
                } else {
                    prop_assert_eq!((session.end_reason, session.revoked_at), (last.end_reason, last.revoked_at), "{}", id);
                }
            }
            let restores = told(&tenant, EventType::DatabaseRestored);
            prop_assert_eq!(restores.len(), 1);
            prop_assert_eq!(restores[0].data["ended"].as_u64(), Some(report.ended));
            prop_assert!(check_database(database.path()).unwrap().ok);
            // The log goes on as if nothing had been lost.
            let again = beside(&database, &format!("again{at}.jsonl"));
            tenant.export_events_to(0, &again).unwrap();
            let (was, is) = (fs::read_to_string(&whole).unwrap(), fs::read_to_string(&again).unwrap());
            let events = |text: &str| -> Vec<String> {
                text.lines().filter(|line| line.starts_with("{\"actor\"")).map(str::to_owned).collect()
            };
            let (was, is) = (events(&was), events(&is));
            prop_assert!(is.len() > was.len(), "{is:?}\n{was:?}");
            prop_assert!(is.starts_with(&was), "{is:?}\n{was:?}");
            prop_assert!(verify_event_log_file(&again, &tenant.jwks().unwrap()).unwrap().ok);
            engine.close().unwrap();
            prop_assert_eq!(of_first.get_or_insert_with(|| (report, restored.clone())), &(report, restored));
        }
    }
}

/// A tenant that records events, with a session and a backup that holds three of its events.
struct Lost {
    database: Database,
    process: Process,
    tenant: Tenant,
    session: SessionId,
    copy: PathBuf,
}

impl Lost {
    fn new() -> Self {
        let database = Database::new();
        let process = open(&database.path());
        let tenant = process.tenant("tnt");
        configure(&tenant, r#"{"event_retention":"30d"}"#);
        let session = sign_in(&tenant, "u").session.id;
        sign_in(&tenant, "v");
        let copy = beside(&database, "copy.db");
        backup_database(database.path(), &copy, |_| {}).unwrap();
        Lost { database, process, tenant, session, copy }
    }

    fn export(&self, name: &str, after: u64) -> PathBuf {
        let log = beside(&self.database, name);
        self.tenant.export_events_to(after, &log).unwrap();
        log
    }

    /// Restores with the log as it is now.
    fn restore(self) -> (hellojohn::ReplayReport, Process, Database) {
        let (log, keys) = (self.export("log.jsonl", 0), self.tenant.jwks().unwrap());
        self.process.engine.close().unwrap();
        let report = restore_database_with_events(&self.copy, self.database.path(), &log, &keys).unwrap();
        (report, open(&self.database.path()), self.database)
    }
}

#[test]
fn a_log_that_does_not_follow_the_backup_or_was_changed_restores_nothing() {
    let lost = Lost::new();
    let (tenant, copy) = (&lost.tenant, &lost.copy);
    let without_events = beside(&lost.database, "without.db");
    let bare = Database::new();
    let other = open(&bare.path());
    other.tenant("tnt");
    backup_database(bare.path(), &without_events, |_| {}).unwrap();
    let namesake = other.tenant("tnt");
    configure(&namesake, r#"{"event_retention":"30d"}"#);
    (0..4).for_each(|_| drop(sign_in(&namesake, "u")));
    let of_namesake = beside(&lost.database, "namesake.jsonl");
    namesake.export_events_to(0, &of_namesake).unwrap();

    tenant.revoke(lost.session).unwrap();
    sign_in(tenant, "u");
    let (whole, late) = (lost.export("whole.jsonl", 0), lost.export("late.jsonl", 4));
    let keys = tenant.jwks().unwrap();
    let newcomer = lost.process.tenant("other");
    configure(&newcomer, r#"{"event_retention":"30d"}"#);
    let foreign = beside(&lost.database, "foreign.jsonl");
    newcomer.export_events_to(0, &foreign).unwrap();
    configure(tenant, r#"{"event_retention":null}"#);
    tenant.revoke_tenant().unwrap();
    configure(tenant, r#"{"event_retention":"30d"}"#);
    let gap = lost.export("gap.jsonl", 0);
    let (of_other, foreign_keys) = (namesake.jwks().unwrap(), newcomer.jwks().unwrap());
    lost.process.engine.close().unwrap();

    let text = fs::read_to_string(&whole).unwrap();
    let changed = |name: &str, text: String| {
        let path = beside(&lost.database, name);
        fs::write(&path, text).unwrap();
        path
    };
    let forged = changed("forged.jsonl", text.replace("session.ended", "session.purged"));
    let cut = changed("cut.jsonl", text.lines().take(5).map(|line| format!("{line}\n")).collect());
    let no_log = changed("none.jsonl", "{}\n".to_owned());
    let early = {
        let early = Database::new();
        let process = open(&early.path());
        let tenant = process.tenant("tnt");
        configure(&tenant, r#"{"event_retention":"30d"}"#);
        let log = beside(&lost.database, "early.jsonl");
        tenant.export_events_to(0, &log).unwrap();
        (log, tenant.jwks().unwrap())
    };
    let no_keys: Jwks = r#"{"keys":[]}"#.parse().unwrap();
    let before = fs::read(lost.database.path()).unwrap();
    for (backup, log, keys, problem) in [
        (&without_events, &whole, &keys, "recorded no events"),
        (copy, &early.0, &early.1, "the log ends with event 1, and the backup with event 3"),
        (copy, &late, &keys, "the log begins after event 4"),
        (copy, &of_namesake, &of_other, "event 3 is another one"),
        (copy, &foreign, &foreign_keys, "does not have the tenant"),
        (copy, &gap, &keys, "events were turned off by event 6"),
        (copy, &forged, &keys, "line 5: the event is not as it was sealed"),
        (copy, &cut, &keys, "no end"),
        (copy, &no_log, &keys, "line 1"),
        (copy, &whole, &no_keys, "no seal is signed"),
        (copy, &whole, &foreign_keys, "no seal is signed"),
    ] {
        let error = restore_database_with_events(backup, lost.database.path(), log, keys).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ValidationError, "{error}");
        assert!(
            error.detail().starts_with("events: ") && error.detail().contains(problem),
            "{problem}: {error}"
        );
    }
    let gone = beside(&lost.database, "gone");
    let missing = restore_database_with_events(copy, lost.database.path(), gone, &keys);
    assert_eq!(code(missing), Some(ErrorCode::StorageIo));
    assert_eq!(fs::read(lost.database.path()).unwrap(), before);
    let report = restore_database_with_events(copy, lost.database.path(), &whole, &keys).unwrap();
    assert_eq!((report.ended, report.events, report.lost_sessions), (1, 2, 1));
}

/// Whether the check of the log has found that no key vouches for its end.
fn is_refused_for_its_end(error: &hellojohn::Error) -> bool {
    let detail = error.detail();
    detail.contains("the log is not as it was exported: line")
        && detail.ends_with("no key that was given vouches for the end of the log")
}

#[test]
fn a_log_whose_end_no_given_key_vouches_for_restores_nothing() {
    let lost = Lost::new();
    lost.tenant.seal_events().unwrap();
    let former = lost.tenant.jwks().unwrap();
    for _ in 0..2 {
        lost.tenant.rotate_keys().unwrap();
    }
    lost.tenant.revoke(lost.session).unwrap();
    let (log, path) = (lost.export("log.jsonl", 0), lost.database.path());
    let now = lost.tenant.jwks().unwrap();
    lost.process.engine.close().unwrap();
    let error = restore_database_with_events(&lost.copy, &path, &log, &former).unwrap_err();
    assert!(is_refused_for_its_end(&error), "{error}");
    assert_eq!(restore_database_with_events(&lost.copy, &path, &log, &now).unwrap().ended, 1);
}

/// The end that an attacker writes names a key that is in no set.
#[test]
fn a_log_that_was_cut_and_given_another_end_restores_nothing() {
    let lost = Lost::new();
    let newest = lost.tenant.seal_events().unwrap().through;
    sign_in(&lost.tenant, "later");
    assert_eq!(lost.tenant.seal_events().unwrap().through, newest + 1);
    lost.tenant.revoke(lost.session).unwrap();
    let (log, path) = (lost.export("log.jsonl", 0), lost.database.path());
    let keys = lost.tenant.jwks().unwrap();
    lost.process.engine.close().unwrap();
    let text = fs::read_to_string(&log).unwrap();
    let mut kept = String::new();
    for line in text.lines() {
        let mut entry: Value = serde_json::from_str(line).unwrap();
        kept += &format!("{line}\n");
        if entry["seal"]["seq"] == json!(newest + 1) {
            entry["seal"]["kid"] = json!("key_01ARZ3NDEKTSV4RRFFQ69G5FAV");
            kept += &format!("{}\n", json!({"end": entry["seal"]}));
            break;
        }
    }
    let cut = beside(&lost.database, "cut.jsonl");
    fs::write(&cut, kept).unwrap();
    let error = restore_database_with_events(&lost.copy, &path, &cut, &keys).unwrap_err();
    assert!(is_refused_for_its_end(&error), "{error}");
    assert_eq!(restore_database_with_events(&lost.copy, &path, &log, &keys).unwrap().ended, 1);
}

#[test]
fn what_a_log_cannot_repeat_is_counted() {
    let lost = Lost::new();
    let active = lost.tenant.keys().unwrap()[0].kid;
    lost.tenant.rotate_keys().unwrap();
    lost.tenant.retire_key(active).unwrap();
    configure(&lost.tenant, r#"{"idle_timeout":"1h"}"#);
    lost.tenant.update(lost.session, hellojohn::IdentityPatch::default().mfa_verified(Some(true))).unwrap();
    let (report, process, _database) = lost.restore();
    assert_eq!((report.revived_keys, report.undone_settings, report.undone_updates), (1, 1, 1));
    assert_eq!((report.ended, report.rest_ended, report.undone_secret_keys), (0, false, 0));
    let tenant = process.tenant("tnt");
    assert_eq!(tenant.keys().unwrap()[0].state.as_str(), "active");
    assert_eq!(tenant.config().unwrap().idle_timeout, None);
}

#[test]
fn a_retiring_key_that_was_retired_after_the_backup_stays_retired() {
    let mut lost = Lost::new();
    let leaked = lost.tenant.keys().unwrap()[0].kid;
    lost.tenant.rotate_keys().unwrap();
    lost.copy = beside(&lost.database, "later.db");
    backup_database(lost.database.path(), &lost.copy, |_| {}).unwrap();
    lost.tenant.retire_key(leaked).unwrap();
    let (report, process, _database) = lost.restore();
    assert_eq!(report.revived_keys, 0);
    let keys = process.tenant("tnt").keys().unwrap();
    assert_eq!(keys.iter().find(|key| key.kid == leaked).unwrap().state.as_str(), "retired");
}

#[test]
fn after_a_rotation_of_the_refresh_key_no_session_goes_on() {
    let lost = Lost::new();
    lost.tenant.revoke(lost.session).unwrap();
    lost.tenant.rotate_refresh_key().unwrap();
    let revoked = lost.session;
    let (report, process, _database) = lost.restore();
    assert!(report.rest_ended && report.ended == 1);
    for (id, session) in every_session(&process.tenant("tnt")) {
        let reason = if id == revoked { EndReason::Revoked } else { EndReason::Restored };
        assert_eq!(session.end_reason, Some(reason));
    }
}

#[test]
fn sessions_that_were_idle_under_a_shorter_time_out_do_not_live_again() {
    let lost = Lost::new();
    configure(&lost.tenant, r#"{"idle_timeout":"5m"}"#);
    lost.process.clock.advance_millis(600 * SECOND);
    let (report, process, _database) = lost.restore();
    assert_eq!(report.ended, 2);
    assert!(
        every_session(&process.tenant("tnt"))
            .values()
            .all(|it| it.end_reason == Some(EndReason::IdleTimeout))
    );
}

#[test]
fn a_restore_is_told_to_every_tenant_that_records_events() {
    let database = Database::new();
    let process = open(&database.path());
    for id in ["tnt", "other", "silent"] {
        sign_in(&process.tenant(id), "u");
    }
    for id in ["tnt", "other"] {
        configure(&process.tenant(id), r#"{"event_retention":"30d"}"#);
    }
    let (copy, log) = (beside(&database, "copy.db"), beside(&database, "log.jsonl"));
    backup_database(database.path(), &copy, |_| {}).unwrap();
    let tenant = process.tenant("tnt");
    tenant.export_events_to(0, &log).unwrap();
    let keys = tenant.jwks().unwrap();
    process.engine.close().unwrap();
    restore_database_with_events(&copy, database.path(), &log, &keys).unwrap();
    let process = open(&database.path());
    let of = |id: &str| told(&process.tenant(id), EventType::DatabaseRestored);
    let nothing_lost = json!({"policy": "replay_events", "ended": 0, "lost_sessions": 0});
    assert_eq!(Value::Object(of("tnt")[0].data.clone()), nothing_lost);
    let none = json!({"policy": "end_all", "ended": null, "lost_sessions": null});
    assert_eq!(Value::Object(of("other")[0].data.clone()), none);
    assert!(of("silent").is_empty());
    for (id, status) in [("tnt", Status::Active), ("other", Status::Revoked), ("silent", Status::Revoked)] {
        assert!(every_session(&process.tenant(id)).values().all(|session| session.status == status));
    }
}
