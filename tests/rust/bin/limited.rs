//! The roles of a worker that lacks something: room, descriptors, rights.

use std::path::Path;

use hellojohn_tests::fixture::{sign_in, tenant, user};

use crate::{engine, name_of, open_outcome, say, wait_for_end_of_input};

/// Gives up the descriptors that are left, or the right to open the file, after the engine is open; then many threads read
/// at once, and one writes.
pub(crate) fn read_without(database: &Path, what: &str) {
    let engine = engine(database).expect("an engine");
    let tenant = tenant(&engine, "tnt");
    let session = sign_in(&tenant, "u").session.id;
    match what {
        "descriptors" => {
            let limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            // SAFETY: the limits are a struct of this process.
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
        }
        _ if !drop_rights() => return say("no other user"),
        _ => {}
    }
    let outcomes: Vec<&str> = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| (0..50).map(|_| name_of(tenant.get(session))).collect::<Vec<_>>()))
            .collect();
        readers.into_iter().flat_map(|reader| reader.join().expect("a reader")).collect()
    });
    let wrong = outcomes.iter().filter(|outcome| **outcome != "ok").count();
    say(&format!("{} reads, {wrong} wrong, write {}", outcomes.len(), name_of(tenant.revoke(session))));
}

/// Opens the database without a descriptor to spare.
pub(crate) fn starve_descriptors(database: &Path) {
    let limit = libc::rlimit { rlim_cur: 3, rlim_max: 3 };
    // SAFETY: the limits are a struct of this process.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
    say(engine(database).expect_err("no descriptor is left").detail());
}

/// Becomes a user without rights; whether this process may do that.
fn drop_rights() -> bool {
    const UNPRIVILEGED: u32 = 65_534;
    // SAFETY: numbers of this process.
    unsafe {
        libc::setgroups(0, std::ptr::null()) == 0
            && libc::setgid(UNPRIVILEGED) == 0
            && libc::setuid(UNPRIVILEGED) == 0
    }
}

pub(crate) fn open_unprivileged(database: &Path) {
    say(if drop_rights() { open_outcome(database) } else { "no other user".to_owned() }.as_str());
}

/// Checks as a user without rights. A process that may not become another has no more rights than its own.
pub(crate) fn check_unprivileged(database: &Path) {
    drop_rights();
    match hellojohn::check_database(database) {
        Ok(report) => say(&format!("{} {}", report.ok, report.counts.sessions)),
        Err(error) => say(&error.to_string()),
    }
}

/// Signs in until that fails; then says how it failed, and whether reading goes on.
pub(crate) fn fill(database: &Path, largest_file: u64) {
    let engine = engine(database).expect("an engine");
    let tenant = tenant(&engine, "tnt");
    let first = sign_in(&tenant, "u");
    limit_files(largest_file);
    let mut last = first.clone();
    let error = loop {
        match tenant.create(hellojohn::CreateSession::new(user("u"))) {
            Ok(grant) => last = grant,
            Err(error) => break error,
        }
    };
    let kept = [&first, &last];
    let readable = kept.iter().all(|grant| {
        tenant.verify_session(grant.session.id).is_ok()
            && tenant.verify_access_token(grant.access_token.expose()).is_ok()
    });
    say(&format!("{} {readable} {}", error.code().as_str(), last.session.id));
    // What failed once fails again in the same way, and reading still goes on.
    let again = name_of(tenant.revoke_tenant());
    say(&format!("{again} {}", tenant.get(last.session.id).is_ok()));
    wait_for_end_of_input();
}

fn limit_files(largest: u64) {
    let limit = libc::rlimit { rlim_cur: largest, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: both calls only change how this process is treated when it writes too much.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::setrlimit(libc::RLIMIT_FSIZE, &limit);
    }
}

/// Signs in many users at a time, whose writes share commits, until there is no room; says whether exactly those sessions
/// exist that were answered.
pub(crate) fn fill_together(database: &Path, largest_file: u64) {
    let engine = engine(database).expect("an engine");
    let tenant = tenant(&engine, "tnt");
    limit_files(largest_file);
    let mut answered = Vec::new();
    let error = loop {
        let pending: Vec<_> =
            (0..50).map(|_| tenant.begin_create(hellojohn::CreateSession::new(user("u")))).collect();
        let (kept, refused): (Vec<_>, Vec<_>) =
            pending.into_iter().map(hellojohn::Pending::wait).partition(Result::is_ok);
        answered.extend(kept.into_iter().flatten().map(|grant| grant.session.id));
        if let Some(Err(error)) = refused.into_iter().next() {
            break error;
        }
    };
    let there = answered.iter().all(|id| tenant.verify_session(*id).is_ok());
    let no_more = tenant.stats().expect("stats").sessions.active == answered.len() as u64;
    say(&format!("{} {there} {no_more}", error.code().as_str()));
}
