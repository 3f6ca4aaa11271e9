//! The database as each run finds it, and the disk that it lies on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hellojohn::{Durability, Engine, Error, ManualClock, Timestamp};
use hellojohn_tests::disk::Disk;
use hellojohn_tests::fixture::{DAY, START, configure, seeded, sign_in, sign_in_for, tenant};
use tempfile::TempDir;

/// How many sessions a user may have.
pub const CAP: i64 = 2;
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

pub struct Setup {
    folder: TempDir,
    template: Vec<u8>,
    pub disk: Disk,
}

impl Setup {
    /// A tenant with a cap, events, sessions of days ago that have ended, and some that live.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::watch(folder.path());
        disk.skip_syncs();
        let path = folder.path().join("sessions.db");
        let clock = ManualClock::new(Timestamp::from_millis(START - DAY));
        let engine = open(&path, &clock, 1).unwrap();
        let tenant = tenant(&engine, "tnt");
        configure(&tenant, r#"{"event_retention":"30d"}"#);
        for number in 0..5 {
            sign_in_for(&tenant, &format!("old{number}"), "1m");
        }
        sign_in(&tenant, "capped");
        configure(&tenant, &format!(r#"{{"max_sessions_per_user":{CAP}}}"#));
        clock.set(Timestamp::from_millis(START - 1));
        tenant.sweep().unwrap();
        engine.close().unwrap();
        let template = fs::read(path).unwrap();
        Setup { folder, template, disk }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("sessions.db")
    }

    pub fn restore(&self) {
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        fs::write(self.path(), &self.template).unwrap();
    }
}

pub fn open(path: &Path, clock: &ManualClock, seed: u64) -> Result<Engine, Error> {
    Engine::builder()
        .clock(clock.clone())
        .random(seeded(seed))
        .durability(Durability::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .open(path)
}
