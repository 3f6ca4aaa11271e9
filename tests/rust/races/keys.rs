//! Tenants, secret keys and signing keys beside each other.

use std::sync::atomic::{AtomicBool, Ordering};

use hellojohn::{Engine, ErrorCode, KeyId, KeyState, SecretKey, Tenant};
use hellojohn_tests::fixture::{Database, Process, SECRET, START, code, seeded, sign_in};

use crate::{Arena, at_once, race_rounds};

fn active_key(tenant: &Tenant) -> KeyId {
    tenant.keys().unwrap().into_iter().find(|key| key.state == KeyState::Active).unwrap().kid
}

/// Makes room for further rotations.
fn retire_all_but(tenant: &Tenant, kept: KeyId) {
    let retiring = tenant.keys().unwrap().into_iter().filter(|key| key.state == KeyState::Retiring);
    for key in retiring.filter(|key| key.kid != kept) {
        tenant.retire_key(key.kid).unwrap();
    }
}

/// A clone must never meet the wrong key while another clone changes it, whatever else changes.
#[test]
fn clones_of_a_handle_go_on_while_the_secret_key_changes() {
    let arena = Arena::new("{}");
    let grant = sign_in(arena.first(), "u");
    let signed_by = active_key(arena.first());
    let secret = |round: u64| -> SecretKey { format!("{SECRET}_{round}").parse().unwrap() };
    for round in 0..(race_rounds() / 10).max(10) {
        let done = AtomicBool::new(false);
        let handle = arena.first();
        at_once::<()>(vec![
            Box::new(|| {
                handle.change_secret_key(&secret(round)).unwrap();
                done.store(true, Ordering::SeqCst);
            }),
            Box::new(|| {
                while !done.load(Ordering::SeqCst) {
                    handle.get(grant.session.id).unwrap();
                }
            }),
            Box::new(|| {
                let other = handle.clone();
                while !done.load(Ordering::SeqCst) {
                    if let Err(refused) = other.rotate_keys() {
                        assert_eq!(refused.code(), ErrorCode::TooManyRequests);
                        retire_all_but(&other, signed_by);
                    }
                    other.verify_access_token(grant.access_token.expose()).unwrap();
                }
            }),
        ]);
        assert_eq!(code(arena.tenants[2].config()), Some(ErrorCode::InvalidApiKey));
    }
}

#[test]
fn tenants_opened_at_once_share_one_set_of_keys() {
    let database = Database::new();
    let processes = [1, 2].map(|seed| {
        let builder = Engine::builder().random(seeded(seed));
        Process::open(database.path(), START, builder)
    });
    for round in 0..(race_rounds() / 10).max(10) {
        let name = format!("tnt_{round}");
        let handles: Vec<Tenant> = at_once(
            [0, 1, 0, 1].iter().map(|at| Box::new(|| processes[*at].tenant(&name)) as Box<_>).collect(),
        );
        let grant = sign_in(&handles[0], "u");
        for handle in &handles {
            handle.verify_access_token(grant.access_token.expose()).unwrap();
            assert_eq!(handle.keys().unwrap().len(), 2);
        }
    }
}
