//! Each call of the file layer fails in turn while a database is opened whose log ends with what is not on the disk. Whether the opening
//! fails or not: what the next one shows and acknowledges, no power loss takes back.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hellojohn::{Durability, Engine, Error, ErrorCode, ManualClock, SeededRandom, Tenant, Timestamp};
use hellojohn_tests::dice::Dice;
use hellojohn_tests::disk::{Call, CrashKind, Disk, DiskModel, Event, Fault, FolderImage, Plan};
use hellojohn_tests::fixture::{START, code, sign_in, tenant};
use rusqlite::Connection;

const DATABASE: &str = "sessions.db";
const LOG: &str = "sessions.db-wal";

fn open(folder: &Path, seed: u64) -> Result<Engine, Error> {
    Engine::builder()
        .clock(ManualClock::new(Timestamp::from_millis(START)))
        .random(SeededRandom::new(seed))
        .durability(Durability::Full)
        .open(folder.join(DATABASE))
}

/// A folder as a process leaves it whose last commit, a revocation, is in the log and not on the disk.
struct Left {
    image: FolderImage,
    events: Vec<Event>,
}

impl Left {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::watch(folder.path());
        disk.skip_syncs();
        disk.record();
        let engine = open(folder.path(), 1).unwrap();
        let tenant = tenant(&engine, "tnt");
        let grant = sign_in(&tenant, "u");
        disk.begin(Some(Plan { at: 1, fault: Fault::Sync, lasts: false }));
        assert_eq!(code(tenant.revoke(grant.session.id)), Some(ErrorCode::StorageIo));
        // So the log stays, as it does when the process is killed.
        disk.begin(Some(Plan { at: 1, fault: Fault::ShortWrite, lasts: true }));
        engine.close().unwrap();
        disk.heal();
        let events = disk.take_events();
        let files =
            [DATABASE, LOG].map(|name| (name.to_owned(), std::fs::read(folder.path().join(name)).unwrap()));
        Left { image: FolderImage(files.into()), events }
    }
}

/// Another program that reads from the database as long as this value lives.
pub(crate) struct Reader(Child);

impl Reader {
    pub(crate) fn new(folder: &Path) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_worker"))
            .arg("hold")
            .arg(folder.join(DATABASE))
            .arg("BEGIN; SELECT count(*) FROM sessions")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        Reader(program)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let ended = self.0.wait().expect("it ends with its input");
        assert!(ended.success() || std::thread::panicking());
    }
}

/// The folder, put on a disk that may fail; another program may read from the log meanwhile, which cannot begin anew then.
struct Trial<'a> {
    left: &'a Left,
    folder: tempfile::TempDir,
    disk: Disk,
    _reader: Option<Reader>,
}

impl<'a> Trial<'a> {
    fn new(left: &'a Left, has_reader: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        left.image.write(folder.path());
        let disk = Disk::watch(folder.path());
        disk.skip_syncs();
        let reader = has_reader.then(|| Reader::new(folder.path()));
        disk.record_from(&left.image);
        Trial { left, folder, disk, _reader: reader }
    }

    /// Opens it once on a disk that fails as planned; whether that opened.
    fn open_under(&self, plan: Option<Plan>) -> bool {
        self.disk.begin(plan);
        let opened = open(self.folder.path(), 2);
        let faults = self.disk.faults();
        match &opened {
            Ok(_) => {}
            Err(error) => {
                assert!(faults > 0, "{error:?}");
                let expected: &[ErrorCode] = match plan.map(|plan| plan.fault) {
                    Some(Fault::Full | Fault::ShortWrite) => &[ErrorCode::StorageFull],
                    _ => &[ErrorCode::StorageIo, ErrorCode::StorageFull, ErrorCode::StorageBusy],
                };
                assert!(expected.contains(&error.code()), "{error:?}");
            }
        }
        let is_open = opened.is_ok();
        drop(opened);
        self.disk.heal();
        is_open
    }

    /// The engine that opens it next shows the revocation; a sign-in is on the disk with it when it is acknowledged.
    fn require_kept(&self) {
        let engine = open(self.folder.path(), 3).unwrap();
        assert_eq!(rows(self.folder.path()), (1, 0), "it came to light, as it was told");
        self.require_on_disk((1, 0));
        let opened: Tenant = tenant(&engine, "tnt");
        sign_in(&opened, "v");
        self.require_on_disk((1, 1));
    }

    /// Of the two users, these are there after a power loss now, whatever of what was not synced the disk holds.
    fn require_on_disk(&self, expected: (i64, i64)) {
        let mut model = DiskModel::default();
        self.left.events.iter().chain(&self.disk.events()).for_each(|event| model.apply(event));
        let mut dice = Dice::new(3);
        for kind in CrashKind::ALL {
            let folder = tempfile::tempdir().unwrap();
            model.crash(kind, &mut dice).write(folder.path());
            assert_eq!(rows(folder.path()), expected, "{kind:?}");
        }
    }
}

/// How many sessions of `u` are revoked, and how many of `v` are there.
fn rows(folder: &Path) -> (i64, i64) {
    let found = Connection::open(folder.join(DATABASE)).unwrap().query_row(
        "SELECT count(*) FILTER (WHERE user_id = 'u' AND end_reason = 'revoked'), count(*) FILTER (WHERE user_id = 'v') FROM sessions",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    );
    found.unwrap()
}

/// How many openings failed, and how many did not although a call of theirs had.
fn fail_each_call(has_reader: bool, lasts: bool) -> [usize; 2] {
    let left = Left::new();
    let whole = Trial::new(&left, has_reader);
    assert!(whole.open_under(None));
    let calls: Vec<Call> = whole.disk.calls();
    drop(whole);
    let mut counts = [0; 2];
    for fault in Fault::ALL {
        let count = calls.iter().filter(|call| fault.concerns(**call)).count();
        assert!(count > 0, "no call can fail by {fault:?}");
        for at in 1..=count {
            let plan = Plan { at, fault, lasts };
            let trial = Trial::new(&left, has_reader);
            let report = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                counts[usize::from(trial.open_under(Some(plan)))] += 1;
                trial.require_kept();
            }));
            assert!(report.is_ok(), "{plan:?}, reader {has_reader}");
        }
    }
    eprintln!("{} calls, {} openings failed, {} did not", calls.len(), counts[0], counts[1]);
    counts
}

#[test]
fn what_an_opening_shows_is_on_the_disk_before_anything_else_is_written() {
    let left = Left::new();
    for has_reader in [false, true] {
        Trial::new(&left, has_reader).require_kept();
    }
}

#[test]
fn an_opening_that_fails_at_any_call_leaves_a_log_that_the_next_one_moves() {
    for lasts in [false, true] {
        let [failed, _] = fail_each_call(false, lasts);
        assert!(failed > 0);
    }
}

#[test]
fn so_it_does_while_another_program_reads_from_the_log() {
    for lasts in [false, true] {
        let [failed, _] = fail_each_call(true, lasts);
        assert!(failed > 0);
    }
}
