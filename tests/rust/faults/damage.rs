//! Damaged pages of the database file.

use std::fs;

use hellojohn::{Engine, Error, ErrorCode, Status, Timestamp, check_database};
use hellojohn_tests::fixture::{
    Database, SECRET, START, configure, numbers, refresh, seeded, sign_in, sign_in_for, user,
};

/// SplitMix64.
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
fn damage_causes_no_panic_and_brings_no_ended_session_back() {
    const PAGE: usize = 4_096;
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    configure(&tenant, r#"{"max_sessions_per_user":20}"#);
    let mut sessions = Vec::new();
    for at in 0..80 {
        let grant = match at % 4 {
            0 => sign_in_for(&tenant, "u", "1h"),
            _ => sign_in(&tenant, &format!("u{}", at % 3)),
        };
        if at % 4 == 1 {
            tenant.revoke(grant.session.id).unwrap();
        }
        sessions.push(grant);
    }
    let now = START + 2 * 3_600_000;
    process.set_clock(now);
    let living: Vec<bool> = (sessions.iter())
        .map(|grant| tenant.get(grant.session.id).unwrap().status == Status::Active)
        .collect();
    let counts = tenant.stats().unwrap().sessions;
    drop((tenant, process));
    let whole = fs::read(database.path()).unwrap();
    let pages = whole.len() / PAGE;

    let (mut opened, mut denied, mut found) = (0, 0, 0);
    for variant in numbers("HJ_DAMAGE", 1_000) {
        let mut state = variant;
        let mut bytes = whole.clone();
        let page = next_random(&mut state) as usize % pages * PAGE;
        match variant % 5 {
            0 => bytes[page..page + PAGE].fill(0),
            1 => bytes.truncate(next_random(&mut state) as usize % whole.len()),
            2 => {
                let other = next_random(&mut state) as usize % pages * PAGE;
                for at in 0..PAGE {
                    bytes.swap(page + at, other + at);
                }
            }
            // The heads of pages say where everything is.
            3 => bytes[page + next_random(&mut state) as usize % 100] ^= 1 << (next_random(&mut state) % 8),
            _ => {
                for byte in &mut bytes[page + 100..page + PAGE] {
                    *byte = next_random(&mut state) as u8;
                }
            }
        }
        let damaged = Database::new();
        fs::write(damaged.path(), &bytes).unwrap();
        // The engine's answers below have to agree with it: what a check finds sound answers as the whole file does.
        let report = check_database(damaged.path());
        let is_sound = report.as_ref().is_ok_and(|report| report.ok);
        found += u64::from(!is_sound);
        let clock = hellojohn::ManualClock::new(Timestamp::from_millis(now));
        let engine = Engine::builder().clock(clock).random(seeded(variant)).open(damaged.path());
        let tenant = engine.and_then(|engine| engine.tenant(&"tnt".parse()?, &SECRET.parse()?));
        let Ok(tenant) = tenant else {
            assert!(!is_sound, "variant {variant}: a file that does not open is sound");
            denied += 1;
            continue;
        };
        opened += 1;
        if is_sound {
            assert_eq!(tenant.stats().unwrap().sessions, counts, "variant {variant}");
        }
        for (grant, lives) in sessions.iter().zip(&living) {
            let outcomes = [
                tenant.verify_session(grant.session.id).map(drop).map_err(Error::from),
                tenant.verify_access_token(grant.access_token.expose()).map(drop).map_err(Error::from),
                tenant.get(grant.session.id).map(|session| {
                    assert!(*lives || session.status != Status::Active, "variant {variant}");
                }),
                refresh(&tenant, grant.refresh_token.expose()).map(drop),
            ];
            for outcome in outcomes {
                match outcome {
                    Ok(()) => {}
                    Err(error) => {
                        let is_right = !lives || error.code() == ErrorCode::TokenExpired;
                        assert!(!is_sound || is_right, "variant {variant}: a sound file fails: {error}");
                        let ended = [ErrorCode::SessionRevoked, ErrorCode::SessionExpired];
                        assert!(!*lives || !ended.contains(&error.code()), "variant {variant}: {error}");
                    }
                }
            }
            if !lives {
                assert!(tenant.verify_session(grant.session.id).is_err(), "variant {variant}");
                assert!(refresh(&tenant, grant.refresh_token.expose()).is_err(), "variant {variant}");
            }
        }
        let _ = tenant.list(&Default::default()).map(|page| page.data.len());
        let _ = tenant.stats();
        let _ = tenant.sweep();
        let _ = tenant.create(hellojohn::CreateSession::new(user("u1")));
        let _ = tenant.revoke_tenant();
    }
    assert!(opened > 0 && denied > 0 && found > denied, "{opened} {denied} {found}");
}
