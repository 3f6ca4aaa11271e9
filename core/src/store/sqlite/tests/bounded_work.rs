//! How much work the writing connection does for calls that end many sessions, counted in steps of SQLite's machine: the same
//! for thousands of sessions as for hundreds.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ffi};

use crate::clock::{ManualClock, Timestamp};
use crate::engine::{CreateSession, Engine, RevokeWhere, Tenant};
use crate::error::Failure;
use crate::model::id::{SessionId, UserId};
use crate::model::session_filter::SessionFilter;
use crate::store::conformance::samples::{plain_session, user};
use crate::store::sqlite::store::SqliteStore;
use crate::store::{
    CommitVersion, Durability, Needs, QueuedJob, QueuedWrite, ReadJob, SqliteDatabase, Store, StoreOptions,
    Subject, WaitPolicy, WriteJob,
};

const NOW: i64 = 1_767_225_600_000;

/// A store that the test keeps a hand on.
struct Shared(Arc<SqliteStore>);

impl Store for Shared {
    fn read(&self, wait_policy: WaitPolicy, needs: &Needs, job: &mut ReadJob<'_>) -> Result<(), Failure> {
        self.0.read(wait_policy, needs, job)
    }
    fn write_exclusive(&self, job: &mut WriteJob<'_>) -> Result<(), Failure> {
        self.0.write_exclusive(job)
    }
    fn enqueue(&self, job: Box<QueuedJob>, durability: Durability, needs: Needs) -> Arc<QueuedWrite> {
        self.0.enqueue(job, durability, needs)
    }
    fn wait(&self, write: &Arc<QueuedWrite>) -> Result<(), Failure> {
        self.0.wait(write)
    }
    fn cancel(&self, write: &Arc<QueuedWrite>) {
        self.0.cancel(write);
    }
    fn has_waiting_writes(&self) -> bool {
        self.0.has_waiting_writes()
    }
    fn log_bytes(&self) -> Result<u64, Failure> {
        self.0.log_bytes()
    }
    fn commit_version(&self) -> Option<CommitVersion> {
        self.0.commit_version()
    }
    fn clock_mark_if_unchanged(&self, subject: Subject, since: CommitVersion) -> Option<Timestamp> {
        self.0.clock_mark_if_unchanged(subject, since)
    }
    fn erase_deleted(&self) -> Result<bool, Failure> {
        self.0.erase_deleted()
    }
    fn check_open(&self) -> Result<(), Failure> {
        self.0.check_open()
    }
    fn confirm_files(&self, clock: Timestamp) -> Result<(), Failure> {
        self.0.confirm_files(clock)
    }
    fn close(&self) {
        self.0.close();
    }
}

/// The steps of all statements since this was last asked.
fn take_steps(connection: &Connection) -> i64 {
    let mut steps = 0;
    // SAFETY: the connection is open and no other thread uses it; statements are only looked at.
    unsafe {
        let database = connection.handle();
        let mut statement = ffi::sqlite3_next_stmt(database, std::ptr::null_mut());
        while !statement.is_null() {
            steps += i64::from(ffi::sqlite3_stmt_status(statement, ffi::SQLITE_STMTSTATUS_VM_STEP, 1));
            statement = ffi::sqlite3_next_stmt(database, statement);
        }
    }
    steps
}

/// The id of a session of a second before the calls.
fn id(number: u16) -> SessionId {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&(NOW - 1_000).to_be_bytes()[2..]);
    bytes[14..].copy_from_slice(&number.to_be_bytes());
    SessionId::from_bytes(bytes)
}

struct Crowd {
    engine: Engine,
    tenant: Tenant,
    clock: ManualClock,
    user: UserId,
}

