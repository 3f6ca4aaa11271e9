//! A commit whose sync failed stays in the log, where the next one to open the database finds it, and on the disk it is not.

use std::path::Path;

use hellojohn::{Durability, Engine, Error, ErrorCode, Grant, ManualClock, Tenant, Timestamp};
use hellojohn_tests::dice::Dice;
use hellojohn_tests::disk::{CrashKind, Disk, DiskModel, Fault, Plan};
use hellojohn_tests::fixture::{START, code, seeded, sign_in, tenant};

use crate::left_log::Reader;

fn open(folder: &Path, seed: u64) -> Result<(Engine, Tenant), Error> {
    let engine = Engine::builder()
        .clock(ManualClock::new(Timestamp::from_millis(START)))
        .random(seeded(seed))
        .durability(Durability::Full)
        .open(folder.join("sessions.db"))?;
    let tenant = tenant(&engine, "tnt");
    Ok((engine, tenant))
}

/// A database whose log ends with a revocation that was not acknowledged and is not on the disk, closed; the session is gone from no
/// table.
struct LostLog {
    folder: tempfile::TempDir,
    disk: Disk,
    grant: Grant,
}

impl LostLog {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::watch(folder.path());
        disk.skip_syncs();
        disk.record();
        let (engine, tenant) = open(folder.path(), 1).unwrap();
        let grant = sign_in(&tenant, "u");
        disk.begin(Some(Plan { at: 1, fault: Fault::Sync, lasts: false }));
        assert_eq!(code(tenant.revoke(grant.session.id)), Some(ErrorCode::StorageIo));
        // So the log stays, as it does when the process is killed.
        disk.begin(Some(Plan { at: 1, fault: Fault::ShortWrite, lasts: true }));
        engine.close().unwrap();
        assert!(disk.faults() > 0);
        disk.heal();
        LostLog { folder, disk, grant }
    }

    fn is_revoked(&self, tenant: &Tenant) -> bool {
        code(tenant.verify_session(self.grant.session.id)) == Some(ErrorCode::SessionRevoked)
    }
}

/// What an engine shows and acknowledges that opens it is there after every power loss.
fn require_kept(lost: &LostLog) {
    let (_engine, second) = open(lost.folder.path(), 2).unwrap();
    assert!(lost.is_revoked(&second), "it came to light");
    let acknowledged = sign_in(&second, "v");
    let mut model = DiskModel::default();
    lost.disk.events().iter().for_each(|event| model.apply(event));
    let mut dice = Dice::new(3);
    for kind in CrashKind::ALL {
        let folder = tempfile::tempdir().unwrap();
        model.crash(kind, &mut dice).write(folder.path());
        let (_engine, third) = open(folder.path(), 4).unwrap();
        assert!(lost.is_revoked(&third), "{kind:?}: a session lives again");
        third.verify_session(acknowledged.session.id).unwrap();
    }
}

#[test]
fn what_the_log_shows_when_it_is_opened_again_no_power_loss_takes_back() {
    require_kept(&LostLog::new());
}

/// The log cannot begin anew then, and what is acknowledged stands behind what is missing on the disk.
#[test]
fn nor_does_it_while_another_program_reads_from_the_log() {
    let lost = LostLog::new();
    let _reader = Reader::new(lost.folder.path());
    require_kept(&lost);
}

#[test]
fn a_log_that_the_disk_does_not_take_opens_no_database() {
    for fault in [Fault::Sync, Fault::Full, Fault::ShortWrite] {
        let lost = LostLog::new();
        lost.disk.begin(Some(Plan { at: 1, fault, lasts: true }));
        let refused = open(lost.folder.path(), 2).err().unwrap();
        assert!(matches!(refused.code(), ErrorCode::StorageIo | ErrorCode::StorageFull), "{refused:?}");
        lost.disk.heal();
        let (_engine, second) = open(lost.folder.path(), 3).unwrap();
        assert!(lost.is_revoked(&second));
        sign_in(&second, "v");
    }
}
