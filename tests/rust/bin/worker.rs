//! A process of its own, for tests that kill, starve, disown or fork one. It says what it did on standard output, a line
//! each, and ends when its input ends.
#![allow(clippy::print_stdout)] // the protocol

mod limited;
mod neighbours;

use std::io::{Read as _, Write as _, stdin, stdout};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hellojohn::{
    Clock, Durability, Engine, Error, LocalVerification, Pending, PurgeBefore, RefreshRequest, SignOutScope,
    Tenant, Timestamp,
};
use hellojohn_tests::fixture::{START, code, monotonic_nanos, refresh, sign_in, tenant, user};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize| arguments.get(at).map(String::as_str).unwrap_or_default();
    let database = Path::new(argument(1));
    match argument(0) {
        "write" => write_until_killed(database),
        "hold" => hold(database, argument(2)),
        "open" => say(&open_outcome(database)),
        "check-unprivileged" => limited::check_unprivileged(database),
        "open-unprivileged" => limited::open_unprivileged(database),
        "fill-together" => limited::fill_together(database, argument(2).parse().expect("a size")),
        "fill" => limited::fill(database, argument(2).parse().unwrap_or(libc::RLIM_INFINITY)),
        "fork" => fork(database),
        "read-without" => limited::read_without(database, argument(2)),
        "starve-descriptors" => limited::starve_descriptors(database),
        "fork-and-reopen" => fork_and_reopen(database),
        "fork-with-a-future" => fork_with_a_future(database),
        "verify-until-refused" => verify_until_refused(database, argument(2), argument(3)),
        "revoke-as-told" => neighbours::revoke_as_told(database),
        "change-others" => neighbours::change_others(database),
        "commit-as-another-program" => {
            neighbours::commit_as_another_program(database, argument(2).parse().expect("milliseconds"));
        }
        other => panic!("no role {other:?}"),
    }
}

fn say(line: &str) {
    let mut out = stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("a reader of this output");
}

fn wait_for_end_of_input() {
    let _ = stdin().read_to_end(&mut Vec::new());
}

/// Verifies the token until it is refused; then says when the last verification began that accepted it, and how many did.
fn verify_until_refused(database: &Path, id: &str, token: &str) {
    let engine = Engine::builder().open(database).expect("an engine");
    let tenant = tenant(&engine, id);
    let (mut last, mut accepted) = (0, 0_u64);
    loop {
        let began = monotonic_nanos();
        if tenant.verify_access_token(token).is_err() {
            break say(&format!("{last} {accepted}"));
        }
        (last, accepted) = (began, accepted + 1);
        if accepted == 1 {
            say("accepted");
        }
    }
}

fn name_of<T, E: Into<Error>>(outcome: Result<T, E>) -> &'static str {
    code(outcome).map_or("ok", |code| code.as_str())
}

fn engine(database: &Path) -> Result<Engine, Error> {
    Engine::builder().durability(Durability::Normal).busy_timeout(Duration::from_millis(200)).open(database)
}

fn open_outcome(database: &Path) -> String {
    match engine(database) {
        Ok(engine) => {
            let outcome = engine.tenant(
                &"tnt".parse().expect("an id"),
                &"sk_test_x_1Lp5Qz8Bc2Xw6Nt9Kv3M".parse().expect("a key"),
            );
            name_of(outcome).to_owned()
        }
        Err(error) => error.code().as_str().to_owned(),
    }
}

/// Signs in, refreshes and revokes in two threads, and prints each answer only after the engine has given it. A third one
/// ends many sessions at once and has them stamped.
fn write_until_killed(database: &Path) {
    let engine = Engine::builder()
        .durability(Durability::Normal)
        .direct_ends_max(2)
        .open(database)
        .expect("an engine");
    let tenant = tenant(&engine, "tnt");
    let order = Mutex::new(());
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (tenant, order) = (&tenant, &order);
            scope.spawn(move || {
                let tell = |line: String| {
                    let _order = order.lock();
                    say(&line);
                };
                loop {
                    let grant = sign_in(tenant, &format!("u{thread}"));
                    let id = grant.session.id;
                    tell(format!("live {id} {}", grant.refresh_token.expose()));
                    let grant = refresh(tenant, grant.refresh_token.expose()).expect("a successor");
                    tell(format!("live {id} {}", grant.refresh_token.expose()));
                    if id.to_string().ends_with(['0', '1', '2', '3', '4', '5', '6', '7']) {
                        tenant.revoke(id).expect("an end");
                        tell(format!("over {id} {}", grant.refresh_token.expose()));
                    }
                }
            });
        }
        let (tenant, order) = (&tenant, &order);
        scope.spawn(move || {
            loop {
                let grants: Vec<_> = (0..8).map(|_| sign_in(tenant, "many")).collect();
                tenant.revoke_user(&user("many"), None).expect("an end");
                let told = order.lock();
                for grant in grants {
                    say(&format!("over {} {}", grant.session.id, grant.refresh_token.expose()));
                }
                drop(told);
                tenant.sweep().expect("stamps");
            }
        });
    });
}

/// A connection of another program that holds a lock.
fn hold(database: &Path, statements: &str) {
    let connection = rusqlite::Connection::open(database).expect("a connection");
    connection.execute_batch(statements).expect("a lock");
    say("held");
    wait_for_end_of_input();
}

