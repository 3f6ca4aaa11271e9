//! Files that are replaced, removed, renamed or cut short while the database is open.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use hellojohn::{Engine, ErrorCode, Grant, Tenant};
use hellojohn_tests::fixture::{Database, Process, SECOND, START, code, sign_in, tenant};

use crate::{Worker, assert_sound};

/// An engine on a database with one session, and another database beside it with another one.
struct Pair {
    database: Database,
    process: Process,
    tenant: Tenant,
    grant: Grant,
    other: PathBuf,
    other_grant: Grant,
}

fn pair() -> Pair {
    let database = Database::new();
    let other = database.folder().join("other.db");
    let other_process = Process::open(&other, START, Engine::builder());
    let other_grant = sign_in(&other_process.tenant("tnt"), "other");
    other_process.engine.close().unwrap();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let grant = sign_in(&tenant, "u");
    tenant.verify_access_token(grant.access_token.expose()).unwrap();
    Pair { database, process, tenant, grant, other, other_grant }
}

impl Pair {
    fn path(&self, ending: &str) -> PathBuf {
        self.database.folder().join(format!("sessions.db{ending}"))
    }

    /// What a write, a cached verification and a read answer. The last two rely on the last look for a second.
    fn outcomes(&self) -> [Option<ErrorCode>; 4] {
        let cached = || code(self.tenant.verify_access_token(self.grant.access_token.expose()));
        [
            code(self.tenant.create(hellojohn::CreateSession::new("v".parse().unwrap()))),
            cached(),
            code(self.tenant.get(self.grant.session.id)),
            code(self.tenant.begin_create(hellojohn::CreateSession::new("v".parse().unwrap())).wait()),
        ]
    }

    fn assert_lost(&self, words: &str) {
        assert_eq!(self.outcomes(), [Some(ErrorCode::StorageIo); 4], "{words}");
        let error = self.tenant.get(self.grant.session.id).unwrap_err();
        assert!(error.detail().contains(words), "{error}");
    }
}

#[test]
fn a_replaced_database_is_refused_before_anything_is_acknowledged() {
    let pair = pair();
    fs::rename(&pair.other, pair.path("")).unwrap();
    pair.assert_lost("the database file was replaced");
    // A new engine has the new file, and nothing of the old one's log.
    let process = pair.database.open_at(START);
    let tenant = process.tenant("tnt");
    tenant.verify_session(pair.other_grant.session.id).unwrap();
    assert_eq!(code(tenant.verify_session(pair.grant.session.id)), Some(ErrorCode::SessionNotFound));
    let third = sign_in(&tenant, "third");
    // The engine that lost its file leaves the new one's log alone.
    pair.assert_lost("the database file was replaced");
    pair.process.engine.close().unwrap();
    drop(pair.tenant);
    assert!(pair.database.folder().join("sessions.db-wal").exists());
    tenant.verify_session(third.session.id).unwrap();
    drop((tenant, process));
    assert_sound(&pair.database.path());
}

#[test]
fn a_read_or_a_cached_answer_relies_on_the_last_look_for_a_second() {
    type Ask = fn(&Pair) -> Option<ErrorCode>;
    let asks: [Ask; 4] = [
        |pair| code(pair.tenant.verify_access_token(pair.grant.access_token.expose())),
        |pair| code(pair.tenant.get(pair.grant.session.id)),
        |pair| code(pair.tenant.verify_session(pair.grant.session.id)),
        |pair| code(pair.tenant.verify_locally(pair.grant.access_token.expose(), &Default::default())),
    ];
    for (number, ask) in asks.into_iter().enumerate() {
        for step in [SECOND, -SECOND] {
            let pair = pair();
            assert_eq!(ask(&pair), None, "{number}");
            fs::rename(&pair.other, pair.path("")).unwrap();
            pair.process.clock.advance_millis(step);
            assert_eq!(ask(&pair), Some(ErrorCode::StorageIo), "{number} {step}");
        }
    }
}

#[test]
fn an_engine_that_opens_the_path_anew_makes_the_old_ones_notice() {
    let pair = pair();
    fs::rename(&pair.other, pair.path("")).unwrap();
    let tenant = pair.database.open_at(START).tenant("tnt");
    tenant.verify_session(pair.other_grant.session.id).unwrap();
    assert_eq!(code(pair.tenant.get(pair.grant.session.id)), Some(ErrorCode::StorageIo));
}

