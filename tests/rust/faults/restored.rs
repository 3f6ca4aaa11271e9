//! Backups that are copied into a database while engines have it open.

use hellojohn::{ConfigPatch, ErrorCode, RefreshRequest};
use hellojohn_tests::fixture::{Database, HOUR, SECOND, START, code, sign_in};

use crate::Worker;

fn patch(text: &str) -> ConfigPatch {
    text.parse().unwrap()
}

struct Backup {
    database: Database,
}

impl Backup {
    /// A copy of the database as it is now.
    fn take(&self) {
        let path = self.database.folder().join("backup.db");
        let connection = rusqlite::Connection::open(self.database.path()).unwrap();
        connection.execute("VACUUM INTO ?1", [path.to_str().unwrap()]).unwrap();
    }

    fn restore(&self) {
        let backup = self.database.folder().join("backup.db");
        let program = env!("CARGO_BIN_EXE_file_worker");
        let found =
            Worker::start_program(program, "restore", &self.database.path(), backup.to_str().unwrap());
        assert_eq!(found.finish(), ["restored 0"]);
    }
}

#[test]
fn settings_after_a_restore_are_never_taken_for_those_before_it() {
    let backup = Backup { database: Database::new() };
    let (one, two) = (backup.database.open_at(START), backup.database.open_at(START));
    let (first, second) = (one.tenant("tnt"), two.tenant("tnt"));
    backup.take();
    first.update_config(&patch(r#"{"max_sessions_per_user": 9}"#)).unwrap();
    assert_eq!(first.config().unwrap().max_sessions_per_user, Some(9));
    backup.restore();
    second.update_config(&patch(r#"{"max_sessions_per_user": 1}"#)).unwrap();
    (0..3).for_each(|_| drop(sign_in(&first, "u")));
    assert_eq!(first.stats().unwrap().sessions.active, 1);
    assert_eq!(first.config().unwrap().max_sessions_per_user, Some(1));
}

#[test]
fn settings_go_back_with_the_backup_in_every_engine_at_once() {
    let backup = Backup { database: Database::new() };
    let process = backup.database.open_at(START);
    let tenant = process.tenant("tnt");
    tenant.update_config(&patch(r#"{"max_sessions_per_user": 2}"#)).unwrap();
    backup.take();
    let before = tenant.jwks().unwrap();
    tenant.rotate_keys().unwrap();
    let rotated = sign_in(&tenant, "u");
    tenant.verify_locally(rotated.access_token.expose(), &Default::default()).unwrap();
    tenant.update_config(&patch(r#"{"max_sessions_per_user": 7}"#)).unwrap();
    backup.restore();
    for _ in 0..2 {
        assert_eq!(tenant.config().unwrap().max_sessions_per_user, Some(2));
        assert_eq!(tenant.jwks().unwrap(), before);
        // The settings that were cached last are those of the restored database, for calls that do not read it too.
        let fresh = sign_in(&tenant, "u");
        tenant.verify_locally(fresh.access_token.expose(), &Default::default()).unwrap();
        process.clock.advance_millis(SECOND);
    }
}

#[test]
fn a_handle_of_a_tenant_that_a_restore_took_away_does_not_act_on_its_successor() {
    let backup = Backup { database: Database::new() };
    let (one, two) = (backup.database.open_at(START), backup.database.open_at(START));
    drop(one.tenant("tnt_other"));
    backup.take();
    let first = one.tenant("tnt");
    sign_in(&first, "u");
    backup.restore();
    let second = two.tenant("tnt");
    let grant = sign_in(&second, "u");
    // The handle of before has the keys of a tenant that is no more, and must not act on this one.
    assert_eq!(code(first.jwks()), Some(ErrorCode::InvalidApiKey));
    assert_eq!(code(first.revoke(grant.session.id)), Some(ErrorCode::InvalidApiKey));
    one.tenant("tnt").verify_access_token(grant.access_token.expose()).unwrap();
}

#[test]
fn cached_answers_do_not_outlive_a_restore() {
    let backup = Backup { database: Database::new() };
    let process = backup.database.open_at(START);
    let tenant = process.tenant("tnt");
    let kept = sign_in(&tenant, "u");
    backup.take();
    let lost = sign_in(&tenant, "u");
    tenant.revoke(kept.session.id).unwrap();
    for grant in [&kept, &lost] {
        let _ = tenant.verify_access_token(grant.access_token.expose());
    }
    backup.restore();
    tenant.verify_access_token(kept.access_token.expose()).unwrap();
    assert_eq!(
        code(tenant.verify_access_token(lost.access_token.expose())),
        Some(ErrorCode::SessionNotFound)
    );
    tenant.refresh(kept.refresh_token.expose(), RefreshRequest::default()).unwrap();
}

#[test]
fn a_clock_mark_that_is_lowered_again_after_a_restore_is_lowered_in_every_engine() {
    let backup = Backup { database: Database::new() };
    let (one, two) = (backup.database.open_at(START), backup.database.open_at(START));
    let (first, second) = (one.tenant("tnt"), two.tenant("tnt"));
    backup.take();
    // Time jumps ahead, is noticed and taken back; then the backup brings the old mark and the clock jumps again.
    for _ in 0..2 {
        one.clock.advance_millis(1_000 * HOUR);
        sign_in(&first, "u");
        let ahead = second.get(sign_in(&second, "u").session.id).unwrap().created_at;
        assert!(ahead.as_millis() >= START + 1_000 * HOUR);
        one.clock.advance_millis(-1_000 * HOUR);
        one.clock.advance_millis(SECOND);
        one.engine.lower_clock_mark().unwrap();
        let grant = sign_in(&second, "u");
        assert!(grant.session.created_at.as_millis() < START + HOUR);
        second.verify_access_token(grant.access_token.expose()).unwrap();
        backup.restore();
    }
}
