//! Pending calls as futures, polled by hand: what wakes a task, and what becomes of a call that is dropped.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::thread::{self, Thread};

use parking_lot::{Condvar, Mutex};

use super::*;
use crate::clock::{Clock, Timestamp};
use crate::engine::{CreateSession, Engine, ListQuery, VerifyError};
use crate::error::ErrorCode;

/// A clock of the host's that keeps every caller waiting while it is shut: a write that has begun does not end meanwhile.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<GateState>, Condvar)>);

#[derive(Default)]
struct GateState {
    is_shut: bool,
    waiting: usize,
}

impl Gate {
    fn set_shut(&self, is_shut: bool) {
        self.0.0.lock().is_shut = is_shut;
        self.0.1.notify_all();
    }

    /// Returns when a call stands before the gate.
    fn wait_for_caller(&self) {
        let mut state = self.0.0.lock();
        while state.waiting == 0 {
            self.0.1.wait(&mut state);
        }
    }
}

impl Clock for Gate {
    fn now(&self) -> Timestamp {
        let mut state = self.0.0.lock();
        state.waiting += 1;
        self.0.1.notify_all();
        while state.is_shut {
            self.0.1.wait(&mut state);
        }
        state.waiting -= 1;
        Timestamp::from_millis(1_705_314_600_000)
    }
}

/// Counts how often it is woken and unparks a thread.
struct Alarm {
    woken: AtomicUsize,
    thread: Thread,
}

impl Alarm {
    fn new() -> Arc<Self> {
        Arc::new(Alarm { woken: AtomicUsize::new(0), thread: thread::current() })
    }

    fn count(&self) -> usize {
        self.woken.load(Ordering::SeqCst)
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.woken.fetch_add(1, Ordering::SeqCst);
        self.thread.unpark();
    }
}

fn poll_once<T, E>(pending: &mut Pending<T, E>, alarm: &Arc<Alarm>) -> Poll<Result<T, E>>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let waker = Waker::from(Arc::clone(alarm));
    Pin::new(pending).poll(&mut Context::from_waker(&waker))
}

/// Polls, and again only after it was woken.
fn block_on<T, E>(mut pending: Pending<T, E>) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let alarm = Alarm::new();
    let mut seen = 0;
    loop {
        if let Poll::Ready(answer) = poll_once(&mut pending, &alarm) {
            return answer;
        }
        while alarm.count() == seen {
            thread::park();
        }
        seen = alarm.count();
    }
}

fn open(gate: &Gate) -> (Engine, Tenant) {
    let engine = Engine::builder().clock(gate.clone()).open(":memory:").unwrap();
    let secret = "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse().unwrap();
    let tenant = engine.tenant(&"tnt_acme".parse().unwrap(), &secret).unwrap();
    (engine, tenant)
}

fn create(user: &str) -> CreateSession {
    CreateSession::new(user.parse().unwrap())
}

fn users(tenant: &Tenant) -> Vec<String> {
    let page = tenant.list(&ListQuery::default()).unwrap();
    let mut users: Vec<String> = page.data.iter().map(|session| session.user_id.to_string()).collect();
    users.sort_unstable();
    users
}

#[test]
fn every_kind_of_call_is_answered_without_a_runtime() {
    let (engine, tenant) = open(&Gate::default());
    let grant = block_on(tenant.begin_create(create("usr_1"))).unwrap();
    let id = grant.session.id;
    let grant = block_on(tenant.begin_refresh(grant.refresh_token.expose(), Default::default())).unwrap();
    assert_eq!(block_on(tenant.begin_get(id)).unwrap().id, id);
    assert_eq!(block_on(tenant.begin_list(ListQuery::default())).unwrap().data.len(), 1);
    assert_eq!(block_on(tenant.begin_verify_session(id)).unwrap().id, id);
    let token = grant.access_token.expose().to_owned();
    assert_eq!(block_on(tenant.begin_verify_access_token(&token)).unwrap().session.id, id);
    assert_eq!(block_on(tenant.begin_call(|tenant| tenant.stats())).unwrap().sessions.active, 1);
    block_on(tenant.begin_revoke(id)).unwrap();
    let refused: VerifyError = block_on(tenant.begin_verify_session(id)).unwrap_err();
    assert_eq!((refused.error.code(), refused.session.unwrap().id), (ErrorCode::SessionRevoked, id));
    let refused = block_on(tenant.begin_refresh("rt_none", Default::default())).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::RefreshTokenInvalid);
    engine.close().unwrap();
    assert_eq!(block_on(tenant.begin_revoke(id)).unwrap_err().code(), ErrorCode::EngineClosed);
}

