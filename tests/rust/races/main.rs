//! Calls that start at the same instant, from threads of one engine, from engines beside each other on one file, and from
//! four processes. `HJ_RACES=n` sets the rounds of each race.

mod bulk_ends;
mod import;
mod keys;
mod processes;
mod refresh;
mod sessions;
mod sign_in;

use std::sync::Barrier;
use std::thread;

use hellojohn::{ListQuery, SessionFilter, SessionId, Tenant};
use hellojohn_tests::fixture::{Database, Process, START, configure, rounds, user};

/// Runs the calls at once and answers with what each came to.
fn at_once<'env, T: Send>(calls: Vec<Box<dyn FnOnce() -> T + Send + 'env>>) -> Vec<T> {
    let start = Barrier::new(calls.len());
    thread::scope(|scope| {
        let start = &start;
        let running: Vec<_> = calls
            .into_iter()
            .map(|call| {
                scope.spawn(move || {
                    start.wait();
                    call()
                })
            })
            .collect();
        running.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

/// Four handles: clones of one, and of an engine beside it, so that every race runs within and across engines.
struct Arena {
    one: Process,
    two: Process,
    tenants: Vec<Tenant>,
    _database: Database,
}

impl Arena {
    fn new(config: &str) -> Self {
        let database = Database::new();
        let (one, two) = (database.open_at(START), database.open_at(START));
        let (first, second) = (one.tenant("tnt"), two.tenant("tnt"));
        configure(&first, config);
        Arena { tenants: vec![first.clone(), first, second.clone(), second], one, two, _database: database }
    }

    fn set_clock(&self, at: i64) {
        self.one.set_clock(at);
        self.two.set_clock(at);
    }

    fn first(&self) -> &Tenant {
        &self.tenants[0]
    }
}

fn race_rounds() -> u64 {
    rounds("HJ_RACES", 200)
}

fn active(tenant: &Tenant, id: &str) -> Vec<SessionId> {
    let query = ListQuery::default().filter(SessionFilter::of_user(user(id)));
    tenant.list(&query).unwrap().data.into_iter().map(|session| session.id).collect()
}
