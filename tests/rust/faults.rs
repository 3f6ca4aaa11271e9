//! What goes wrong outside of the engine: files of others, locks, full and read-only disks, damage, old backups, forks.
//! Every answer is right or says that storage failed; none is late.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hellojohn::{
    Clock, Engine, Error, ErrorCode, Random, RandomUnavailable, SeededRandom, Status, Tenant, Timestamp,
};
use hellojohn_tests::fixture::{
    Database, Process, SECRET, START, code, configure, refresh, sign_in, sign_in_for, tenant, user,
};

/// A worker, ended by the end of its input.
struct Worker {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn start(role: &str, database: &Path, more: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_worker"))
            .args([role.as_ref(), database.as_os_str(), more.as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Worker { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    fn finish(mut self) -> Vec<String> {
        drop(self.child.stdin.take());
        let rest = self.lines.map(Result::unwrap).collect();
        assert!(self.child.wait().unwrap().success());
        rest
    }
}

fn said(role: &str, database: &Path, more: &str) -> Vec<String> {
    Worker::start(role, database, more).finish()
}

fn open(path: &Path) -> Option<ErrorCode> {
    code(Engine::builder().busy_timeout(Duration::from_millis(200)).open(path))
}

fn assert_sound(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok");
}

#[test]
fn files_of_others_are_refused_and_left_alone() {
    let database = Database::new();
    let path = database.path();
    let refused_unchanged = |expected| {
        let before = fs::read(&path).unwrap();
        assert_eq!(open(&path), Some(expected));
        assert_eq!(fs::read(&path).unwrap(), before);
        fs::remove_file(&path).unwrap();
    };
    fs::write(&path, "no database, but long enough to be looked at as one".repeat(40)).unwrap();
    refused_unchanged(ErrorCode::StorageCorrupt);
    let batch = |statements| {
        rusqlite::Connection::open(&path).unwrap().execute_batch(statements).unwrap();
    };
    batch("CREATE TABLE sessions (id TEXT)");
    refused_unchanged(ErrorCode::StorageCorrupt);
    batch("PRAGMA application_id = 7; CREATE TABLE sessions (id TEXT)");
    refused_unchanged(ErrorCode::StorageCorrupt);
    drop(database.open_at(START));
    batch("PRAGMA user_version = 99");
    refused_unchanged(ErrorCode::StorageTooNew);
    drop(database.open_at(START));
    batch("PRAGMA user_version = -1");
    refused_unchanged(ErrorCode::StorageTooNew);

    assert_eq!(open(&database.folder()), Some(ErrorCode::StorageIo));
    assert_eq!(open(&database.folder().join("missing/sessions.db")), Some(ErrorCode::StorageIo));
    assert_eq!(open(Path::new("")), Some(ErrorCode::ValidationError));
    // An empty file is nobody's: a host may have made it with the right permissions.
    fs::write(&path, "").unwrap();
    assert_eq!(open(&path), None);
}

#[test]
fn a_lock_of_another_process_makes_writers_busy_and_leaves_readers_alone() {
    const PATIENCE: Duration = Duration::from_millis(1_500);
    const CALLERS: u32 = 8;
    let database = Database::new();
    let builder = Engine::builder().busy_timeout(PATIENCE);
    let process = Process::open(database.path(), START, builder);
    let tenant = process.tenant("tnt");
    let grant = sign_in(&tenant, "u");
    let mut locker = Worker::start("hold", &database.path(), "BEGIN IMMEDIATE");
    assert_eq!(locker.line(), "held");
    let gives_up = || {
        let start = Instant::now();
        assert_eq!(code(tenant.revoke(grant.session.id)), Some(ErrorCode::StorageBusy));
        start.elapsed()
    };
    let alone = gives_up();
    thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(gives_up)).collect();
        for _ in 0..100 {
            tenant.verify_session(grant.session.id).unwrap();
            tenant.verify_access_token(grant.access_token.expose()).unwrap();
            tenant.list(&Default::default()).unwrap();
        }
        for caller in callers {
            // One after the other the last would wait for all of them.
            let waited = caller.join().unwrap();
            assert!(waited < alone * CALLERS / 2, "{waited:?} beside others, {alone:?} alone");
        }
    });
    locker.finish();
    tenant.revoke(grant.session.id).unwrap();
}

#[test]
fn opening_a_file_that_is_locked_gives_up() {
    for lock in ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"] {
        for exists in [false, true] {
            let database = Database::new();
            if exists {
                drop(database.open_at(START).tenant("tnt"));
            }
            let mut locker = Worker::start("hold", &database.path(), lock);
            assert_eq!(locker.line(), "held");
            let outcome = Engine::builder().busy_timeout(Duration::from_millis(300)).open(database.path());
            let outcome = outcome.and_then(|engine| engine.tenant(&"other".parse()?, &SECRET.parse()?));
            assert_eq!(code(outcome), Some(ErrorCode::StorageBusy), "{lock} {exists}");
            locker.finish();
            database.open_at(START).tenant("other");
        }
    }
}

