//! Change tracking at the moments that only a test can hold still.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::model::id::SessionId;
use crate::store::records::CommitVersion;
use crate::store::sqlite::change_tracker::{Change, ChangeTracker, Changes};
use crate::store::sqlite::store::SqliteStore;
use crate::store::{SqliteDatabase, Store, StoreOptions, Subject, UserTag};

/// Two stores on one file, as of two processes.
fn stores(folder: &tempfile::TempDir) -> [SqliteStore; 2] {
    let options = StoreOptions::relaxed(Duration::from_secs(5));
    [(); 2].map(|()| SqliteStore::open(SqliteDatabase::File(folder.path().join("s.db")), options).unwrap())
}

fn is_unchanged(tracker: &ChangeTracker, session: SessionId, since: CommitVersion) -> bool {
    tracker.clock_mark_if_unchanged(Subject::Session(session), since).is_some()
}

fn commit(store: &SqliteStore, millis: i64) {
    store.write_exclusive(&mut |tx| tx.raise_clock_mark(Timestamp::from_millis(millis))).unwrap();
}

#[test]
fn another_process_s_commit_is_never_taken_for_ours() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing can be shared.
    std::fs::create_dir(folder.path().join("s.db-hj2")).unwrap();
    let [ours, theirs] = stores(&folder);
    let tracker = ours.change_tracker();
    let session = SessionId::from_bytes([7; 16]);

    // Ours had nothing to write and let the write lock go; theirs came before that was noted.
    let before = tracker.commit_version().unwrap();
    let guard = tracker.begin_commit();
    commit(&theirs, 1);
    guard.finish(None);
    assert!(!is_unchanged(&tracker, session, before));

    // Ours wrote, and theirs came before that was noted.
    let before = tracker.commit_version().unwrap();
    let changes = Changes::default();
    let guard = tracker.begin_commit();
    commit(&theirs, 2);
    commit(&theirs, 3);
    guard.finish(Some(&changes));
    assert!(!is_unchanged(&tracker, session, before));

    // Ours failed.
    let before = tracker.commit_version().unwrap();
    drop(tracker.begin_commit());
    assert!(!is_unchanged(&tracker, session, before));

    // Nothing happened, or it was ours and about other sessions.
    let before = tracker.commit_version().unwrap();
    ours.write_exclusive(&mut |_| Ok(())).unwrap();
    commit(&ours, 4);
    assert!(is_unchanged(&tracker, session, before));
    assert_eq!(before.commit + 1, tracker.commit_version().unwrap().commit);
    let guard = tracker.begin_commit();
    assert!(is_unchanged(&tracker, session, before));
    changes.record(Change::Session { id: session, user: UserTag::of(1, "u") });
    commit(&theirs, 5); // stands for ours
    assert_eq!(tracker.commit_version(), None);
    assert!(!is_unchanged(&tracker, session, before));
    guard.finish(Some(&changes));
    assert!(!is_unchanged(&tracker, session, before));
    assert!(is_unchanged(&tracker, SessionId::from_bytes([8; 16]), before));
    let is_list_unchanged = |user: &str| ours.is_list_unchanged_since(1, user, before);
    assert!(!is_list_unchanged("u") && is_list_unchanged("another user"));
}

/// Each of these ends what was remembered before, for good: no later one brings an older answer back.
#[test]
fn what_may_have_changed_everything_ends_all_answers_for_good() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("s.db-hj2")).unwrap();
    let [ours, theirs] = stores(&folder);
    let tracker = ours.change_tracker();
    let session = SessionId::from_bytes([7; 16]);
    let mut outdated = Vec::new();
    let mut clock = 1..;
    for _ in 0..3 {
        for kind in ["ours, about everything", "another process's", "unknown"] {
            let before = tracker.commit_version().unwrap();
            assert!(is_unchanged(&tracker, session, before), "{kind}");
            outdated.push(before);
            match kind {
                "ours, about everything" => {
                    let changes = Changes::default();
                    changes.record(Change::Everything);
                    let guard = tracker.begin_commit();
                    commit(&theirs, clock.next().unwrap()); // stands for ours
                    guard.finish(Some(&changes));
                }
                "another process's" => commit(&theirs, clock.next().unwrap()),
                _ => drop(tracker.begin_commit()),
            }
            assert!(outdated.iter().all(|&version| !is_unchanged(&tracker, session, version)), "{kind}");
        }
    }
    // One that another process made just before ours counts as well.
    let before = tracker.commit_version().unwrap();
    commit(&theirs, clock.next().unwrap());
    let changes = Changes::default();
    let guard = tracker.begin_commit();
    commit(&theirs, clock.next().unwrap()); // stands for ours
    guard.finish(Some(&changes));
    assert!(!is_unchanged(&tracker, session, before));
}
