//! Copies of whole databases into other ones: files, and PostgreSQL where `HJ_PG` names a server. Every user stays signed in.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};

use hellojohn::{
    CopyPhase, CopyReport, CreateSession, EndReason, Engine, ErrorCode, EventQuery, IdentityPatch, ListQuery,
    RevokeWhere, SessionFilter, Status, StatusFilter, Tenant, copy_database,
};
use hellojohn_tests::fixture::{Database, Process, SECOND, START, code, configure, refresh, sign_in, user};
use hellojohn_tests::postgres::Schema;

/// When everything that a source holds has happened.
const LATER: i64 = START + 60 * SECOND;

/// Whose sessions a source has, besides those of a test.
const USERS: usize = 1_200;

/// A file, whatever `HJ_PG` says.
fn file(database: &Database) -> OsString {
    database.folder().join("file.db").into()
}

/// The pairs that a test copies between: files, and where there is a server both directions too.
fn pairs(source: &Database, target: &Database) -> Vec<(OsString, OsString)> {
    let (from, to) = (file(source), file(target));
    match Schema::of_folder(&target.folder()) {
        Some(schema) => vec![(from, schema.url().into()), (schema.url().into(), to)],
        None => vec![(from, to)],
    }
}

fn open(database: &OsString, at: i64) -> Process {
    // Bulk ends appear with few sessions.
    Process::open(database, at, Engine::builder().direct_ends_max(10))
}

fn copy(from: &OsString, to: &OsString) -> CopyReport {
    copy_database(from, to, |_| {}).expect("a copy")
}

/// What a tenant shows of its sessions, settings, keys and events.
fn show(tenant: &Tenant) -> String {
    let mut shown = String::new();
    let mut query = ListQuery::default().filter(SessionFilter::default().status(Some(StatusFilter::All)));
    loop {
        let page = tenant.list(&query).expect("a page");
        shown += &format!("{:?}\n", page.data);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            break;
        }
    }
    let events = tenant.events(&EventQuery::default()).expect("events").data;
    shown
        + &format!(
            "{:?}\n{:?}\n{events:?}\n",
            tenant.config().expect("settings"),
            tenant.keys().expect("keys")
        )
}