/// Another copy of a library in this process, as far as files show it: a descriptor that is not ours.
#[test]
fn a_second_library_in_this_process_is_refused() {
    let database = Database::new();
    drop(database.open_at(START));
    let foreign = fs::File::open(database.path()).unwrap();
    assert_eq!(open(&database.path()), Some(ErrorCode::StorageBusy));
    drop(foreign);
    let (one, two) = (database.open_at(START), database.open_at(START));
    let grant = sign_in(&one.tenant("tnt"), "u");
    two.tenant("tnt").verify_session(grant.session.id).unwrap();
    // Closing one of them takes nothing from the other.
    drop(one);
    let mut locker = Worker::start("hold", &database.path(), "SELECT 1");
    locker.line();
    two.tenant("tnt").revoke(grant.session.id).unwrap();
    locker.finish();
}

#[test]
fn a_forked_child_is_refused_and_harms_nobody() {
    let database = Database::new();
    assert_eq!(said("fork", &database.path(), ""), ["child 0", "parent true", "child 0", "parent true"]);
    let process = database.open_at(0);
    assert_eq!(process.tenant("tnt").stats().unwrap().sessions.active, 3);
    drop(process);
    assert_sound(&database.path());
}

#[test]
fn a_forked_child_cannot_open_what_its_parent_had_open() {
    let database = Database::new();
    assert_eq!(said("fork-and-reopen", &database.path(), ""), ["child forked"]);
}

#[test]
fn files_and_folders_that_cannot_be_written_are_refused_as_such() {
    let database = Database::new();
    drop(database.open_at(START).tenant("tnt"));
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let (folder, path) = (database.folder(), database.path());
    for (folder_mode, file_mode) in [(0o777, 0o444), (0o555, 0o444), (0o555, 0o666)] {
        set(&path, file_mode);
        set(&folder, folder_mode);
        let found = said("open-as-nobody", &path, "");
        set(&folder, 0o777);
        if found == ["no other user"] {
            // Not root: this user is bound by permissions itself, and root's way round them needs no test.
            return;
        }
        assert_eq!(found, ["storage_read_only"], "{folder_mode:o} {file_mode:o}");
    }
    set(&path, 0o666);
    assert_eq!(said("open-as-nobody", &path, ""), ["invalid_api_key"]);
}