#[test]
fn a_task_is_woken_once_and_by_the_waker_that_it_polled_with_last() {
    let gate = Gate::default();
    let (_engine, tenant) = open(&gate);
    gate.set_shut(true);
    let mut pending = tenant.begin_create(create("usr_1"));
    let (first, last) = (Alarm::new(), Alarm::new());
    assert!(poll_once(&mut pending, &first).is_pending());
    gate.wait_for_caller();
    assert!(poll_once(&mut pending, &last).is_pending());
    assert_eq!((first.count(), last.count()), (0, 0));
    gate.set_shut(false);
    while last.count() == 0 {
        thread::park();
    }
    assert!(poll_once(&mut pending, &last).is_ready());
    assert_eq!((first.count(), last.count()), (0, 1));
}

#[test]
fn a_dropped_call_happens_only_if_a_thread_has_begun_with_it() {
    let gate = Gate::default();
    let (_engine, tenant) = open(&gate);
    gate.set_shut(true);
    let alarm = Alarm::new();
    let begin = |user: &str| {
        let mut pending = tenant.begin_create(create(user));
        assert!(poll_once(&mut pending, &alarm).is_pending());
        pending
    };
    let running = begin("usr_running");
    gate.wait_for_caller();
    // The other threads for writes wait behind it, so that none is left for the last.
    let waiting: Vec<_> = (0..3).map(|number| begin(&format!("usr_waiting_{number}"))).collect();
    let in_line = begin("usr_in_line");
    drop(in_line);
    drop(tenant.begin_create(create("usr_never_polled")));
    drop(running);
    gate.set_shut(false);
    for pending in waiting {
        block_on(pending).unwrap();
    }
    assert_eq!(users(&tenant), ["usr_running", "usr_waiting_0", "usr_waiting_1", "usr_waiting_2"]);
}

#[test]
fn a_future_that_was_polled_can_be_waited_for() {
    let gate = Gate::default();
    let (_engine, tenant) = open(&gate);
    gate.set_shut(true);
    let alarm = Alarm::new();
    let mut pending = tenant.begin_create(create("usr_1"));
    assert!(poll_once(&mut pending, &alarm).is_pending());
    gate.wait_for_caller();
    let opener = thread::spawn({
        let gate = gate.clone();
        move || gate.set_shut(false)
    });
    assert_eq!(pending.map(|grant| grant.session.user_id.to_string()).wait().unwrap(), "usr_1");
    opener.join().unwrap();
}

#[test]
fn a_panic_of_the_hosts_is_resumed_where_the_future_is_polled_and_spoils_nothing() {
    let (_engine, tenant) = open(&Gate::default());
    let pending = tenant.begin_call(|_| -> Result<(), Error> { panic!("of the host's") });
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| block_on(pending))).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"of the host's"));
    assert!(block_on(tenant.begin_create(create("usr_1"))).is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_share_few_threads() {
    let (_engine, tenant) = open(&Gate::default());
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let tenant = tenant.clone();
            tokio::spawn(async move {
                let grant = tenant.begin_create(create(&format!("usr_{number}"))).await?;
                let verified = tenant.begin_verify_access_token(grant.access_token.expose()).await?;
                Ok::<_, Error>(verified.session.user_id.to_string())
            })
        })
        .collect();
    for (number, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap().unwrap(), format!("usr_{number}"));
    }
    // A time-out takes nothing away from others.
    let pending = tenant.begin_get(crate::model::id::SessionId::from_bytes([0; 16]));
    let late = tokio::time::timeout(std::time::Duration::from_secs(60), pending).await.unwrap();
    assert_eq!(late.unwrap_err().code(), ErrorCode::SessionNotFound);
}

#[test]
fn a_call_that_panicked_is_not_awaited_for_ever() {
    let engine = Engine::open(":memory:").unwrap();
    let tenant = engine.tenant(&"tnt".parse().unwrap(), &"sk_a".parse().unwrap()).unwrap();
    let mut pending: Pending<(), Error> = tenant.begin_call(|_| panic!("of the host's"));
    let alarm = Alarm::new();
    let waker = Waker::from(Arc::clone(&alarm));
    let mut context = Context::from_waker(&waker);
    let mut panics = || {
        let poll = || Pin::new(&mut pending).poll(&mut context).is_pending();
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll)).is_err()
    };
    while !panics() {
        thread::park();
    }
    assert!(panics(), "no one would wake it");
}