/// One row or more in every table.
fn fill(database: &OsString) -> Vec<hellojohn::Grant> {
    let process = open(database, START);
    let tenant = process.tenant("tnt_a");
    configure(&tenant, r#"{"event_retention": "30d", "refresh_reuse_window": "0s"}"#);
    let grants = (0..USERS).map(|number| sign_in(&tenant, &format!("usr_{number}"))).collect::<Vec<_>>();
    tenant.revoke(grants[1].session.id).expect("a session");
    for number in 0..20 {
        let patch =
            serde_json::json!({"claims": {"z": number as f64 + 0.5, "a": ["é", null]}, "role": "admin"});
        let patch = IdentityPatch::from_json(patch.as_object().expect("an object").clone()).expect("a patch");
        tenant.update(grants[2 + number].session.id, patch).expect("a session");
    }
    for _ in 0..30 {
        sign_in(&tenant, "usr_bulk");
    }
    let of_user = SessionFilter::of_user(user("usr_bulk"));
    tenant.revoke_where(RevokeWhere::new(of_user)).expect("a bulk end");
    drop(tenant.begin_sign_in("usr_1", None).expect("below the limit").fail());
    tenant.rotate_keys().expect("new keys");
    sign_in(&process.tenant("tnt_b"), "usr_1");
    process.set_clock(LATER);
    grants
}

#[test]
fn a_copy_keeps_every_user_signed_in_and_every_row_as_it_was() {
    let (source, target) = (Database::new(), Database::new());
    let grants = fill(&file(&source));
    let mut token = grants[0].refresh_token.expose().to_owned();
    for (from, to) in pairs(&source, &target) {
        let before = ["tnt_a", "tnt_b"].map(|id| show(&open(&from, LATER).tenant(id)));
        let mut phases = Vec::new();
        let report = copy_database(&from, &to, |step| {
            assert!(step.phase == CopyPhase::Count || step.rows <= step.total_rows);
            phases.push(step.phase);
        })
        .expect("a copy");
        phases.dedup();
        assert_eq!(phases, [CopyPhase::Count, CopyPhase::Copy, CopyPhase::Verify]);
        assert_eq!((report.tenants, report.sessions as usize), (2, USERS + 31), "{report:?}");
        assert!(report.changed_rows > report.sessions && report.checksum.len() == 64, "{report:?}");
        // Nothing is left to do, and nothing is done.
        let again = copy(&from, &to);
        assert_eq!((again.changed_rows, &again.checksum), (0, &report.checksum));
        let process = open(&to, LATER);
        assert_eq!(["tnt_a", "tnt_b"].map(|id| show(&process.tenant(id))), before);
        // The live token goes on, the access token verifies, what was revoked stays so.
        let tenant = process.tenant("tnt_a");
        let refreshed = refresh(&tenant, &token).expect("the user is signed in");
        tenant.verify_access_token(refreshed.access_token.expose()).expect("a live session");
        tenant.verify_access_token(grants[30].access_token.expose()).expect("an old token of a live session");
        assert_eq!(code(refresh(&tenant, grants[1].refresh_token.expose())), Some(ErrorCode::SessionRevoked));
        let spent = tenant.stats().expect("numbers").sessions.revoked;
        assert_eq!(spent, 31);
        token = refreshed.refresh_token.expose().to_owned();
        // The source is older now: it may not be put over what is newer.
        drop((tenant, process));
        assert_eq!(code(copy_database(&from, &to, |_| {})), Some(ErrorCode::ValidationError));
        assert!(
            refresh(&open(&to, LATER).tenant("tnt_a"), &token)
                .map(|grant| {
                    token = grant.refresh_token.expose().to_owned();
                })
                .is_ok()
        );
    }
}

#[test]
fn a_copy_that_was_cut_off_is_taken_up_again() {
    let (source, target) = (Database::new(), Database::new());
    let grants = fill(&file(&source));
    for (from, to) in pairs(&source, &target) {
        let cut = catch_unwind(AssertUnwindSafe(|| {
            let mut pages = 0;
            copy_database(&from, &to, |step| {
                pages += usize::from(step.phase == CopyPhase::Copy && step.rows > 0);
                assert!(pages < 2, "the process ends");
            })
        }));
        assert!(cut.is_err());
        // The source goes on meanwhile; what it changes is in the copy all the same.
        let process = open(&from, LATER + SECOND);
        let tenant = process.tenant("tnt_a");
        let late = sign_in(&tenant, "usr_late");
        let _ = tenant.revoke(grants[5].session.id);
        drop((tenant, process));
        let report = copy(&from, &to);
        assert!(report.changed_rows < report.sessions + report.events, "{report:?}");
        let tenant = open(&to, LATER + SECOND).tenant("tnt_a");
        assert_eq!(tenant.get(late.session.id).expect("a session").status, Status::Active);
        assert_eq!(tenant.get(grants[5].session.id).expect("a session").end_reason, Some(EndReason::Revoked));
    }
}

#[test]
fn a_source_that_is_changed_while_it_is_copied_is_copied_again_and_at_last_refused() {
    let (source, target) = (Database::new(), Database::new());
    fill(&file(&source));
    for (from, to) in pairs(&source, &target) {
        let process = open(&from, LATER);
        let tenant = process.tenant("tnt_a");
        // Changed once: the copy has the change.
        let mut late = None;
        let report = copy_database(&from, &to, |step| {
            if step.phase == CopyPhase::Verify && late.is_none() {
                late = Some(sign_in(&tenant, "usr_late").session.id);
            }
        });
        report.expect("a copy");
        open(&to, LATER).tenant("tnt_a").get(late.expect("verified")).expect("the late session");
        // Changed always.
        let busy = copy_database(&from, &to, |step| {
            if step.phase == CopyPhase::Verify {
                sign_in(&tenant, "usr_late");
            }
        });
        assert_eq!(code(busy), Some(ErrorCode::StorageBusy));
        drop((tenant, process));
        copy(&from, &to);
    }
}

#[test]
fn what_cannot_be_copied_is_refused_and_changes_nothing() {
    let (source, target) = (Database::new(), Database::new());
    fill(&file(&source));
    for (from, to) in pairs(&source, &target) {
        let refused = |from: &OsString, to: &OsString| code(copy_database(from, to, |_| {}));
        for (from, to) in
            [(":memory:".into(), to.clone()), (from.clone(), ":memory:".into()), (from.clone(), from.clone())]
        {
            assert_eq!(refused(&from, &to), Some(ErrorCode::ValidationError));
        }
        let missing = source.folder().join("missing.db");
        assert_eq!(refused(&missing.clone().into(), &to), Some(ErrorCode::StorageIo));
        assert!(!missing.exists());
        // Another program's tenant is there.
        let process = open(&to, START);
        let tenant = process.tenant("tnt_stranger");
        let grant = tenant.create(CreateSession::new(user("usr_1"))).expect("a session");
        assert_eq!(refused(&from, &to), Some(ErrorCode::ValidationError));
        assert_eq!(tenant.get(grant.session.id).expect("a session").status, Status::Active);
        drop((tenant, process));
        // The other way round, the stranger is copied beside the tenants of the first source.
        if !to.to_string_lossy().starts_with("postgres") {
            continue;
        }
        let empty = Schema::of_folder(&Database::new().folder()).expect("a server").url();
        assert_eq!(refused(&empty.into(), &from), Some(ErrorCode::StorageIo));
        break;
    }
}