/// A small disk of its own, or nothing where mounting is not permitted.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: &Path) -> Option<Self> {
        let disk = Disk(folder.to_owned());
        disk.mount_with("size=1m").then_some(disk)
    }

    fn mount_with(&self, options: &str) -> bool {
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&self.0)
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
#[allow(clippy::print_stderr)] // says why it proves nothing here
fn a_full_disk_fails_writes_and_nothing_else() {
    let database = Database::new();
    let Some(disk) = Disk::mount(&database.folder()) else {
        eprintln!("skipped: mounting a small disk is not permitted here");
        return;
    };
    let mut worker = Worker::start("fill", &database.path(), "");
    let line = worker.line();
    let last = line.strip_prefix("storage_full true ").expect(&line).to_owned();
    let again = worker.line();
    assert!(again.ends_with(" true"), "{again}");
    worker.finish();
    assert!(disk.mount_with("remount,size=8m"));
    let process = database.open_at(0);
    let tenant = process.tenant("tnt");
    tenant.get(last.parse().unwrap()).unwrap();
    sign_in(&tenant, "u");
    drop((tenant, process));
    assert_sound(&database.path());

    assert!(disk.mount_with("remount,ro"));
    assert_eq!(open(&database.path()), Some(ErrorCode::StorageReadOnly));
    assert_eq!(open(&database.folder().join("new.db")), Some(ErrorCode::StorageReadOnly));
}

#[test]
fn a_file_that_may_not_grow_fails_writes_and_nothing_else() {
    let database = Database::new();
    let lines = said("fill", &database.path(), "200000");
    let failure = ["storage_io", "storage_full"].into_iter().find(|code| lines[0].starts_with(code));
    let last = lines[0].strip_prefix(failure.expect(&lines[0])).unwrap();
    let last = last.strip_prefix(" true ").expect(&lines[0]);
    assert!(lines[1].ends_with(" true"), "{lines:?}");
    let process = database.open_at(0);
    let tenant = process.tenant("tnt");
    tenant.get(last.parse().unwrap()).unwrap();
    sign_in(&tenant, "u");
    drop((tenant, process));
    assert_sound(&database.path());
}

#[test]
fn a_commit_that_many_share_and_that_finds_no_room_answers_each_as_it_went() {
    for largest_file in [120_000, 200_000, 300_000] {
        let database = Database::new();
        let line = said("fill-together", &database.path(), &largest_file.to_string());
        assert!(["storage_io true true", "storage_full true true"].contains(&line[0].as_str()), "{line:?}");
        assert_sound(&database.path());
    }
}

#[test]
fn a_token_newer_than_a_restored_backup_is_told_so_and_changes_nothing() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let (first, lost) = (sign_in(&tenant, "u"), sign_in(&tenant, "v"));
    let second = refresh(&tenant, first.refresh_token.expose()).unwrap();
    drop((tenant, process));
    fs::copy(database.path(), database.folder().join("backup")).unwrap();

    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let third = refresh(&tenant, second.refresh_token.expose()).unwrap();
    let fourth = refresh(&tenant, third.refresh_token.expose()).unwrap();
    let unknown = sign_in(&tenant, "w");
    drop((tenant, process));
    fs::rename(database.folder().join("backup"), database.path()).unwrap();

    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let before = tenant.get(first.session.id).unwrap();
    for token in [&third, &fourth] {
        let refused = code(refresh(&tenant, token.refresh_token.expose()));
        assert_eq!(refused, Some(ErrorCode::RefreshTokenAhead));
    }
    assert_eq!(code(refresh(&tenant, unknown.refresh_token.expose())), Some(ErrorCode::RefreshTokenInvalid));
    assert_eq!(tenant.get(first.session.id).unwrap(), before);
    refresh(&tenant, lost.refresh_token.expose()).unwrap();
    refresh(&tenant, second.refresh_token.expose()).unwrap();
}

#[test]
fn no_file_holds_a_token_or_a_key() {
    let database = Database::new();
    let mut worker = Worker::start("write", &database.path(), "");
    let mut secrets = vec![SECRET.as_bytes().to_vec()];
    for line in worker.lines.by_ref().take(60) {
        let token = line.unwrap().rsplit(' ').next().unwrap().to_owned();
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&token["rt_".len()..]).unwrap();
        secrets.push(bytes[bytes.len() - 32..].to_vec()); // the tag
        secrets.push(token.into());
    }
    // Killed, so that the log is still there to be looked at.
    worker.child.kill().unwrap();
    worker.child.wait().unwrap();
    let mut files = 0;
    for entry in fs::read_dir(database.folder()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        files += 1;
        for secret in &secrets {
            // A part is as bad as the whole: the end of a token is the end of its tag.
            for part in [&secret[..16], &secret[secret.len() - 16..]] {
                let starts: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == part[0]).collect();
                assert!(!starts.into_iter().any(|at| bytes[at..].starts_with(part)));
            }
        }
    }
    assert_eq!(files, 3, "database, log and index of the log");
}

