//! Verifications that are remembered: no machine accepts a session after the call has returned that ended it, whatever is stopped
//! or cut, and within a lease none of them asks the server.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use hellojohn::{Engine, ErrorCode, Grant, IdentityPatch, SignOutScope, Tenant, VerifyMode};
use hellojohn_tests::fixture::{
    code, configure, monotonic_nanos, refresh, sign_in, sign_in_for, tenant, user,
};

use crate::fault_proxy::Fault;
use crate::network::proxied;

const TENANT: &str = "tnt_leases";
const PATIENCE: Duration = Duration::from_secs(120);

/// A machine of its own.
fn host(url: &str, mode: VerifyMode) -> Tenant {
    let engine = Engine::builder().busy_timeout(PATIENCE).verify(mode).open(url).expect("the server is up");
    tenant(&engine, TENANT)
}

fn lease(millis: u64) -> VerifyMode {
    VerifyMode::Lease(Duration::from_millis(millis))
}

fn accepts(tenant: &Tenant, grant: &Grant) -> bool {
    tenant.verify_access_token(grant.access_token.expose()).is_ok()
}

#[test]
fn within_a_lease_a_verification_takes_no_trip() {
    let (_, proxy, through) = proxied();
    for mode in [lease(5_000), VerifyMode::Stale(VerifyMode::LONGEST)] {
        let here = host(&through, mode);
        let grant = sign_in(&here, "usr_1");
        let token = grant.access_token.expose();
        let hurried = here.non_blocking();
        assert_eq!(code(hurried.verify_access_token(token)), Some(ErrorCode::StorageBusy));
        // A busy machine may take longer than the lease once.
        let is_remembered = (0..5).any(|_| {
            assert!(accepts(&here, &grant));
            let before = proxy.requests();
            for _ in 0..1_000 {
                assert!(accepts(&here, &grant));
                here.begin_verify_access_token(token).wait().expect("a live session");
            }
            proxy.requests() == before && hurried.verify_access_token(token).is_ok()
        });
        assert!(is_remembered, "{mode}");
    }
    let here = host(&through, VerifyMode::Store);
    let grant = sign_in(&here, "usr_1");
    let before = proxy.requests();
    (0..10).for_each(|_| assert!(accepts(&here, &grant)));
    assert!(proxy.requests() - before >= 10);
}

/// The ways to end a session, or to change what is told of it.
type End = fn(&Tenant, &Grant);

