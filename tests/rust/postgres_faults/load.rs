//! Threads that sign in, refresh (with a reuse window of 0) and revoke, and what was acknowledged to them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use hellojohn::{ConfigPatch, CreateSession, Engine, Error, RefreshRequest, SessionId, Status, Tenant};
use hellojohn_tests::fixture::tenant;

const TENANT: &str = "tnt_load";
const THREADS: usize = 8;

/// Longer than any server needs to take over, on a busy machine too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// What was acknowledged.
#[derive(Default)]
struct Acknowledged {
    live: Vec<String>,
    revoked: Vec<SessionId>,
}

/// The threads' work, as the one that drives them sees it.
#[derive(Default)]
pub(crate) struct Run {
    calls: Mutex<usize>,
    /// One more call was made.
    called: Condvar,
    is_over: AtomicBool,
    longest: Mutex<Duration>,
    failures: Mutex<Vec<String>>,
}

impl Run {
    /// Makes a call, measures it, and notes its failure.
    fn call<T>(&self, call: impl FnOnce() -> Result<T, Error>) -> Option<T> {
        let began = Instant::now();
        let outcome = call();
        let mut longest = self.longest.lock().unwrap();
        *longest = began.elapsed().max(*longest);
        drop(longest);
        *self.calls.lock().unwrap() += 1;
        self.called.notify_all();
        outcome.map_err(|error| self.failures.lock().unwrap().push(error.to_string())).ok()
    }

    /// Waits until so many more calls have been made.
    pub(crate) fn wait_for_calls(&self, more: usize) {
        let mut calls = self.calls.lock().unwrap();
        let enough = *calls + more;
        while *calls < enough {
            calls = self.called.wait(calls).unwrap();
        }
    }

    fn work(&self, tenant: &Tenant, thread: usize) -> Acknowledged {
        let mut acknowledged = Acknowledged::default();
        for round in 0.. {
            if self.is_over.load(Ordering::SeqCst) {
                break;
            }
            let user = format!("usr_{thread}_{round}").parse().expect("a user id");
            let create = CreateSession::new(user);
            let Some(grant) = self.call(|| tenant.create(create)) else { continue };
            let id = grant.session.id;
            let refresh = || tenant.refresh(grant.refresh_token.expose(), RefreshRequest::default());
            let Some(refreshed) = self.call(refresh) else { continue };
            if round % 3 != 0 {
                acknowledged.live.push(refreshed.refresh_token.expose().to_owned());
            } else if self.call(|| tenant.revoke(id)).is_some() {
                acknowledged.revoked.push(id);
            }
        }
        acknowledged
    }
}

/// Has the threads work while `happen` goes on; then checks everything that was acknowledged by an engine that remembers
/// nothing, at `check_at`. No call may fail.
pub(crate) fn work_during(url: &str, check_at: &str, happen: impl FnOnce(&Run)) {
    let engine = Engine::builder().busy_timeout(PATIENCE).open(url).expect("the server is up");
    let patch: ConfigPatch = r#"{"refresh_reuse_window": "0s"}"#.parse().expect("a good patch");
    tenant(&engine, TENANT).update_config(&patch).expect("the server is up");
    let run = Run::default();
    let acknowledged: Vec<Acknowledged> = std::thread::scope(|scope| {
        let (run, engine) = (&run, &engine);
        let start = |thread| scope.spawn(move || run.work(&tenant(engine, TENANT), thread));
        let threads: Vec<_> = (0..THREADS).map(start).collect();
        happen(run);
        run.is_over.store(true, Ordering::SeqCst);
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    let failures = run.failures.into_inner().unwrap();
    let count = |of: fn(&Acknowledged) -> usize| acknowledged.iter().map(of).sum::<usize>();
    println!(
        "calls {}, failed {}, live {}, revoked {}, longest {:?}",
        run.calls.into_inner().unwrap(),
        failures.len(),
        count(|one| one.live.len()),
        count(|one| one.revoked.len()),
        run.longest.into_inner().unwrap(),
    );
    let fresh = Engine::open(check_at).expect("the server is up");
    let fresh = tenant(&fresh, TENANT);
    for one in &acknowledged {
        for token in &one.live {
            fresh.refresh(token, RefreshRequest::default()).expect("an acknowledged token is live");
        }
        for id in &one.revoked {
            let found = fresh.get(*id).expect("an acknowledged session is there");
            assert_ne!(found.status, Status::Active, "a revoked session is back");
        }
    }
    assert!(failures.is_empty(), "{failures:?}");
}