/// Entropy that runs dry when told to.
struct Spring(SeededRandom, std::sync::Arc<AtomicBool>);

impl Random for Spring {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomUnavailable> {
        if self.1.load(Ordering::SeqCst) { Err(RandomUnavailable) } else { self.0.fill(buffer) }
    }
}

#[test]
fn without_entropy_nothing_is_created_and_nothing_is_lost() {
    let dry = std::sync::Arc::new(AtomicBool::new(false));
    let builder = Engine::builder().random(Spring(SeededRandom::new(1), dry.clone()));
    let process = Process::open(":memory:", START, builder);
    let tenant = process.tenant("tnt");
    let grant = sign_in(&tenant, "u");
    dry.store(true, Ordering::SeqCst);
    let refused = tenant.create(hellojohn::CreateSession::new(user("u")));
    assert_eq!(code(refused), Some(ErrorCode::Internal));
    assert_eq!(code(tenant.rotate_keys()), Some(ErrorCode::Internal));
    assert_eq!(code(tenant.change_secret_key(&"sk_new".parse().unwrap())), Some(ErrorCode::Internal));
    // Rotation of a token needs none.
    refresh(&tenant, grant.refresh_token.expose()).unwrap();
    assert_eq!(tenant.stats().unwrap().sessions.active, 1);
    dry.store(false, Ordering::SeqCst);
    assert_eq!(tenant.keys().unwrap().len(), 2);
    sign_in(&tenant, "u");
}

/// A clock that panics when told to: foreign code inside a transaction.
struct Broken(std::sync::Arc<AtomicBool>);

impl Clock for Broken {
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
        let engine = Engine::builder().clock(Broken(broken.clone())).open(&path).unwrap();
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
fn a_clock_past_all_calendars_is_a_failure_and_no_end() {
    let process = Process::in_memory(START);
    let tenant = process.tenant("tnt");
    let grant = sign_in(&tenant, "u");
    process.set_clock(i64::MAX);
    assert_eq!(code(tenant.verify_session(grant.session.id)), Some(ErrorCode::Internal));
    assert_eq!(code(refresh(&tenant, grant.refresh_token.expose())), Some(ErrorCode::Internal));
    process.set_clock(i64::MIN);
    tenant.verify_session(grant.session.id).unwrap();
}

#[test]
fn a_write_that_somebody_else_committed_is_answered_after_a_close() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let (first, second) =
        ["u1", "u2"].map(|id| tenant.begin_create(hellojohn::CreateSession::new(user(id)))).into();
    let first = first.wait().unwrap();
    let third = tenant.begin_create(hellojohn::CreateSession::new(user("u3")));
    process.engine.close().unwrap();
    let second = second.wait().unwrap();
    assert_eq!(code(third.wait()), Some(ErrorCode::EngineClosed));
    let again = database.open_at(START).tenant("tnt");
    assert_eq!(again.stats().unwrap().sessions.active, 2);
    for grant in [first, second] {
        again.verify_session(grant.session.id).unwrap();
    }
}

