//! One run of random calls on a disk that fails as planned: every call is answered in time, by what is true or by the failure of
//! the disk; once the disk works again, what was acknowledged is there.

use std::time::Duration;

use hellojohn::{
    CreateSession, Engine, Error, ErrorCode, IdentityPatch, ListQuery, ManualClock, PurgeBefore,
    RefreshRequest, SessionId, Tenant, Timestamp,
};
use hellojohn_tests::dice::Dice;
use hellojohn_tests::disk::{Call, Fault, Plan};
use hellojohn_tests::fixture::{SECOND, SECRET, START, user};

use crate::setup::{CAP, Setup, open};
use crate::stopwatch::Stopwatch;

const CALLS: usize = 18;

/// What the callers know of a session; each has a user of its own.
struct Known {
    user: String,
    id: SessionId,
    token: String,
    /// How often its token was rotated, as far as answers say, and as it may be.
    generations: (i64, i64),
    /// Whether a revocation was answered, and whether one was tried.
    revoked: (bool, bool),
}

struct Trial<'a> {
    setup: &'a Setup,
    dice: Dice,
    clock: ManualClock,
    now: i64,
    opened: Option<(Engine, Tenant)>,
    known: Vec<Known>,
    next_user: usize,
    slowest: Duration,
}

/// What came of a run.
pub struct Tried {
    pub has_failed: bool,
    pub slowest: Duration,
    pub calls: Vec<Call>,
}

/// One run on the database as it was before.
pub fn run(setup: &Setup, seed: u64, plan: Option<Plan>) -> Tried {
    setup.restore();
    let mut trial = Trial {
        setup,
        dice: Dice::new(seed),
        clock: ManualClock::new(Timestamp::from_millis(START)),
        now: START,
        opened: None,
        known: Vec::new(),
        next_user: 0,
        slowest: Duration::ZERO,
    };
    setup.disk.begin(plan);
    trial.open();
    for _ in 0..CALLS {
        trial.call();
    }
    let (has_failed, calls) = (setup.disk.faults() > 0, setup.disk.calls());
    setup.disk.heal();
    trial.go_on(plan, has_failed);
    trial.opened = None;
    trial.look();
    Tried { has_failed, slowest: trial.slowest, calls }
}

fn require_storage_error(what: &str, error: &Error) {
    let is_storage =
        matches!(error.code(), ErrorCode::StorageIo | ErrorCode::StorageFull | ErrorCode::StorageBusy);
    assert!(is_storage, "{what}: {error:?}");
}

