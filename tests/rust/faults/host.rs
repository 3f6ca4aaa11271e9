//! The host's clock and entropy fail.

use std::sync::atomic::{AtomicBool, Ordering};

use hellojohn::{Clock, Engine, ErrorCode, Random, RandomUnavailable, SeededRandom, Tenant, Timestamp};
use hellojohn_tests::fixture::{Database, Process, START, code, refresh, sign_in, tenant, user};

/// Entropy that runs dry when told to.
struct DryEntropy(SeededRandom, std::sync::Arc<AtomicBool>);

impl Random for DryEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomUnavailable> {
        if self.1.load(Ordering::SeqCst) { Err(RandomUnavailable) } else { self.0.fill(buffer) }
    }
}

#[test]
fn without_entropy_nothing_is_created_and_no_session_is_lost() {
    let dry = std::sync::Arc::new(AtomicBool::new(false));
    let builder = Engine::builder().random(DryEntropy(SeededRandom::new(1), dry.clone()));
    let process = Process::open(":memory:", START, builder);
    let tenant = process.tenant("tnt");
    let grant = sign_in(&tenant, "u");
    dry.store(true, Ordering::SeqCst);
    let refused = tenant.create(hellojohn::CreateSession::new(user("u")));
    assert_eq!(code(refused), Some(ErrorCode::Internal));
    assert_eq!(code(tenant.rotate_keys()), Some(ErrorCode::Internal));
    assert_eq!(
        code(tenant.change_secret_key(&"sk_live_new_4Tn8Rk2Wq7Zx5Vb9Yc".parse().unwrap())),
        Some(ErrorCode::Internal)
    );
    // Rotation of a token needs none.
    refresh(&tenant, grant.refresh_token.expose()).unwrap();
    assert_eq!(tenant.stats().unwrap().sessions.active, 1);
    dry.store(false, Ordering::SeqCst);
    assert_eq!(tenant.keys().unwrap().len(), 2);
    sign_in(&tenant, "u");
}

/// A clock that panics when told to: foreign code inside a transaction.
struct PanickingClock(std::sync::Arc<AtomicBool>);

impl Clock for PanickingClock {
    fn now(&self) -> Timestamp {
        assert!(!self.0.load(Ordering::SeqCst), "the host's clock panics");
        Timestamp::from_millis(START)
    }
}

#[test]
fn a_panic_in_the_hosts_clock_leaves_the_engine_usable() {
    for database in [Some(Database::new()), None] {
        let broken = std::sync::Arc::new(AtomicBool::new(false));
        let path = database.as_ref().map_or(":memory:".into(), Database::path);
        let engine = Engine::builder().clock(PanickingClock(broken.clone())).open(&path).unwrap();
        let tenant = tenant(&engine, "tnt");
        let grant = sign_in(&tenant, "u");
        broken.store(true, Ordering::SeqCst);
        for call in [|tenant: &Tenant| drop(tenant.revoke_tenant()), |tenant: &Tenant| drop(tenant.stats())] {
            let call = std::panic::AssertUnwindSafe(|| call(&tenant));
            assert!(std::panic::catch_unwind(call).is_err());
        }
        broken.store(false, Ordering::SeqCst);
        tenant.verify_session(grant.session.id).unwrap();
        assert_eq!(tenant.revoke_tenant().unwrap(), 1);
    }
}

#[test]
fn a_clock_past_every_calendar_is_a_failure_and_ends_no_session() {
    let process = Process::in_memory(START);
    let tenant = process.tenant("tnt");
    let grant = sign_in(&tenant, "u");
    process.set_clock(i64::MAX);
    assert_eq!(code(tenant.verify_session(grant.session.id)), Some(ErrorCode::Internal));
    assert_eq!(code(refresh(&tenant, grant.refresh_token.expose())), Some(ErrorCode::Internal));
    process.set_clock(i64::MIN);
    tenant.verify_session(grant.session.id).unwrap();
}
