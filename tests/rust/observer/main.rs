//! What the engine tells its observer: each operation once, under its name, and never more than SPEC 16 says.

mod every_operation;
mod public_operations;
mod tracing_events;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use hellojohn::{
    CreateSession, Engine, ErrorCode, LocalVerification, ManualClock, Observer, Operation, OperationReport,
    RefreshRequest, RequiredAuth, SessionActor, SessionId, Tenant, Timestamp, UserId,
};

const SECRET: &str = "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA";

#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    operation: Operation,
    tenant_id: Option<String>,
    error: Option<ErrorCode>,
    duration: Duration,
    rows: u64,
    is_from_cache: bool,
    /// All of the report.
    text: String,
}

/// Keeps what it is told, while it is on.
#[derive(Default)]
struct Recorder {
    is_off: AtomicBool,
    told: Mutex<Vec<Told>>,
}

impl Recorder {
    fn take(&self) -> Vec<Told> {
        std::mem::take(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take_one(&self) -> Told {
        let [told] = <[Told; 1]>::try_from(self.take()).expect("one operation was told");
        told
    }
}

impl Observer for Recorder {
    fn is_enabled(&self) -> bool {
        !self.is_off.load(Ordering::Relaxed)
    }

    fn observe(&self, report: &OperationReport<'_>) {
        let told = Told {
            operation: report.operation,
            tenant_id: report.tenant_id.map(ToString::to_string),
            error: report.error,
            duration: report.duration,
            rows: report.rows,
            is_from_cache: report.is_from_cache,
            text: format!("{report:?}"),
        };
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    }
}

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn tenant_of(engine: &Engine) -> Tenant {
    engine.tenant(&"tnt_acme".parse().unwrap(), &SECRET.parse().unwrap()).unwrap()
}

/// A tenant in a file, told to the recorder from now on, and the clock.
fn observed() -> (Arc<Recorder>, ManualClock, Engine, Tenant, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(Timestamp::from_millis(1_767_225_600_000));
    let recorder = Arc::new(Recorder::default());
    let engine = Engine::builder()
        .clock(clock.clone())
        .observer(Arc::clone(&recorder))
        .open(folder.path().join("sessions.db"))
        .unwrap();
    let tenant = tenant_of(&engine);
    recorder.take();
    (recorder, clock, engine, tenant, folder)
}

#[test]
fn a_refusal_is_told_with_its_code_and_without_rows() {
    let (recorder, _, engine, tenant, _folder) = observed();
    let unknown: SessionId = "ses_01JGFJJZ00AAAAAAAAAAAAAAAA".parse().unwrap();
    assert!(tenant.get(unknown).is_err());
    let told = recorder.take_one();
    assert_eq!((told.operation, told.error), (Operation::Get, Some(ErrorCode::SessionNotFound)));
    assert_eq!((told.rows, told.tenant_id.as_deref()), (0, Some("tnt_acme")));
    assert!(tenant.verify_access_token("a.b.c").is_err());
    assert_eq!(recorder.take_one().error, Some(ErrorCode::InvalidToken));
    let other = "sk_live_nE4wQ8tYb2mZ6kXp9RvLcU".parse().unwrap();
    assert!(engine.tenant(&"tnt_acme".parse().unwrap(), &other).is_err());
    let told = recorder.take_one();
    assert_eq!((told.operation, told.error), (Operation::OpenTenant, Some(ErrorCode::InvalidApiKey)));
    engine.close().unwrap();
    recorder.take();
    assert!(tenant.stats().is_err());
    assert_eq!(recorder.take_one().error, Some(ErrorCode::EngineClosed));
}

#[test]
fn the_refusal_of_a_gate_is_told_once_with_its_own_code() {
    let (recorder, clock, _engine, tenant, _folder) = observed();
    let own = tenant.create(CreateSession::new(user("usr_1"))).unwrap().access_token;
    let actor = SessionActor::new(user("op"), "ticket 1".parse().unwrap());
    let acted = tenant.create(CreateSession::new(user("usr_1")).actor(Some(actor))).unwrap().access_token;
    clock.advance_millis(300_001);
    recorder.take();
    let factor = RequiredAuth::default().factors("otp".parse().unwrap());
    let recent = RequiredAuth::default().max_age(Some("5m".parse().unwrap()));
    let no_actor = RequiredAuth::default().refuse_actor(true);
    for (token, required, code) in [
        (own.expose(), &factor, ErrorCode::ReauthenticationRequired),
        (own.expose(), &recent, ErrorCode::ReauthenticationRequired),
        (acted.expose(), &no_actor, ErrorCode::InsufficientPermissions),
        ("a.b.c", &no_actor, ErrorCode::InvalidToken),
    ] {
        assert!(tenant.require_auth(token, required).is_err());
        let told = recorder.take_one();
        assert_eq!((told.operation, told.error, told.rows), (Operation::RequireAuth, Some(code), 0));
        assert!(tenant.require_auth_locally(token, &LocalVerification::default(), required).is_err());
        let told = recorder.take_one();
        assert_eq!((told.operation, told.error, told.rows), (Operation::RequireAuthLocally, Some(code), 0));
    }
    // A gate that asks for nothing is the verification that it is.
    tenant.require_auth(acted.expose(), &RequiredAuth::default()).unwrap();
    assert_eq!(recorder.take_one().operation, Operation::VerifyAccessToken);
}

#[test]
fn a_write_that_was_begun_is_told_when_its_answer_is_taken() {
    let (recorder, clock, _engine, tenant, _folder) = observed();
    let pending = tenant.begin_create(CreateSession::new(user("usr_1")));
    assert_eq!(recorder.take(), []);
    clock.advance_millis(7);
    pending.wait().unwrap();
    let told = recorder.take_one();
    assert_eq!((told.operation, told.duration), (Operation::Create, Duration::from_millis(7)));
    drop(tenant.begin_create(CreateSession::new(user("usr_1"))));
    assert_eq!(recorder.take(), []);
    // A clock that was set back measures nothing.
    let pending = tenant.begin_create(CreateSession::new(user("usr_1")));
    clock.advance_millis(-7);
    pending.wait().unwrap();
    assert_eq!(recorder.take_one().duration, Duration::ZERO);
}

#[test]
fn the_sessions_that_a_sign_in_evicts_are_counted() {
    let (recorder, _, _engine, tenant, _folder) = observed();
    tenant.update_config(&r#"{"max_sessions_per_user": 1}"#.parse().unwrap()).unwrap();
    tenant.create(CreateSession::new(user("usr_1"))).unwrap();
    recorder.take();
    tenant.create(CreateSession::new(user("usr_1"))).unwrap();
    assert_eq!(recorder.take_one().rows, 2);
}

#[test]
fn an_observer_that_is_off_is_told_nothing_until_it_is_on() {
    let (recorder, _, _engine, tenant, _folder) = observed();
    recorder.is_off.store(true, Ordering::Relaxed);
    tenant.config().unwrap();
    let begun_before = tenant.begin_create(CreateSession::new(user("usr_1")));
    recorder.is_off.store(false, Ordering::Relaxed);
    begun_before.wait().unwrap();
    assert_eq!(recorder.take(), []);
    tenant.config().unwrap();
    assert_eq!(recorder.take_one().operation, Operation::Config);
}

/// Panics in both of its methods, in turn.
#[derive(Default)]
struct Panicking {
    is_question_good: AtomicBool,
}

impl Observer for Panicking {
    fn is_enabled(&self) -> bool {
        assert!(self.is_question_good.fetch_xor(true, Ordering::Relaxed), "a bug of the host");
        true
    }

    fn observe(&self, _: &OperationReport<'_>) {
        panic!("a bug of the host");
    }
}

#[test]
fn a_panic_of_an_observer_changes_no_operation() {
    let engine = Engine::builder().observer(Panicking::default()).open(":memory:").unwrap();
    let tenant = tenant_of(&engine);
    thread::scope(|scope| {
        for number in 0..4 {
            let tenant = &tenant;
            scope.spawn(move || {
                for _ in 0..5 {
                    let grant = tenant.create(CreateSession::new(user(&format!("usr_{number}")))).unwrap();
                    let begun = tenant.begin_refresh(grant.refresh_token.expose(), RefreshRequest::default());
                    let grant = begun.wait().unwrap();
                    tenant.verify_access_token(grant.access_token.expose()).unwrap();
                    assert!(tenant.refresh("no token", RefreshRequest::default()).is_err());
                }
            });
        }
    });
    assert_eq!(tenant.stats().unwrap().sessions.active, 20);
    engine.close().unwrap();
}

/// Calls the engine itself, here and on another thread: with a lock of the engine held, that would never end.
#[derive(Default)]
struct Calling {
    tenant: OnceLock<Tenant>,
    told: Mutex<Vec<Operation>>,
}

impl Observer for Calling {
    fn observe(&self, report: &OperationReport<'_>) {
        self.told.lock().unwrap().push(report.operation);
        if report.operation == Operation::Revoke {
            let tenant = self.tenant.get().unwrap();
            tenant.create(CreateSession::new(user("usr_2"))).unwrap();
            thread::scope(|scope| {
                scope.spawn(|| tenant.create(CreateSession::new(user("usr_2"))).unwrap());
            });
        }
    }
}

#[test]
fn an_observer_may_call_the_engine_and_is_not_told_of_that() {
    let observer = Arc::new(Calling::default());
    let engine = Engine::builder().observer(Arc::clone(&observer)).open(":memory:").unwrap();
    let tenant = tenant_of(&engine);
    assert!(observer.tenant.set(tenant.clone()).is_ok());
    let grant = tenant.create(CreateSession::new(user("usr_1"))).unwrap();
    tenant.revoke(grant.session.id).unwrap();
    let told = observer.told.lock().unwrap().clone();
    // The call on a thread of its own is a call as any other.
    assert_eq!(told, [Operation::OpenTenant, Operation::Create, Operation::Revoke, Operation::Create]);
    assert_eq!(tenant.stats().unwrap().sessions.active, 2);
}
