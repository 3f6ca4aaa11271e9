//! One run of random calls on a recorded disk: what SQLite did to the files, and what was true after each call.

use std::collections::BTreeMap;

use hellojohn::{
    ConfigPatch, CreateSession, Durability, Engine, Error, ErrorCode, EventDetail, Grant, IdentityPatch,
    ImportRequest, ManualClock, PurgeBefore, RefreshRequest, Session, SessionId, SignOutScope, Tenant,
    Timestamp, backup_database,
};
use hellojohn_tests::dice::Dice;
use hellojohn_tests::disk::{Disk, Event, Fault, Plan};
use hellojohn_tests::fixture::{HOUR, SECRET, START, every_session, seeded, user};
use tempfile::TempDir;

use crate::verdict::dump;

/// What was true when a mark was set.
pub struct Mark {
    /// Everything in the tables.
    pub dump: u64,
    /// Whether no power loss may take it back any more.
    pub is_durable: bool,
    pub what: String,
    pub now: i64,
    /// None are looked at once a sync has failed.
    pub sessions: BTreeMap<SessionId, Session>,
    /// Of each session the refresh tokens, oldest first.
    pub tokens: BTreeMap<SessionId, Vec<String>>,
}

pub struct Recording {
    pub events: Vec<Event>,
    pub marks: Vec<Mark>,
}

/// The names of the database's files begin with it.
pub const DATABASE: &str = "sessions.db";

struct Run {
    dice: Dice,
    folder: TempDir,
    elsewhere: TempDir,
    disk: Disk,
    clock: ManualClock,
    now: i64,
    opened: Option<(Engine, Tenant)>,
    tokens: BTreeMap<SessionId, Vec<String>>,
    marks: Vec<Mark>,
    imported: usize,
    /// Whether nothing but this one engine syncs the files.
    is_one_engine: bool,
}

/// Opens a database as every recording does.
pub fn open(path: &std::path::Path, clock: &ManualClock, seed: u64) -> Result<Engine, Error> {
    Engine::builder()
        .clock(clock.clone())
        .random(seeded(seed))
        .durability(Durability::Full)
        .direct_ends_max(3)
        .events(EventDetail::All)
        .open(path)
}

/// Whether an error says that the disk failed, and nothing about a session.
pub fn is_storage_error(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::StorageIo | ErrorCode::StorageFull | ErrorCode::StorageBusy)
}

impl Run {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::watch(folder.path());
        disk.skip_syncs();
        disk.record();
        Run {
            dice: Dice::new(seed),
            folder,
            elsewhere: tempfile::tempdir().unwrap(),
            disk,
            clock: ManualClock::new(Timestamp::from_millis(START)),
            now: START,
            opened: None,
            tokens: BTreeMap::new(),
            marks: Vec::new(),
            imported: 0,
            is_one_engine: false,
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join(DATABASE)
    }

    fn tenant(&self) -> &Tenant {
        &self.opened.as_ref().unwrap().1
    }

    fn open(&mut self) -> Result<(), Error> {
        let engine = open(&self.path(), &self.clock, self.dice.roll())?;
        let tenant = engine.tenant(&"tnt".parse().unwrap(), &SECRET.parse().unwrap())?;
        self.opened = Some((engine, tenant));
        Ok(())
    }

    fn learn(&mut self, grant: &Grant) {
        let token = grant.refresh_token.expose().to_owned();
        self.tokens.entry(grant.session.id).or_default().push(token);
    }

    /// A session that was acknowledged.
    fn pick(&mut self) -> Option<SessionId> {
        let ids: Vec<SessionId> = self.tokens.keys().copied().collect();
        (!ids.is_empty()).then(|| *self.dice.pick(&ids))
    }

    fn configure(&self, patch: &str) -> Result<(), Error> {
        self.tenant().update_config(&patch.parse::<ConfigPatch>().unwrap()).map(drop)
    }

