//! What a process remembers of verified tokens and of users' lists, while other processes revoke, write about other sessions, are killed and stopped at any
//! moment, other programs commit, and the file in which processes tell each other of their commits is deleted, overwritten and cut.
//! A revocation that has returned, in any process, is seen by the very next call. `HJ_NEIGHBOURS=n` sets how many revocations are tried.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hellojohn::{
    CacheValidator, Durability, Engine, ErrorCode, Grant, Limit, ListQuery, SessionFilter, Tenant,
};
use hellojohn_tests::fixture::{Database, code, rounds, sign_in, tenant, user};

/// A process beside this one, which ends with this value.
struct Neighbour {
    child: Child,
    input: Option<ChildStdin>,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Neighbour {
    fn start(role: &str, database: &Path, argument: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_worker"))
            .args([role.as_ref(), database.as_os_str(), argument.as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        Neighbour { input: child.stdin.take(), child, lines }
    }

    fn signal(&self, number: i32) {
        // SAFETY: a signal to a child of this test, which was not waited for.
        unsafe { libc::kill(self.child.id().cast_signed(), number) };
    }

    /// Has a session revoked, and waits until the call has returned there.
    fn revoke(&mut self, grant: &Grant) {
        writeln!(self.input.as_mut().unwrap(), "{}", grant.session.id).unwrap();
        assert_eq!(self.lines.next().unwrap().unwrap(), "revoked");
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn open(database: &Database) -> Engine {
    Engine::builder()
        .durability(Durability::Normal)
        .busy_timeout(Duration::from_secs(60))
        .open(database.path())
        .unwrap()
}

fn shared_file(database: &Database) -> PathBuf {
    database.folder().join("sessions.db-hj2")
}

/// The sessions that this process remembers at a time.
const REMEMBERED: usize = 16;

/// Has `count` revocations made by other processes; each must be seen by the next call. Answers how many checks of the other tokens,
/// and of another user's list, were answered from memory, of how many.
fn require_seen(tenant: &Tenant, revoker: &mut Neighbour, count: u64) -> (u64, u64) {
    let mut grants: Vec<Grant> = (0..REMEMBERED).map(|_| sign_in(tenant, "u")).collect();
    sign_in(tenant, "quiet");
    let (mut kept, mut checked) = (0, 0);
    let [changed, quiet] = ["u", "quiet"].map(|id| {
        ListQuery::default().filter(SessionFilter::of_user(user(id))).limit(Limit::new(100).unwrap())
    });
    for round in 0..count {
        let at = (round.wrapping_mul(7_919) % REMEMBERED as u64) as usize;
        let before: Vec<_> = grants
            .iter()
            .map(|grant| tenant.verify_access_token(grant.access_token.expose()).unwrap())
            .collect();
        // Remembered by the engine, and by its caller.
        let listed = tenant.list(&changed).unwrap();
        assert!(listed.data.iter().any(|session| session.id == grants[at].session.id), "{round}");
        let list = tenant.list_cacheable(&changed).unwrap().1;
        let quiet_list = tenant.list_cacheable(&quiet).unwrap().1;
        revoker.revoke(&grants[at]);
        let is_fresh = |list: CacheValidator| tenant.is_fresh(&list).unwrap();
        assert!(!list.is_some_and(is_fresh), "the list at revocation {round}");
        let listed = tenant.list(&changed).unwrap();
        assert!(listed.data.iter().all(|session| session.id != grants[at].session.id), "{round}");
        kept += u64::from(quiet_list.is_some_and(is_fresh));
        checked += 1;
        let token = grants[at].access_token.expose();
        assert!(!tenant.is_fresh(before[at].validator()).unwrap(), "revocation {round}");
        assert_eq!(code(tenant.verify_access_token(token)), Some(ErrorCode::SessionRevoked), "{round}");
        for (other, grant) in grants.iter().enumerate().filter(|(other, _)| *other != at) {
            let again = tenant.verify_access_token(grant.access_token.expose()).unwrap();
            kept += u64::from(Arc::ptr_eq(&again, &before[other]));
            checked += 1;
        }
        grants[at] = sign_in(tenant, "u");
    }
    (kept, checked)
}

#[test]
fn what_other_processes_commit_about_other_sessions_ends_nothing() {
    let database = Database::new();
    let engine = open(&database);
    let tenant = tenant(&engine, "tnt");
    let mut revoker = Neighbour::start("revoke-as-told", &database.path(), "");
    let _other = Neighbour::start("change-others", &database.path(), "");
    let (kept, checked) = require_seen(&tenant, &mut revoker, 200);
    // A bucket is shared now and then.
    assert!(kept * 100 >= checked * 98, "{kept} of {checked} were answered from memory");
}

#[test]
fn a_revocation_is_seen_at_once_while_writers_die_and_stop_and_files_are_harmed() {
    let database = Database::new();
    let engine = open(&database);
    let tenant = tenant(&engine, "tnt");
    let mut revoker = Neighbour::start("revoke-as-told", &database.path(), "");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (is_over, database) = (&is_over, &database);
        scope.spawn(move || disturb(database, is_over));
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            require_seen(&tenant, &mut revoker, rounds("HJ_NEIGHBOURS", 300))
        }));
        is_over.store(true, Ordering::SeqCst);
        match outcome {
            Ok((kept, checked)) => {
                assert!(kept * 4 > checked, "{kept} of {checked} were answered from memory")
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
}

/// Kills, stops and replaces writers, and harms the shared file, until it is over.
fn disturb(database: &Database, is_over: &AtomicBool) {
    let path = database.path();
    let start = |which: usize| match which {
        0 => Neighbour::start("commit-as-another-program", &path, "20"),
        _ => Neighbour::start("change-others", &path, ""),
    };
    let mut neighbours: Vec<Neighbour> = (0..3).map(start).collect();
    let program = rusqlite::Connection::open(&path).unwrap();
    program.busy_timeout(Duration::from_secs(60)).unwrap();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut pick = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) % below
    };
    while !is_over.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_micros(2_000 + pick(20_000)));
        let which = pick(3) as usize;
        match pick(8) {
            0..=3 => {
                neighbours[which].signal(libc::SIGSTOP);
                std::thread::sleep(Duration::from_micros(pick(10_000)));
                neighbours[which].signal(libc::SIGCONT);
            }
            4..=6 => neighbours[which] = start(which),
            _ => harm(&program, &shared_file(database), pick(5)),
        }
    }
}

