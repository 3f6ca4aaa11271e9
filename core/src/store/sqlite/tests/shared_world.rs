//! Stores, another program and processes that stop on the way, for tests of what processes tell each other.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use crate::store::conformance::samples::{add_tenant, plain_session, session_id, user};
use crate::store::conformance::write;
use crate::store::records::CommitVersion;
use crate::store::sqlite::change_tracker::Change;
use crate::store::sqlite::store::SqliteStore;
use crate::store::{SqliteDatabase, Store, StoreOptions, TenantNo, UserTag};

/// Whether this process stops at its step from now on.
pub(super) static ARMED: AtomicBool = AtomicBool::new(false);

pub(super) fn is_armed() -> bool {
    ARMED.load(Ordering::SeqCst)
}

pub(super) fn open(path: &Path) -> SqliteStore {
    let options = StoreOptions::relaxed(Duration::from_secs(20));
    SqliteStore::open(SqliteDatabase::File(path.to_owned()), options).unwrap()
}

/// A session that is changed, and one that is not.
pub(super) const CHANGED: u16 = 1;
pub(super) const OTHER: u16 = 2;

/// Each has a user of its own.
fn user_of(number: u16) -> String {
    format!("usr_{number}")
}

/// A change of this session, as a transaction records it.
pub(super) fn change_of(tenant: TenantNo, number: u16) -> Change {
    Change::Session { id: session_id(number), user: UserTag::of(tenant, &user_of(number)) }
}

pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    /// The process that remembers.
    pub(super) reader: SqliteStore,
    pub(super) tenant: TenantNo,
    /// Another program.
    pub(super) program: Connection,
}

/// An answer, as a cache remembers it: how often the session was changed, and the version from before it was read.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    pub(super) number: u16,
    pub(super) changes: i64,
    pub(super) version: Option<CommitVersion>,
}

impl World {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.db");
        let reader = open(&path);
        let tenant = write(&reader, |tx| {
            let tenant = add_tenant(tx, "tnt")?;
            for number in [CHANGED, OTHER] {
                tx.add_session(tenant, &plain_session(session_id(number), &user(&user_of(number))))?;
            }
            Ok(tenant)
        });
        let program = Connection::open(&path).unwrap();
        program.busy_timeout(Duration::from_secs(20)).unwrap();
        World { folder, reader, tenant, program }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("s.db")
    }

    pub(super) fn shared_file(&self) -> PathBuf {
        self.folder.path().join("s.db-hj2")
    }

    pub(super) fn changes(&self, number: u16) -> i64 {
        count_changes(&self.program, number)
    }

    pub(super) fn ask(&self, number: u16) -> Answer {
        let version = self.reader.commit_version();
        Answer { number, version, changes: self.changes(number) }
    }

    /// Whether the answer about the session may be given again: the list of its user, which is that one session, exactly then, too.
    pub(super) fn accepts(&self, answer: Answer) -> bool {
        let Some(version) = answer.version else { return false };
        let is_accepted = self.reader.is_unchanged_since(session_id(answer.number), version);
        let is_list_accepted =
            self.reader.is_list_unchanged_since(self.tenant, &user_of(answer.number), version);
        assert_eq!(is_accepted, is_list_accepted, "the session and the list of its user");
        is_accepted
    }

    /// The answer that it comes to keep when it asks; twice at most while all others stand still.
    pub(super) fn ask_to_keep(&self, number: u16) -> Answer {
        for _ in 0..2 {
            let answer = self.ask(number);
            assert!(answer.version.is_some_and(crate::store::sqlite::shared_changes::is_shared));
            if self.accepts(answer) {
                return answer;
            }
        }
        panic!("an answer about session {number} is never kept")
    }

    /// Fails if an answer is accepted that lacks a change.
    pub(super) fn require_current(&self, answers: &[Answer], when: &str) {
        for &answer in answers {
            let changes = self.changes(answer.number);
            assert!(answer.changes == changes || !self.accepts(answer), "stale: {when}");
        }
    }

    pub(super) fn change_by(&self, store: &SqliteStore, number: u16) {
        write(store, |tx| tx.count_replay(self.tenant, session_id(number)));
    }

    /// As a program does that does not tell.
    pub(super) fn change_by_program(&self, number: u16) {
        let id = session_id(number).to_bytes();
        self.program
            .execute("UPDATE sessions SET replays = replays + 1 WHERE session_ulid = ?", [id])
            .unwrap();
    }

    pub(super) fn start(&self, role: &str, step: &str) -> Stopped {
        let child = Command::new(std::env::current_exe().unwrap())
            .stdout(Stdio::null())
            .args(["--exact", "store::sqlite::tests::shared_changes::a_process_of_these_tests"])
            .env("HJ_PAUSE_AT", step)
            .env("HJ_DATABASE", self.path())
            .env("HJ_ROLE", role)
            .spawn()
            .unwrap();
        let mut status = 0;
        // SAFETY: waits for the child of this test, which is not waited for elsewhere, until it stops or ends.
        let found = unsafe { libc::waitpid(child.id().cast_signed(), &mut status, libc::WUNTRACED) };
        assert_eq!(found, child.id().cast_signed());
        assert!(libc::WIFSTOPPED(status), "{step}: {}", ExitStatus::from_raw(status));
        Stopped(child)
    }
}

fn count_changes(connection: &Connection, number: u16) -> i64 {
    let id = session_id(number).to_bytes();
    connection
        .query_row("SELECT replays FROM sessions WHERE session_ulid = ?", [id], |row| row.get(0))
        .unwrap()
}

/// A process that has stopped at its step.
pub(super) struct Stopped(Child);

impl Stopped {
    pub(super) fn end(mut self, is_killed: bool) {
        if is_killed {
            self.0.kill().unwrap();
        } else {
            // SAFETY: continues the child of this test.
            unsafe { libc::kill(self.0.id().cast_signed(), libc::SIGCONT) };
        }
        let ended = self.0.wait().unwrap();
        assert_eq!(ended.success(), !is_killed, "{ended}");
    }
}

impl Drop for Stopped {
    /// A test that fails leaves no process that is stopped for good.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
