//! A database in a folder of its own, engines on it with clocks that stand still, and tenants.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::LazyLock;

use hellojohn::{
    ConfigPatch, CreateSession, Durability, Engine, EngineBuilder, Error, ErrorCode, Grant, ListQuery,
    ManualClock, RefreshRequest, SeededRandom, Session, SessionFilter, SessionId, StatusFilter, Tenant,
    Timestamp, UserId,
};

use crate::postgres::Schema;

/// 2026-01-01T00:00:00Z.
pub const START: i64 = 1_767_225_600_000;
/// One second in ms.
pub const SECOND: i64 = 1_000;
/// One hour in ms.
pub const HOUR: i64 = 3_600 * SECOND;
/// One day in ms.
pub const DAY: i64 = 24 * HOUR;

/// The secret key of every tenant here.
pub const SECRET: &str = "sk_test_fixture_7d1f3a90c5e8b264";

/// A database file in a folder that goes away with this value.
pub struct Database {
    folder: tempfile::TempDir,
}

/// An engine, as one process has it: with a clock of its own.
pub struct Process {
    /// Its engine.
    pub engine: Engine,
    /// Its clock.
    pub clock: ManualClock,
}

impl Default for Database {
    fn default() -> Self {
        Database::new()
    }
}

impl Database {
    /// No file yet.
    pub fn new() -> Self {
        Database { folder: tempfile::tempdir().expect("a folder for the database") }
    }

    /// The folder.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The database file, or the URL of a schema where `HJ_PG` names a server.
    pub fn path(&self) -> PathBuf {
        match Schema::of_folder(self.folder.path()) {
            Some(schema) => schema.url().into(),
            None => self.folder.path().join("sessions.db"),
        }
    }

    /// How many rows another program finds: `condition` follows `SELECT count(*) FROM`.
    pub fn count(&self, condition: &str) -> i64 {
        let question = format!("SELECT count(*) FROM {condition}");
        match Schema::of_folder(self.folder.path()) {
            Some(schema) => schema.ask(&question).expect("an answer").parse().expect("a number"),
            None => rusqlite::Connection::open(self.path())
                .and_then(|connection| connection.query_row(&question, [], |row| row.get(0)))
                .expect("a number"),
        }
    }

    /// One more engine on the file, as another process would have it.
    pub fn open_at(&self, at: i64) -> Process {
        Process::open(self.path(), at, Engine::builder())
    }
}

impl Process {
    /// An engine that answers without waiting for the disk.
    pub fn open(database: impl AsRef<std::ffi::OsStr>, at: i64, builder: EngineBuilder) -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(at));
        let engine =
            builder.clock(clock.clone()).durability(Durability::Normal).open(database).expect("an engine");
        Process { engine, clock }
    }

    /// A database in memory.
    pub fn in_memory(at: i64) -> Self {
        Process::open(":memory:", at, Engine::builder())
    }

    /// The tenant with the one secret key.
    pub fn tenant(&self, id: &str) -> Tenant {
        tenant(&self.engine, id)
    }

    /// Moves the clock, forward or back.
    pub fn set_clock(&self, at: i64) {
        self.clock.set(Timestamp::from_millis(at));
    }
}

/// The random numbers of this seed. Engines that have them stretch a secret key once in this process, which otherwise is most of what opening
/// a database costs.
pub fn seeded(seed: u64) -> SeededRandom {
    static FIRST: LazyLock<SeededRandom> = LazyLock::new(|| SeededRandom::new(0));
    FIRST.beside(seed)
}

/// The tenant with the one secret key.
pub fn tenant(engine: &Engine, id: &str) -> Tenant {
    engine
        .tenant(&id.parse().expect("a tenant id"), &SECRET.parse().expect("a secret key"))
        .expect("a tenant")
}

/// A user.
pub fn user(id: &str) -> UserId {
    id.parse().expect("a user id")
}

/// Signs in.
pub fn sign_in(tenant: &Tenant, id: &str) -> Grant {
    tenant.create(CreateSession::new(user(id))).expect("a session")
}

/// Signs in for a while.
pub fn sign_in_for(tenant: &Tenant, id: &str, duration: &str) -> Grant {
    let duration = Some(duration.parse().expect("a duration"));
    tenant.create(CreateSession::new(user(id)).duration(duration)).expect("a session")
}

/// Refreshes with nothing known about the client.
pub fn refresh(tenant: &Tenant, token: &str) -> Result<Grant, Error> {
    tenant.refresh(token, RefreshRequest::default())
}

/// Every session of the tenant, ended ones too.
pub fn every_session(tenant: &Tenant) -> BTreeMap<SessionId, Session> {
    let filter = SessionFilter::default().status(Some(StatusFilter::All));
    let mut query = ListQuery::default().filter(filter);
    let mut sessions = BTreeMap::new();
    loop {
        let page = tenant.list(&query).unwrap();
        sessions.extend(page.data.into_iter().map(|session| (session.id, session)));
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return sessions;
        }
    }
}

/// Changes settings.
pub fn configure(tenant: &Tenant, patch: &str) {
    let patch: ConfigPatch = patch.parse().expect("a patch");
    tenant.update_config(&patch).expect("new settings");
}

/// The code of a refusal; success counts as nothing.
pub fn code<T, E: Into<Error>>(outcome: Result<T, E>) -> Option<ErrorCode> {
    outcome.err().map(|error| error.into().code())
}

/// A count from the environment, for campaigns that CI runs short.
pub fn rounds(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The numbers of so many rounds, from `HJ_FROM` on: a long campaign is run in parts, one after the other.
pub fn numbers(name: &str, default: u64) -> Range<u64> {
    let from = rounds("HJ_FROM", 0);
    from..from + rounds(name, default)
}

/// Of tests that make one of theirs of so many rounds: the numbers that fall to these. All of a campaign's parts together have each once.
///
/// ```
/// use hellojohn_tests::fixture::one_of;
/// assert_eq!([one_of(500, &(0..1_200)), one_of(500, &(1_200..2_000))], [0..3, 3..4]);
/// ```
pub fn one_of(many: u64, rounds: &Range<u64>) -> Range<u64> {
    rounds.start.div_ceil(many)..rounds.end.div_ceil(many)
}

/// Nanoseconds by the machine's clock that all of its processes have in common and no step moves.
pub fn monotonic_nanos() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` can be written.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) }, 0);
    let (secs, nanos) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    secs.expect("since the start") * 1_000_000_000 + nanos.expect("a fraction")
}