/// Forks with an engine open; the child tries everything, then lets go of it in one way or the other.
fn fork(database: &Path) {
    let engine = engine(database).expect("an engine");
    let tenant = tenant(&engine, "tnt");
    let grant = sign_in(&tenant, "u");
    for leaves_by_exit in [false, true] {
        // SAFETY: this process has one thread.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let calls = call_everything(&engine, &tenant, &grant);
            let all_refused = calls.iter().all(|outcome| *outcome == "forked");
            if !leaves_by_exit {
                drop((tenant, engine));
            }
            std::process::exit(if all_refused { 0 } else { 1 });
        }
        let mut status = 0;
        // SAFETY: waits for our own child.
        unsafe { libc::waitpid(child, &mut status, 0) };
        say(&format!("child {status}"));
        let again = sign_in(&tenant, "u");
        let fine = tenant.verify_session(grant.session.id).is_ok()
            && refresh(&tenant, again.refresh_token.expose()).is_ok();
        say(&format!("parent {fine}"));
    }
    engine.close().expect("an end");
}

fn call_everything(engine: &Engine, tenant: &Tenant, grant: &hellojohn::Grant) -> Vec<&'static str> {
    let (id, access, refresh) = (grant.session.id, grant.access_token.expose(), grant.refresh_token.expose());
    let key = "sk_live_other_6Hm3Jd9Pf1Ls8Gv2".parse().expect("a key");
    vec![
        name_of(engine.tenant(tenant.id(), &key)),
        name_of(engine.lower_clock_mark()),
        name_of(engine.close()),
        name_of(tenant.create(hellojohn::CreateSession::new(user("u")))),
        name_of(tenant.refresh(refresh, RefreshRequest::default())),
        name_of(tenant.verify_session(id)),
        name_of(tenant.verify_access_token(access)),
        name_of(tenant.verify_locally(access, &LocalVerification::default())),
        name_of(tenant.get(id)),
        poll(&mut tenant.begin_get(id)),
        name_of(tenant.list(&Default::default())),
        name_of(tenant.revoke(id)),
        name_of(tenant.revoke_user(&user("u"), None)),
        name_of(tenant.revoke_tenant()),
        name_of(tenant.sign_out(access, SignOutScope::Global)),
        name_of(tenant.sign_out(refresh, SignOutScope::Local)),
        name_of(tenant.update(id, Default::default())),
        name_of(tenant.config()),
        name_of(tenant.update_config(&Default::default())),
        name_of(tenant.keys()),
        name_of(tenant.jwks()),
        name_of(tenant.rotate_keys()),
        name_of(tenant.change_secret_key(&key)),
        name_of(tenant.stats()),
        name_of(tenant.sweep()),
        name_of(tenant.purge(PurgeBefore::Time(Timestamp::default()))),
    ]
}

/// A child that opens the file anew. SQLite's bookkeeping of locks comes over with the fork and claims locks that only the
/// parent has: what the child writes would be lost when the parent closes and takes the log away.
fn fork_and_reopen(database: &Path) {
    let parents = engine(database).expect("an engine");
    let tenants = tenant(&parents, "tnt");
    sign_in(&tenants, "u");
    let (mut here, mut there) = UnixStream::pair().expect("a pair");
    let mut turn = [0];
    // SAFETY: this process has one thread.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let own = engine(database);
        there.write_all(&turn).and_then(|()| there.read_exact(&mut turn)).expect("a parent");
        say(&match own {
            Ok(own) => format!("child {}", sign_in(&tenant(&own, "tnt"), "child").session.id),
            Err(error) => format!("child {}", error.code().as_str()),
        });
        // SAFETY: leaves as a crash would.
        unsafe { libc::_exit(0) };
    }
    here.read_exact(&mut turn).expect("a child");
    drop((tenants, parents));
    here.write_all(&turn).expect("a child");
    // SAFETY: waits for our own child.
    unsafe { libc::waitpid(child, &mut 0, 0) };
}

/// What a future says at once.
fn poll<T: Send + 'static>(pending: &mut Pending<T>) -> &'static str {
    match Pin::new(pending).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => "pending",
        Poll::Ready(answer) => name_of(answer),
    }
}

static IS_SHUT: AtomicBool = AtomicBool::new(false);

/// A clock that keeps every call waiting while it is shut.
struct Gate;

impl Clock for Gate {
    fn now(&self) -> Timestamp {
        while IS_SHUT.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        Timestamp::from_millis(START)
    }
}

/// Forks while threads of the engine wait for an answer, which a child does not have.
fn fork_with_a_future(database: &Path) {
    let engine = Engine::builder().clock(Gate).open(database).expect("an engine");
    let tenant = tenant(&engine, "tnt");
    let id = sign_in(&tenant, "u").session.id;
    IS_SHUT.store(true, Ordering::SeqCst);
    let mut begun = tenant.begin_create(hellojohn::CreateSession::new(user("v")));
    say(&format!("before {}", poll(&mut begun)));
    // SAFETY: the child makes only calls that must use nothing of its parent's threads, and leaves as a crash would.
    let child = unsafe { libc::fork() };
    if child == 0 {
        say(&format!("child {} {}", poll(&mut begun), poll(&mut tenant.begin_get(id))));
        // SAFETY: as above.
        unsafe { libc::_exit(0) };
    }
    // SAFETY: waits for our own child.
    unsafe { libc::waitpid(child, &mut 0, 0) };
    IS_SHUT.store(false, Ordering::SeqCst);
    say(&format!("parent {}", name_of(begun.wait())));
}