/// Deletes the shared file, puts a copy in its place, or overwrites it. The last not while another process writes to it: that could
/// take back what it notes between two of its stores.
fn harm(program: &rusqlite::Connection, path: &Path, how: u64) {
    // Another process may be making it anew.
    let Ok(content) = fs::read(path) else { return };
    let overwrite = |bytes: &[u8]| {
        program.execute_batch("BEGIN IMMEDIATE").unwrap();
        let _ = fs::File::options().write(true).open(path).and_then(|mut file| file.write_all(bytes));
        program.execute_batch("ROLLBACK").unwrap();
    };
    match how {
        0 => drop(fs::remove_file(path)),
        1 => {
            let copy = path.with_extension("copy");
            if fs::copy(path, &copy).is_ok() {
                fs::rename(copy, path).unwrap();
            }
        }
        2 => overwrite(&vec![0; content.len()]),
        3 => overwrite(&content),
        _ => {
            overwrite(&content.iter().map(|byte| byte.wrapping_mul(31).wrapping_add(7)).collect::<Vec<u8>>())
        }
    }
}

#[test]
fn a_shared_file_that_is_cut_ends_a_process_as_a_cut_index_does_and_the_next_one_makes_another() {
    let database = Database::new();
    let mut writer = Neighbour::start("change-others", &database.path(), "");
    fs::File::options().write(true).open(shared_file(&database)).unwrap().set_len(0).unwrap();
    let ended = writer.child.wait().unwrap();
    assert_eq!(ended.signal(), Some(libc::SIGBUS), "{ended}");
    let engine = open(&database);
    let tenant = tenant(&engine, "tnt");
    let mut revoker = Neighbour::start("revoke-as-told", &database.path(), "");
    let (kept, checked) = require_seen(&tenant, &mut revoker, 20);
    assert!(kept * 100 >= checked * 90, "{kept} of {checked} were answered from memory");
}