/// The steps of a call where one user has so many sessions; `prepare` does what is not counted.
fn steps_of(sessions: u16, prepare: impl Fn(&Crowd), call: impl Fn(&Crowd)) -> i64 {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions::relaxed(Duration::from_secs(3600));
    let store =
        Arc::new(SqliteStore::open(SqliteDatabase::File(folder.path().join("s.db")), options).unwrap());
    let clock = ManualClock::new(Timestamp::from_millis(NOW));
    let engine = Engine::over(Box::new(Shared(Arc::clone(&store))), clock.clone());
    let tenant = engine.tenant(&"tnt".parse().unwrap(), &"sk_test".parse().unwrap()).unwrap();
    let crowd = Crowd { engine, tenant, clock, user: user("u") };
    store
        .write_exclusive(&mut |tx| {
            let no = tx.tenant_no(crowd.tenant.id())?.unwrap();
            (0..sessions).try_for_each(|at| tx.add_session(no, &plain_session(id(at), &crowd.user)))
        })
        .unwrap();
    prepare(&crowd);
    store.with_idle_writer(|writer| take_steps(writer));
    call(&crowd);
    store.with_idle_writer(|writer| take_steps(writer))
}

/// The work must not grow with the sessions: more than a few hundred steps for thousands more of them would be growth.
fn assert_bounded(what: &str, prepare: impl Fn(&Crowd), call: impl Fn(&Crowd)) {
    let (few, many) = (steps_of(1_000, &prepare, &call), steps_of(9_000, &prepare, &call));
    assert!(few > 0, "{what} was not counted");
    assert!(many <= few + 300, "{what}: {few} steps for 1,000 sessions, {many} for 9,000");
}

fn configure(crowd: &Crowd, patch: &str) {
    crowd.tenant.update_config(&patch.parse().unwrap()).unwrap();
}

fn sign_in(crowd: &Crowd) {
    crowd.tenant.create(CreateSession::new(crowd.user.clone())).unwrap();
}

#[test]
fn revocations_do_the_same_work_whatever_the_number_of_sessions() {
    let revoke = |crowd: &Crowd| {
        crowd.tenant.revoke_user(&crowd.user, None).unwrap();
    };
    let spare_one = |crowd: &Crowd| {
        crowd.tenant.revoke_user(&crowd.user, Some(id(500))).unwrap();
    };
    assert_bounded("revoke_user", |_| {}, revoke);
    assert_bounded("revoke_user but one", |_| {}, spare_one);
    assert_bounded("revoke_user again", spare_one, revoke);
    let revoke_tenant = |crowd: &Crowd| {
        crowd.tenant.revoke_tenant().unwrap();
    };
    assert_bounded("revoke_tenant", |_| {}, revoke_tenant);
    let revoke_where = |crowd: &Crowd| {
        let filter = SessionFilter { not_country: Some("ES".parse().unwrap()), ..SessionFilter::default() };
        let plan = crowd.tenant.preview_revoke_where(&filter).unwrap().plan;
        let request = RevokeWhere { plan: Some(plan), ..RevokeWhere::new(filter) };
        assert!(crowd.tenant.revoke_where(request).unwrap() > 0);
    };
    assert_bounded("revoke_where", |_| {}, revoke_where);
    assert_bounded("a sign-in after revoke_where", revoke_where, sign_in);
}

#[test]
fn sign_ins_under_a_cap_do_the_same_work_whatever_the_number_of_sessions() {
    let lower_the_cap = |crowd: &Crowd| configure(crowd, r#"{"max_sessions_per_user":3}"#);
    assert_bounded("the first sign-in under a lowered cap", lower_the_cap, sign_in);
    let lower_and_sign_in = |crowd: &Crowd| {
        lower_the_cap(crowd);
        sign_in(crowd);
    };
    assert_bounded("the second sign-in under a lowered cap", lower_and_sign_in, sign_in);
    let revoke_others = |crowd: &Crowd| {
        lower_the_cap(crowd);
        crowd.tenant.revoke_user(&crowd.user, Some(id(500))).unwrap();
    };
    assert_bounded("a sign-in after a revocation", revoke_others, sign_in);
}

#[test]
fn ends_by_the_clock_are_kept_with_the_same_work_whatever_the_number_of_sessions() {
    let set_idle_timeout = |crowd: &Crowd| configure(crowd, r#"{"idle_timeout":"1h"}"#);
    assert_bounded("an idle time-out", |_| {}, set_idle_timeout);
    let jump = |crowd: &Crowd| {
        crowd.clock.advance_millis(1_000_000);
        sign_in(crowd);
        crowd.clock.set(Timestamp::from_millis(NOW));
    };
    assert_bounded("lower_clock_mark", jump, |crowd| crowd.engine.lower_clock_mark().unwrap());
}