#[test]
fn removed_files_are_noticed_and_new_ones_can_be_made() {
    for endings in [&["", "-wal", "-shm"][..], &[""], &["-wal"], &["-shm"]] {
        let pair = pair();
        endings.iter().for_each(|ending| fs::remove_file(pair.path(ending)).unwrap());
        pair.assert_lost("was removed or renamed");
        assert!(endings.iter().all(|ending| !pair.path(ending).exists()), "{endings:?}");
        drop((pair.tenant, pair.process));
        let again = pair.database.open_at(START).tenant("tnt");
        sign_in(&again, "w");
        assert_sound(&pair.database.path());
    }
}

#[test]
fn a_database_that_was_moved_away_is_lost_for_good_and_its_log_is_kept() {
    let pair = pair();
    let away = pair.database.folder().join("away.db");
    fs::rename(pair.path(""), &away).unwrap();
    pair.assert_lost("was removed or renamed");
    // Another file is there, and would be read through the log of the one that was moved.
    fs::rename(&pair.other, pair.path("")).unwrap();
    let error = Engine::open(pair.path("")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::StorageIo);
    assert!(error.detail().contains("belongs to the database file that was here before"), "{error}");
    // Back where it was, it can be opened again, with everything in it.
    fs::rename(&away, pair.path("")).unwrap();
    pair.assert_lost("was removed or renamed");
    let again = pair.database.open_at(START).tenant("tnt");
    again.verify_session(pair.grant.session.id).unwrap();
}

#[test]
fn a_truncated_database_is_noticed() {
    for keep in [0, 100, 4096] {
        let database = Database::new();
        let process = database.open_at(START);
        let tenant = process.tenant("tnt");
        let grant = sign_in(&tenant, "u");
        (0..100).for_each(|_| drop(sign_in(&tenant, "u")));
        // Everything is in the file, and little in the log.
        let mut other = Worker::start("hold", &database.path(), "PRAGMA wal_checkpoint(TRUNCATE)");
        assert_eq!(other.line(), "held");
        other.finish();
        sign_in(&tenant, "u");
        OpenOptions::new().write(true).open(database.path()).unwrap().set_len(keep).unwrap();
        let refused = tenant.create(hellojohn::CreateSession::new("v".parse().unwrap())).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::StorageIo, "{keep} {refused}");
        assert!(refused.detail().contains("truncated"), "{refused}");
        assert_eq!(code(tenant.get(grant.session.id)), Some(ErrorCode::StorageIo));
    }
}

#[test]
fn a_database_that_another_program_compacts_is_as_good_as_before() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let grants: Vec<Grant> = (0..300).map(|number| sign_in(&tenant, &format!("u{number}"))).collect();
    let run = |statements: &str| {
        let mut other = Worker::start("hold", &database.path(), statements);
        assert_eq!(other.line(), "held");
        other.finish();
    };
    run("PRAGMA wal_checkpoint(TRUNCATE)");
    sign_in(&tenant, "u");
    let before = length(&database.path());
    run("DELETE FROM sessions WHERE user_id LIKE 'u1%'; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
    assert!(length(&database.path()) < before);
    tenant.verify_session(sign_in(&tenant, "u").session.id).unwrap();
    tenant.verify_session(grants[0].session.id).unwrap();
    process.clock.advance_millis(SECOND);
    tenant.verify_access_token(grants[0].access_token.expose()).unwrap();
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

#[test]
fn a_link_that_leads_to_another_database_counts_as_a_replacement() {
    let pair = pair();
    let link = pair.database.folder().join("current.db");
    std::os::unix::fs::symlink("sessions.db", &link).unwrap();
    let process = Process::open(&link, START, Engine::builder());
    let through_link = tenant(&process.engine, "tnt");
    through_link.verify_session(pair.grant.session.id).unwrap();
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("other.db", &link).unwrap();
    let refused = through_link.revoke(pair.grant.session.id).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::StorageIo);
    // The file itself is where it was.
    pair.tenant.verify_session(pair.grant.session.id).unwrap();
    assert_eq!(pair.outcomes(), [None; 4]);
}
