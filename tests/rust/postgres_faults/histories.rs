//! Histories of calls at once (`tests/rust/linear`) while connections are cut, a server stays away, or fails over. A call that the
//! database fails may have happened or not; whatever the others are answered, some order of the calls explains it.
//! `HJ_CUT_HISTORIES=n` sets how many, `HJ_FAILOVERS=n` how many times a server is killed.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use hellojohn::{Durability, Engine, ManualClock, Tenant, Timestamp};
use hellojohn_tests::dice::Dice;
use hellojohn_tests::fixture::{START, numbers, one_of, tenant};
use hellojohn_tests::linear::{Caller, Counts, Histories, thread_caller};
use hellojohn_tests::postgres::Schema;

use crate::load::PATIENCE;
use crate::message_proxy::{Cut, MessageProxy, Side, Way};
use crate::network::through;
use crate::server::{Server, folder, pass};

/// As short as the engine allows: the network has two seconds all the same, and two more to find out about a commit.
const NO_PATIENCE: Duration = Duration::from_millis(1);

const ENGINES: usize = 3;
const THREADS: usize = 8;

/// How many databases have a history at the same time where most of it is waiting, for a server that is away or for logins.
const DATABASES_OUTAGE: usize = 8;
const DATABASES_CUTS: usize = 4;

fn open(url: &str, patience: Duration, durability: Durability) -> Tenant {
    let clock = ManualClock::new(Timestamp::from_millis(START));
    let engine = Engine::builder().clock(clock).busy_timeout(patience).durability(durability).open(url);
    tenant(&engine.expect("the server is up"), "tnt")
}

/// A database, and engines on it with a proxy each.
struct Cluster {
    proxies: Vec<MessageProxy>,
    histories: Histories<'static>,
}

impl Cluster {
    fn new(engines: usize, patience: Duration) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("{}&pool_max=3", Schema::of_folder(folder.path()).expect("HJ_PG is set").url());
        let observer = thread_caller(open(&url, PATIENCE, Durability::Full));
        let (server, through) = through(&url);
        let proxies: Vec<MessageProxy> = (0..engines).map(|_| MessageProxy::start(server)).collect();
        let tenants: Vec<Tenant> =
            proxies.iter().map(|proxy| open(&through(proxy.address()), patience, Durability::Full)).collect();
        let histories = Histories { callers: callers(&tenants), observer, calls: 6, users: 2 };
        Cluster { proxies, histories }
    }
}

fn callers(tenants: &[Tenant]) -> Vec<Caller<'static>> {
    (0..THREADS).map(|at| thread_caller(tenants[at % tenants.len()].clone())).collect()
}

/// A cut at one of the next messages.
fn random_cut(dice: &mut Dice, most: usize, for_good: bool) -> Cut {
    let way = *dice.pick(&[Way::ToServer, Way::ToClient]);
    let side = *dice.pick(&[Side::Before, Side::After]);
    Cut { way, message: 1 + dice.below(most) as u64, side, for_good }
}

#[test]
fn calls_whose_connections_are_cut_are_answered_as_one_after_the_other_and_none_fails() {
    let cuts = AtomicUsize::new(0);
    let seeds = seeds(numbers("HJ_CUT_HISTORIES", 100));
    let sum = in_databases(
        DATABASES_CUTS,
        seeds,
        || Cluster::new(ENGINES, PATIENCE),
        |cluster, seed| {
            let (counts, made) = cluster.run_with_cuts(seed);
            cuts.fetch_add(made, Ordering::Relaxed);
            counts
        },
    );
    println!("{} calls, {} cuts", sum.calls, cuts.load(Ordering::Relaxed));
    assert!(cuts.into_inner() > 0);
}

#[test]
fn calls_that_a_server_out_of_reach_fails_happened_once_or_not_at_all() {
    let seeds = seeds(one_of(5, &numbers("HJ_CUT_HISTORIES", 100)));
    let sum =
        in_databases(DATABASES_OUTAGE, seeds, || Cluster::new(2, NO_PATIENCE), Cluster::run_with_outage);
    println!("{} calls, {} of them without an answer", sum.calls, sum.unknown);
    assert!(sum.unknown > 0);
}

