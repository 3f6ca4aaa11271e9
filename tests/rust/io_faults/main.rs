//! Every call that SQLite makes of the file layer fails in turn, in each way in which it can, once or from then on. `HJ_IO_FAULTS=n` sets
//! how many runs of random calls are gone through so, `HJ_SEED=n` chooses one.
#![allow(clippy::print_stderr)] // how much was tried, and the plan of a failure

mod left_log;
mod log_keeper;
mod lost_log;
mod setup;
mod stopwatch;
mod trial;

use std::time::Duration;

use hellojohn::{CreateSession, ErrorCode, ManualClock, Tenant, Timestamp};
use hellojohn_tests::disk::{Fault, Plan};
use hellojohn_tests::fixture::{START, numbers, refresh, sign_in, tenant, user};

use setup::{Setup, open};
use trial::{Tried, run};

/// Says how to repeat a failure.
struct FailureReport(u64, Plan);

impl Drop for FailureReport {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{:?}; HJ_SEED={} repeats it", self.1, self.0);
        }
    }
}

/// How long a call may take: the time-out, and a second.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether a call failed as planned.
fn try_plan(setup: &Setup, seed: u64, plan: Plan) -> bool {
    for _ in 0..3 {
        let Tried { has_failed, slowest, .. } = run(setup, seed, Some(plan));
        if slowest <= PATIENCE {
            return has_failed;
        }
        // Other work of the machine may have kept the disk busy for a while, but not each time.
        eprintln!("a call took {slowest:?}");
    }
    panic!("some call takes longer than {PATIENCE:?} each time");
}

fn fail_each_call(lasts: bool) {
    let setup = Setup::new();
    let only = std::env::var("HJ_SEED").ok().map(|text| text.parse().unwrap());
    let seeds = only.map_or(numbers("HJ_IO_FAULTS", 1), |seed| seed..seed + 1);
    for seed in seeds {
        let calls = run(&setup, seed, None).calls;
        let (mut tried, mut failed) = (0, 0);
        for fault in Fault::ALL {
            let count = calls.iter().filter(|call| fault.concerns(**call)).count();
            assert!(count > 0, "no call can fail by {fault:?}");
            for at in 1..=count {
                let plan = Plan { at, fault, lasts };
                let report = FailureReport(seed, plan);
                tried += 1;
                failed += usize::from(try_plan(&setup, seed, plan));
                drop(report);
            }
        }
        eprintln!(
            "seed {seed}, lasting {lasts}: {} calls, {failed} of {tried} runs with a fault",
            calls.len()
        );
        assert!(failed * 10 > tried * 9, "{failed} of {tried}");
    }
}

#[test]
fn each_call_fails_once() {
    fail_each_call(false);
}

#[test]
fn each_call_fails_and_all_that_follow() {
    fail_each_call(true);
}

#[test]
fn after_a_failed_sync_the_engine_refuses_writes_until_it_is_opened_again() {
    let setup = Setup::new();
    setup.restore();
    let clock = ManualClock::new(Timestamp::from_millis(START));
    let create = |tenant: &Tenant| tenant.create(CreateSession::new(user("v")));
    let engine = open(&setup.path(), &clock, 3).unwrap();
    let beside = open(&setup.path(), &clock, 5).unwrap();
    let (first, other) = (tenant(&engine, "tnt"), tenant(&beside, "tnt"));
    let grant = sign_in(&first, "u");
    setup.disk.begin(Some(Plan { at: 1, fault: Fault::Sync, lasts: false }));
    assert_eq!(create(&first).unwrap_err().code(), ErrorCode::StorageIo);
    let refused = create(&first).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::StorageIo);
    assert!(refused.detail().ends_with("close the database and open it again"), "{refused}");
    first.verify_session(grant.session.id).unwrap();
    // What the process's other engines write would lie on top of it, too.
    assert_eq!(create(&other).unwrap_err().code(), ErrorCode::StorageIo);
    assert_eq!(setup.disk.faults(), 1);
    engine.close().unwrap();
    let refused = open(&setup.path(), &clock, 6).err().unwrap();
    assert!(refused.detail().ends_with("close that engine first"), "{refused}");
    // Closed is enough: handles may live on.
    beside.close().unwrap();
    let engine = open(&setup.path(), &clock, 4).unwrap();
    let second = tenant(&engine, "tnt");
    refresh(&second, grant.refresh_token.expose()).unwrap();
    create(&second).unwrap();
}