    /// A random call; its name, and whether it waits for the disk.
    fn call(&mut self) -> (String, bool, Result<(), Error>) {
        let tenant = self.tenant().clone();
        let user = user(&format!("u{}", self.dice.below(3)));
        let session = self.pick();
        match (self.dice.below(40), session) {
            (0..9, _) => {
                let granted = tenant.create(CreateSession::new(user));
                ("create".into(), true, granted.map(|grant| self.learn(&grant)))
            }
            (9..18, Some(id)) => {
                let token = self.tokens[&id].last().unwrap().clone();
                match tenant.refresh(&token, RefreshRequest::default()) {
                    Ok(grant) => {
                        self.learn(&grant);
                        ("refresh".into(), true, Ok(()))
                    }
                    // A refusal of an ended session is an answer, too.
                    Err(error) if !error.code().as_str().starts_with("storage") => {
                        (format!("refresh: {}", error.code()), true, Ok(()))
                    }
                    Err(error) => ("refresh".into(), true, Err(error)),
                }
            }
            (18..21, Some(id)) => {
                let revoked = match tenant.revoke(id) {
                    Err(error) if error.code() == ErrorCode::SessionNotFound => Ok(()),
                    other => other,
                };
                (format!("revoke {id}"), true, revoked)
            }
            (21, _) => ("revoke the user".into(), true, tenant.revoke_user(&user, None).map(drop)),
            (22, Some(id)) => {
                let token = self.tokens[&id].last().unwrap().clone();
                match tenant.sign_out(&token, SignOutScope::Local) {
                    Err(error) if error.code().as_str().starts_with("storage") => {
                        ("sign out".into(), true, Err(error))
                    }
                    _ => ("sign out".into(), true, Ok(())),
                }
            }
            (23..25, _) => {
                let patch = *self.dice.pick(&[
                    r#"{"max_sessions_per_user":2}"#,
                    r#"{"max_sessions_per_user":null}"#,
                    r#"{"event_retention":"30d"}"#,
                    r#"{"event_retention":null}"#,
                    r#"{"idle_timeout":"2h"}"#,
                    r#"{"revocation_list":true}"#,
                ]);
                (format!("configure {patch}"), true, self.configure(patch))
            }
            (25, Some(id)) => {
                let updated =
                    tenant.update(id, IdentityPatch::default().role(Some(Some("admin".parse().unwrap()))));
                match updated {
                    Err(error) if error.code().as_str().starts_with("storage") => {
                        ("update".into(), true, Err(error))
                    }
                    _ => ("update".into(), true, Ok(())),
                }
            }
            (26..29, _) => {
                self.now += *self.dice.pick(&[1_000, HOUR, 3 * HOUR]);
                self.clock.set(Timestamp::from_millis(self.now));
                // Sweeps do not wait for the disk.
                ("sweep".into(), false, tenant.sweep().map(drop))
            }
            (29..31, _) => {
                let rows: String = (0..1 + self.dice.below(20))
                    .map(|at| {
                        let at = self.imported + at;
                        format!("{{\"user_id\":\"i{}\",\"credential\":\"credential {at}\"}}\n", at % 5)
                    })
                    .collect();
                self.imported += rows.lines().count();
                let imported = tenant.import(rows.as_bytes(), &ImportRequest::default(), |_| {});
                ("import".into(), true, imported.map(drop))
            }
            (31, _) => {
                let before = PurgeBefore::Time(Timestamp::from_millis(self.now));
                ("purge".into(), true, tenant.purge(before).map(drop))
            }
            (32, _) => ("rotate the keys".into(), true, tenant.rotate_keys().map(drop)),
            (33, _) => ("seal the events".into(), true, tenant.seal_events().map(drop)),
            (34, _) => {
                let to = self.elsewhere.path().join(format!("backup {}", self.marks.len()));
                ("back up".into(), true, backup_database(self.path(), to, |_| {}))
            }
            (35..37, _) if !self.is_one_engine => {
                let mode = *self.dice.pick(&["PASSIVE", "RESTART", "TRUNCATE"]);
                let other = rusqlite::Connection::open(self.path()).unwrap();
                let _ = other.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()));
                (format!("checkpoint {mode}"), false, Ok(()))
            }
            (37, _) if !self.is_one_engine => ("close and open".into(), true, self.reopen()),
            _ => ("read".into(), false, tenant.config().map(drop)),
        }
    }

    fn reopen(&mut self) -> Result<(), Error> {
        let (engine, tenant) = self.opened.take().unwrap();
        drop(tenant);
        engine.close()?;
        self.open()
    }

    fn mark(&mut self, what: String, is_durable: bool) {
        // Looks first: telling that a session has ended may raise the clock mark, which is a write.
        let is_failing = self.disk.faults() > 0;
        let sessions = if is_failing { BTreeMap::new() } else { every_session(self.tenant()) };
        let mark = Mark {
            dump: dump(&rusqlite::Connection::open(self.path()).unwrap()).unwrap(),
            is_durable,
            what,
            now: self.now,
            sessions,
            tokens: self.tokens.clone(),
        };
        self.disk.mark(self.marks.len());
        self.marks.push(mark);
    }

    fn go(&mut self, calls: usize) {
        for _ in 0..calls {
            let (what, waits, outcome) = self.call();
            if let Err(error) = &outcome {
                assert!(self.disk.faults() > 0 && is_storage_error(error), "{what}: {error:?}");
            }
            self.mark(what, waits && outcome.is_ok());
        }
    }

    fn finish(self) -> Recording {
        Recording { events: self.disk.events(), marks: self.marks }
    }
}

/// So many calls on a disk that works.
pub fn record(seed: u64, calls: usize) -> Recording {
    let mut run = Run::new(seed);
    run.open().unwrap();
    run.mark("open".into(), true);
    run.go(calls);
    let (engine, tenant) = run.opened.take().unwrap();
    drop((engine, tenant));
    run.finish()
}

/// The same on a disk of which one sync fails after opening, up to the moment before the engine is closed. Then the disk works
/// again, and what was acknowledged is there when the engine is opened anew. Nothing if there are not so many syncs.
pub fn record_lost_sync(seed: u64, calls: usize, number: usize) -> Option<Recording> {
    let mut run = Run::new(seed);
    run.is_one_engine = true;
    run.open().unwrap();
    run.mark("open".into(), true);
    run.disk.begin(Some(Plan { at: number, fault: Fault::Sync, lasts: false }));
    run.go(calls);
    if run.disk.faults() == 0 {
        return None;
    }
    let events = run.disk.events();
    run.disk.heal();
    let path = run.path();
    let look = || dump(&rusqlite::Connection::open(&path).unwrap()).unwrap();
    let before = look();
    run.opened = None;
    let engine = open(&path, &run.clock, 0).unwrap();
    assert_eq!(look(), before, "the tables change when the database is opened again");
    drop(engine);
    run.open().unwrap();
    run.tenant().create(CreateSession::new(user("after"))).unwrap();
    Some(Recording { events, marks: run.marks })
}