/// Runs the histories of these seeds, in so many databases at a time.
fn in_databases(
    count: usize,
    seeds: Box<dyn Iterator<Item = u64> + Send>,
    make: impl Fn() -> Cluster + Sync,
    run: impl Fn(&mut Cluster, u64) -> Counts + Sync,
) -> Counts {
    let seeds = Mutex::new(seeds);
    let one_after_the_other = || {
        let mut cluster = make();
        let next = || seeds.lock().unwrap().next();
        std::iter::from_fn(next).map(|seed| run(&mut cluster, seed)).sum::<Counts>()
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..count).map(|_| scope.spawn(one_after_the_other)).collect();
        running.into_iter().map(|one| one.join().unwrap()).sum()
    })
}

impl Cluster {
    /// Also tells how many cuts there were.
    fn run_with_cuts(&mut self, seed: u64) -> (Counts, usize) {
        let mut dice = Dice::new(seed);
        for proxy in &self.proxies {
            // Closer to each other than a login and a call, or so far apart that calls come in between.
            let most = *dice.pick(&[20, 60, 150]);
            proxy.cut((0..8).map(|_| random_cut(&mut dice, most, false)).collect());
        }
        let counts = self.histories.check(seed, &run_name(seed));
        assert_eq!(counts.unknown, 0, "the database failed calls (HJ_SEED={seed})");
        (counts, self.proxies.iter().map(|proxy| proxy.made().0).sum())
    }

    /// One engine, or two, lose the server at some message, for longer than they have patience.
    fn run_with_outage(&mut self, seed: u64) -> Counts {
        let mut dice = Dice::new(seed);
        let proxies = self.proxies.clone();
        for proxy in proxies.iter().take(1 + dice.below(2)) {
            // Most of them behind a commit that others share: what must not be done again.
            let cut = random_cut(&mut dice, 150, true);
            proxy.cut(vec![Cut { way: *dice.pick(&[cut.way, Way::ToClient]), ..cut }]);
        }
        self.histories.check_during(seed, &run_name(seed), |_| {
            pass(Duration::from_millis(2_200 + dice.below(2_000) as u64));
            proxies.iter().for_each(|proxy| proxy.cut(Vec::new()));
        })
    }
}

/// Names of users that no other history has, also where a seed runs again and again.
fn run_name(seed: u64) -> String {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    format!("{seed}-{}", RUNS.fetch_add(1, Ordering::Relaxed))
}

/// Every history, or a hundred of the one that `HJ_SEED` names.
fn seeds(histories: Range<u64>) -> Box<dyn Iterator<Item = u64> + Send> {
    match std::env::var("HJ_SEED") {
        Ok(seed) => Box::new(std::iter::repeat_n(seed.parse().unwrap(), 100)),
        Err(_) => Box::new(histories),
    }
}

/// Histories during which the primary is killed and the standby takes over after so long.
fn fail_over(seed: u64, patience: Duration, outage: Duration) -> Counts {
    let folder = folder();
    let (primary, standby, url) = Server::pair(folder.path());
    let tenants: Vec<Tenant> = (0..ENGINES).map(|_| open(&url, patience, Durability::Full)).collect();
    let observer = thread_caller(open(&url, PATIENCE, Durability::Full));
    let mut histories = Histories { callers: callers(&tenants), observer, calls: 40, users: 6 };
    let kill_after = 40 + Dice::new(seed).below(100); // of some 330, so that it comes in the middle on a busy machine, too
    histories.check_during(seed, &run_name(seed), |progress| {
        progress.wait_for_calls(kill_after);
        primary.kill();
        pass(outage);
        standby.promote();
    })
}

#[test]
fn a_failover_in_the_middle_of_calls_is_answered_as_one_after_the_other_and_no_call_fails() {
    for seed in seeds(numbers("HJ_FAILOVERS", 1)) {
        let counts = fail_over(seed, PATIENCE, Duration::ZERO);
        println!("seed {seed}: {} calls", counts.calls);
        assert_eq!(counts.unknown, 0, "the failover failed calls (HJ_SEED={seed})");
    }
}

#[test]
fn calls_that_a_slow_failover_fails_happened_once_or_not_at_all() {
    let mut sum = Counts::default();
    for seed in seeds(numbers("HJ_FAILOVERS", 1)) {
        let counts = fail_over(seed, NO_PATIENCE, Duration::from_millis(3_000));
        println!("seed {seed}: {} calls, {} of them without an answer", counts.calls, counts.unknown);
        sum = [sum, counts].into_iter().sum();
    }
    assert!(sum.unknown > 0);
}
