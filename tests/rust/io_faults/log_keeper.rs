//! A sync that fails while the thread of a caller moves the log into the database, after that caller's write was done.

use std::path::Path;

use hellojohn::{
    Claims, CreateSession, Durability, Engine, Error, ErrorCode, Grant, Identity, ManualClock, SessionFilter,
    StatusFilter, Tenant, Timestamp,
};
use hellojohn_tests::dice::Dice;
use hellojohn_tests::disk::{CrashKind, Disk, DiskModel, Fault, Plan};
use hellojohn_tests::fixture::{START, refresh, seeded, tenant, user};

const DATABASE: &str = "sessions.db";

/// More sign-ins than fill the log up to the length at which it is moved.
const SIGN_INS_MAX: usize = 20_000;

/// Commits do not sync: the first syncs are those of a checkpoint, of the log and then of the database file.
fn open(folder: &Path, seed: u64) -> (Engine, Tenant) {
    let engine = Engine::builder()
        .clock(ManualClock::new(Timestamp::from_millis(START)))
        .random(seeded(seed))
        .durability(Durability::Normal)
        .open(folder.join(DATABASE))
        .unwrap();
    let tenant = tenant(&engine, "tnt");
    (engine, tenant)
}

/// A session of some pages.
fn sign_in(tenant: &Tenant) -> Result<Grant, Error> {
    let claims = serde_json::json!({ "text": "x".repeat(3_500) });
    let claims: Claims = claims.to_string().parse().unwrap();
    tenant.create(CreateSession::new(user("u")).identity(Identity::default().claims(claims)))
}

fn count(tenant: &Tenant) -> u64 {
    tenant.count(&SessionFilter::default().status(Some(StatusFilter::All))).unwrap()
}

fn require_refused<T: std::fmt::Debug>(answer: Result<T, Error>) {
    let error = answer.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StorageIo);
    assert!(error.detail().ends_with("close the database and open it again"), "{error}");
}

/// How many sessions the images of the disk have at least, if the power fails now. Each is opened.
fn fewest_after_power_loss(disk: &DiskModel) -> u64 {
    let mut dice = Dice::new(7);
    let counts = CrashKind::ALL.map(|kind| {
        let folder = tempfile::tempdir().unwrap();
        disk.crash(kind, &mut dice).write(folder.path());
        let (engine, tenant) = open(folder.path(), 9);
        let found: String = rusqlite::Connection::open(folder.path().join(DATABASE))
            .and_then(|connection| connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)))
            .unwrap();
        assert_eq!(found, "ok");
        let count = count(&tenant);
        engine.close().unwrap();
        count
    });
    counts.into_iter().min().unwrap()
}

/// The sync of this number fails, among those of the first checkpoint. How many sessions there were then, and how many the images
/// of a power loss have at least.
fn fail_a_sync_of_the_checkpoint(at: usize) -> (u64, u64) {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::watch(folder.path());
    disk.skip_syncs();
    disk.record();
    let (engine, first) = open(folder.path(), 1);
    let mut model = DiskModel::default();
    disk.begin(Some(Plan { at, fault: Fault::Sync, lasts: false }));
    let (mut signed_in, mut last) = (0, None);
    while disk.faults() == 0 {
        assert!(signed_in < SIGN_INS_MAX, "the log was never moved");
        // The failure comes after this write, so its caller is not told.
        last = Some(sign_in(&first).unwrap());
        signed_in += 1;
        disk.take_events().iter().for_each(|event| model.apply(event));
    }
    let last = last.unwrap();
    require_refused(sign_in(&first));
    require_refused(refresh(&first, last.refresh_token.expose()));
    require_refused(first.revoke(last.session.id));
    first.verify_session(last.session.id).unwrap();
    assert_eq!(count(&first), signed_in as u64);
    assert_eq!(disk.faults(), 1, "nothing was synced afterwards");
    disk.take_events().iter().for_each(|event| model.apply(event));
    let fewest = fewest_after_power_loss(&model);
    engine.close().unwrap();
    let (_engine, second) = open(folder.path(), 2);
    assert_eq!(count(&second), signed_in as u64);
    refresh(&second, last.refresh_token.expose()).unwrap();
    sign_in(&second).unwrap();
    (signed_in as u64, fewest)
}

#[test]
fn a_failed_sync_of_the_log_in_a_checkpoint_stops_writes_until_the_database_is_opened_again() {
    // With this durability, what was never synced may go when the power does: how much, only the disk knows.
    fail_a_sync_of_the_checkpoint(1);
}

#[test]
fn a_failed_sync_of_the_database_file_in_a_checkpoint_loses_nothing_of_the_log() {
    let (signed_in, fewest) = fail_a_sync_of_the_checkpoint(2);
    assert_eq!(fewest, signed_in, "the log was on the disk before the checkpoint wrote the database file");
}