const ENDS: [(&str, End); 9] = [
    ("revoke", |by, grant| by.revoke(grant.session.id).expect("a session")),
    ("revoke user", |by, _| assert_eq!(by.revoke_user(&user("usr_1"), None).expect("ended"), 1)),
    ("revoke tenant", |by, _| assert_eq!(by.revoke_tenant().expect("ended"), 1)),
    ("sign out", |by, grant| {
        let ended = by.sign_out(grant.access_token.expose(), SignOutScope::Local);
        assert_eq!(ended.expect("ended"), 1);
    }),
    ("reuse", |by, grant| {
        refresh(by, grant.refresh_token.expose()).expect("a live token");
        let reused = refresh(by, grant.refresh_token.expose());
        assert_eq!(code(reused), Some(ErrorCode::RefreshTokenReused));
    }),
    ("cap", |by, _| {
        configure(by, r#"{"max_sessions_per_user": 1}"#);
        sign_in(by, "usr_1");
    }),
    ("idle time-out", |by, _| {
        std::thread::sleep(Duration::from_millis(1_100));
        configure(by, r#"{"idle_timeout": "1s"}"#);
    }),
    ("key", |by, _| {
        by.rotate_keys().expect("new keys");
        let keys = by.keys().expect("keys");
        let retiring =
            keys.iter().find(|key| key.state == hellojohn::KeyState::Retiring).expect("the former one");
        by.retire_key(retiring.kid).expect("retired");
    }),
    ("found ended", |by, grant| {
        // Another call has ended it and is still waiting.
        let (first, id) = (by.clone(), grant.session.id);
        std::thread::spawn(move || first.revoke(id));
        while by.get(id).expect("a session").status == hellojohn::Status::Active {}
        by.revoke(id).expect("it has ended");
    }),
];

#[test]
fn no_call_that_ends_a_session_returns_while_a_machine_may_accept_it() {
    for (name, end) in ENDS {
        let (url, ..) = proxied();
        // Opened before there was a lease, and without one.
        let there = host(&url, VerifyMode::Store);
        configure(&there, r#"{"refresh_reuse_window": "0s"}"#);
        let here = host(&url, lease(1_000));
        let grant = sign_in(&there, "usr_1");
        let has_returned = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (here, grant, has_returned) = (&here, &grant, &has_returned);
            let verifier = scope.spawn(move || {
                loop {
                    let began_after = has_returned.load(Ordering::SeqCst);
                    match (accepts(here, grant), began_after) {
                        (true, true) => break false,
                        (_, true) => break true,
                        _ => {}
                    }
                }
            });
            let began = Instant::now();
            end(&there, grant);
            let took = began.elapsed();
            has_returned.store(true, Ordering::SeqCst);
            assert!(verifier.join().expect("no panic"), "{name}: accepted after the call had returned");
            assert!(took >= Duration::from_millis(1_011), "{name}: {took:?}");
        });
    }
}

#[test]
fn what_is_told_of_a_session_is_as_the_call_left_it_that_changed_it() {
    let (url, ..) = proxied();
    let (here, there) = (host(&url, lease(300)), host(&url, VerifyMode::Store));
    let grant = sign_in(&there, "usr_1");
    let role = |tenant: &Tenant| {
        let verified = tenant.verify_access_token(grant.access_token.expose()).expect("a live session");
        verified.session.identity.role.as_ref().map(ToString::to_string)
    };
    for new in ["admin", "guest"] {
        role(&here);
        let mut patch = IdentityPatch::default();
        patch.role = Some(Some(new.parse().expect("a role")));
        there.update(grant.session.id, patch).expect("a live session");
        assert_eq!(role(&here).as_deref(), Some(new));
    }
}

#[test]
fn a_stopped_process_comes_back_without_its_leases() {
    let (url, ..) = proxied();
    let mode = lease(50);
    let there = host(&url, mode);
    let mut remembered = 0;
    for round in 0..12_u64 {
        let grant = sign_in(&there, "usr_1");
        let mut child = Command::new(env!("CARGO_BIN_EXE_worker"))
            .args(["verify-until-refused", &format!("{url}&verify={mode}"), TENANT])
            .args([grant.access_token.expose()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let process = i32::try_from(child.id()).expect("a process number");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut line = || lines.next().expect("a line").expect("text");
        assert_eq!(line(), "accepted");
        std::thread::sleep(Duration::from_millis(round * 7));
        // SAFETY: a signal to a child that was not waited for.
        assert_eq!(unsafe { libc::kill(process, libc::SIGSTOP) }, 0);
        there.revoke(grant.session.id).expect("a session");
        let returned = monotonic_nanos();
        // SAFETY: as above.
        assert_eq!(unsafe { libc::kill(process, libc::SIGCONT) }, 0);
        let told = line();
        let (last, count) = told.split_once(' ').expect("two numbers");
        let (last, count): (u64, u64) = (last.parse().expect("a number"), count.parse().expect("a number"));
        assert!(last <= returned, "a verification that began {} ns after the call returned", last - returned);
        remembered += count;
        child.wait().expect("it ends");
    }
    assert!(remembered > 0);
}

#[test]
fn a_network_that_fails_lets_no_ended_session_in() {
    let (url, proxy, through) = proxied();
    let (direct, far) = (host(&url, lease(40)), host(&through, lease(40)));
    for round in 0..30 {
        let grant = sign_in(&direct, "usr_1");
        let has_returned = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (grant, has_returned) = (&grant, &has_returned);
            let verifiers = [&direct, &far].map(|tenant| {
                scope.spawn(move || {
                    let mut accepted = 0_u64;
                    loop {
                        let began_after = has_returned.load(Ordering::SeqCst);
                        let is_accepted = accepts(tenant, grant);
                        assert!(!(began_after && is_accepted), "accepted after the call had returned");
                        if began_after {
                            return accepted;
                        }
                        accepted += u64::from(is_accepted);
                    }
                })
            });
            // On the machine whose network fails, or on the other one.
            let ends = if round % 2 == 0 { &far } else { &direct };
            match round % 3 {
                0 => proxy.set(Fault::LoseNextAnswer),
                1 => proxy.cut(),
                _ => proxy.set(Fault::Delay(Duration::from_millis(3))),
            }
            ends.revoke(grant.session.id).expect("a session");
            has_returned.store(true, Ordering::SeqCst);
            proxy.set(Fault::None);
            let [near, far] = verifiers.map(|verifier| verifier.join().expect("no promise is broken"));
            assert!(near + far > 0 || round > 0, "nothing was ever accepted");
        });
    }
}

#[test]
fn a_stale_answer_is_given_for_so_long_elsewhere_and_not_at_all_here() {
    let (url, ..) = proxied();
    let ms = 400;
    let [here, there] = [(); 2].map(|()| host(&url, VerifyMode::Stale(Duration::from_millis(ms))));
    let grants: Vec<Grant> = (0..3).map(|_| sign_in(&here, "usr_1")).collect();
    let remember = |grant: &Grant| assert!(accepts(&here, grant) && accepts(&there, grant));

    // Elsewhere for at most so long after the end, and then no more.
    remember(&grants[0]);
    there.revoke(grants[0].session.id).expect("a session");
    let returned = Instant::now();
    assert!(!accepts(&there, &grants[0]), "the process that ended it knows at once");
    let mut overlooked = None;
    loop {
        let began = returned.elapsed();
        if !accepts(&here, &grants[0]) {
            break;
        }
        overlooked = Some(began);
    }
    assert!(overlooked.is_none_or(|last| last < Duration::from_millis(ms)), "{overlooked:?}");

    // A call that finds it ended knows, too.
    remember(&grants[1]);
    there.revoke(grants[1].session.id).expect("a session");
    here.revoke(grants[1].session.id).expect("it has ended");
    assert!(!accepts(&here, &grants[1]));
    remember(&grants[2]);
    there.revoke(grants[2].session.id).expect("a session");
    assert_eq!(here.revoke_user(&user("usr_1"), None).expect("none is left"), 0);
    assert!(!accepts(&here, &grants[2]));
}

#[test]
fn the_clock_ends_what_is_remembered() {
    let (url, ..) = proxied();
    let here = host(&url, lease(5_000));
    let grant = sign_in_for(&here, "usr_1", "3s");
    let expires_at = u128::try_from(grant.session.expires_at.as_millis()).expect("a time");
    loop {
        let began = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time").as_millis();
        let verified = here.verify_access_token(grant.access_token.expose());
        if let Err(refused) = verified {
            let codes = [ErrorCode::TokenExpired, ErrorCode::SessionExpired];
            assert!(codes.contains(&refused.error.code()), "{}", refused.error);
            // A token ends with a whole second.
            assert!(began + 1_100 >= expires_at, "{began} of {expires_at}: long before its time");
            break;
        }
        assert!(began < expires_at, "accepted {} ms after its end", began - expires_at);
    }
}

#[test]
fn shorter_leases_are_waited_for_and_taken_up_by_hosts_that_are_open() {
    let (url, ..) = proxied();
    let (here, there) = (host(&url, lease(600)), host(&url, VerifyMode::Store));
    let grants = [(); 2].map(|()| sign_in(&here, "usr_1"));
    assert!(accepts(&here, &grants[0]));
    let began = Instant::now();
    assert_eq!(hellojohn::lower_lease(&url, Duration::ZERO), Ok(Duration::ZERO));
    assert!(began.elapsed() >= Duration::from_millis(607));
    for grant in &grants {
        assert!(accepts(&here, grant));
        there.revoke(grant.session.id).expect("a session");
        assert!(!accepts(&here, grant), "a lease that the database does not allow any more");
    }
    for bad in [Duration::from_millis(5_001), Duration::from_micros(10)] {
        assert_eq!(code(hellojohn::lower_lease(&url, bad)), Some(ErrorCode::ValidationError));
    }
    assert_eq!(code(hellojohn::lower_lease("sessions.db", Duration::ZERO)), Some(ErrorCode::ValidationError));
}