#[test]
fn calls_beside_a_close_finish_or_say_so() {
    for round in 0..20 {
        let database = (round % 2 == 0).then(Database::new);
        let path = database.as_ref().map_or(":memory:".into(), Database::path);
        let process = Process::open(path, START, Engine::builder());
        let tenant = process.tenant("tnt");
        let grant = sign_in(&tenant, "u");
        let closed = AtomicBool::new(false);
        let check = |outcome: Result<(), Error>, was_closed: bool| match outcome {
            Ok(()) => assert!(!was_closed, "a call after the close was served"),
            Err(error) => assert_eq!(error.code(), ErrorCode::EngineClosed),
        };
        thread::scope(|scope| {
            for thread in 0..4 {
                let (tenant, grant, closed) = (&tenant, &grant, &closed);
                scope.spawn(move || {
                    loop {
                        let was_closed = closed.load(Ordering::SeqCst);
                        match thread {
                            0 => check(
                                tenant.create(hellojohn::CreateSession::new(user("u"))).map(drop),
                                was_closed,
                            ),
                            1 => check(tenant.get(grant.session.id).map(drop), was_closed),
                            2 => check(tenant.sweep().map(drop), was_closed),
                            _ => {
                                let token = grant.access_token.expose();
                                check(
                                    tenant.verify_access_token(token).map(drop).map_err(Error::from),
                                    was_closed,
                                );
                            }
                        }
                        if was_closed {
                            return;
                        }
                    }
                });
            }
            thread::sleep(Duration::from_millis(round));
            process.engine.close().unwrap();
            closed.store(true, Ordering::SeqCst);
        });
        process.engine.close().unwrap();
        assert_eq!(code(process.engine.lower_clock_mark()), Some(ErrorCode::EngineClosed));
        if let Some(database) = &database {
            let held = fs::read_dir("/proc/self/fd").unwrap().flatten();
            let mut held = held.filter_map(|entry| fs::read_link(entry.path()).ok());
            assert!(!held.any(|file| file.starts_with(database.folder())), "a file is still open");
            let again = database.open_at(START);
            again.tenant("tnt").verify_session(grant.session.id).unwrap();
        }
    }
}

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
fn damage_never_panics_and_never_brings_a_session_back() {
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
    drop((tenant, process));
    let whole = fs::read(database.path()).unwrap();
    let pages = whole.len() / PAGE;

    let mut state = 1;
    let (mut opened, mut denied) = (0, 0);
    for variant in 0..hellojohn_tests::fixture::rounds("HJ_DAMAGE", 1_000) {
        let mut bytes = whole.clone();
        let page = next(&mut state) as usize % pages * PAGE;
        match variant % 5 {
            0 => bytes[page..page + PAGE].fill(0),
            1 => bytes.truncate(next(&mut state) as usize % whole.len()),
            2 => {
                let other = next(&mut state) as usize % pages * PAGE;
                for at in 0..PAGE {
                    bytes.swap(page + at, other + at);
                }
            }
            // The heads of pages say where everything is.
            3 => bytes[page + next(&mut state) as usize % 100] ^= 1 << (next(&mut state) % 8),
            _ => {
                for byte in &mut bytes[page + 100..page + PAGE] {
                    *byte = next(&mut state) as u8;
                }
            }
        }
        let damaged = Database::new();
        fs::write(damaged.path(), &bytes).unwrap();
        let clock = hellojohn::ManualClock::new(Timestamp::from_millis(now));
        let engine = Engine::builder().clock(clock).open(damaged.path());
        let tenant = engine.and_then(|engine| engine.tenant(&"tnt".parse()?, &SECRET.parse()?));
        let Ok(tenant) = tenant else {
            denied += 1;
            continue;
        };
        opened += 1;
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
    assert!(opened > 0 && denied > 0, "{opened} {denied}");
}

#[test]
fn an_engine_whose_file_was_taken_away_serves_no_empty_one() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let grant = sign_in(&tenant, "u");
    fs::remove_file(database.path()).unwrap();
    // More readers than there are idle connections: some have to open the file.
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..20 {
                    match tenant.verify_session(grant.session.id) {
                        Ok(_) => {}
                        Err(refused) => assert_eq!(refused.error.code(), ErrorCode::StorageIo),
                    }
                }
            });
        }
    });
    assert!(!database.path().exists(), "an empty database stands where the old one was");
}