impl Trial<'_> {
    /// Makes a call; nothing if the disk failed it.
    fn timed<T, E: Into<Error>>(&mut self, what: &str, call: impl FnOnce() -> Result<T, E>) -> Option<T> {
        let began = Stopwatch::start();
        let outcome = call();
        self.slowest = self.slowest.max(began.elapsed());
        match outcome.map_err(Into::into) {
            Ok(value) => Some(value),
            Err(error) => {
                require_storage_error(what, &error);
                None
            }
        }
    }

    fn open(&mut self) {
        let (path, clock) = (self.setup.path(), self.clock.clone());
        let Some(engine) = self.timed("open", || open(&path, &clock, 7)) else { return };
        let (id, key) = ("tnt".parse().unwrap(), SECRET.parse().unwrap());
        let Some(tenant) = self.timed("tenant", || engine.tenant(&id, &key)) else { return };
        self.opened = Some((engine, tenant));
    }

    fn call(&mut self) {
        let choice = self.dice.below(20);
        let at = self.dice.below(8);
        // As a host does whose engine could not be opened.
        if self.opened.is_none() {
            return self.open();
        }
        let tenant = self.opened.as_ref().unwrap().1.clone();
        let position = (!self.known.is_empty()).then(|| at % self.known.len());
        match (choice, position) {
            (0..5, _) => {
                self.next_user += 1;
                let name = format!("new{}", self.next_user);
                let create = || tenant.create(CreateSession::new(user(&name)));
                if let Some(grant) = self.timed("create", create) {
                    self.known.push(Known {
                        user: name.clone(),
                        id: grant.session.id,
                        token: grant.refresh_token.expose().to_owned(),
                        generations: (1, 1),
                        revoked: (false, false),
                    });
                }
            }
            (5..9, Some(position)) => self.refresh(&tenant, position),
            (9..11, Some(position)) => {
                let id = self.known[position].id;
                let is_done = self.timed("revoke", || tenant.revoke(id)).is_some();
                let known = &mut self.known[position];
                known.revoked = (known.revoked.0 || is_done, true);
            }
            (11..14, Some(position)) => self.verify(&tenant, position),
            (14, _) => {
                self.timed("create", || tenant.create(CreateSession::new(user("capped"))));
            }
            (15, _) => {
                let patch = format!(r#"{{"idle_timeout":"{}d"}}"#, 2 + at).parse().unwrap();
                self.timed("configure", || tenant.update_config(&patch));
            }
            (16, _) => {
                let before = PurgeBefore::Time(Timestamp::from_millis(START));
                self.timed("purge", || tenant.purge(before));
            }
            (17, Some(position)) if self.known[position].revoked == (false, false) => {
                let id = self.known[position].id;
                let patch = IdentityPatch::default().role(Some(Some("admin".parse().unwrap())));
                self.timed("update", || tenant.update(id, patch));
            }
            (18, _) => {
                self.now += SECOND;
                self.clock.set(Timestamp::from_millis(self.now));
                self.timed("sweep", || tenant.sweep());
            }
            _ => {
                self.timed("list", || tenant.list(&ListQuery::default()));
                self.timed("stats", || tenant.stats());
            }
        }
    }

    fn refresh(&mut self, tenant: &Tenant, position: usize) {
        let Known { token, revoked, .. } = &self.known[position];
        if revoked.1 {
            return;
        }
        let token = token.clone();
        let granted = self.timed("refresh", || tenant.refresh(&token, RefreshRequest::default()));
        let known = &mut self.known[position];
        known.generations.1 = known.generations.0 + 1;
        if let Some(grant) = granted {
            known.generations.0 += 1;
            known.token = grant.refresh_token.expose().to_owned();
        }
    }

    /// The truth, or that the disk failed.
    fn verify(&mut self, tenant: &Tenant, position: usize) {
        let Known { id, revoked, .. } = self.known[position];
        let began = Stopwatch::start();
        let outcome = tenant.verify_session(id).map_err(Error::from);
        self.slowest = self.slowest.max(began.elapsed());
        match outcome {
            Ok(_) => assert!(!revoked.0, "a revoked session is good"),
            Err(error) if error.code() == ErrorCode::SessionRevoked => assert!(revoked.1, "a lie"),
            Err(error) => require_storage_error("verify", &error),
        }
    }

    /// The disk works again: so does the engine, but that it writes nothing on top of what a failed sync has lost.
    fn go_on(&mut self, plan: Option<Plan>, has_failed: bool) {
        let Some((_, tenant)) = &self.opened else { return };
        tenant.stats().expect("a read");
        let has_lost = has_failed && plan.is_some_and(|plan| plan.fault == Fault::Sync);
        match tenant.create(CreateSession::new(user("afterwards"))) {
            Ok(_) => assert!(!has_lost, "a write on top of what a failed sync has lost"),
            Err(error) => assert!(has_lost && error.code() == ErrorCode::StorageIo, "{error:?}"),
        }
    }

    /// Opens the database again and looks for everything that was acknowledged.
    fn look(&mut self) {
        let path = self.setup.path();
        let engine = open(&path, &self.clock, 8).expect("an engine");
        let connection = rusqlite::Connection::open(&path).unwrap();
        let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(found, "ok");
        for known in &self.known {
            let (generation, reason): (i64, Option<String>) = connection
                .query_row(
                    "SELECT generation, end_reason FROM sessions WHERE user_id = ?",
                    [&known.user],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .expect("an acknowledged session");
            let (least, most) = known.generations;
            assert!((least..=most).contains(&generation), "{least} to {most}, and not {generation}");
            let is_revoked = reason.as_deref() == Some("revoked");
            assert!(reason.is_none() || is_revoked, "{reason:?}");
            assert!(is_revoked || !known.revoked.0, "{} lives again", known.id);
            assert!(!is_revoked || known.revoked.1, "{} was not revoked", known.id);
        }
        let capped = "SELECT count(*) FROM sessions WHERE user_id = 'capped' AND end_reason IS NULL";
        let active: i64 = connection.query_row(capped, [], |row| row.get(0)).unwrap();
        assert!((1..=CAP).contains(&active), "{active} under a cap of {CAP}");
        drop(connection);
        engine.close().expect("an end");
    }
}
