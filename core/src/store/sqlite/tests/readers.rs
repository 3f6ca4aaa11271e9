//! Readers of a file, beside its writer.

use std::time::Duration;

use super::conformance::open;
use crate::clock::Timestamp;
use crate::store::conformance::replace_mark;
use crate::store::{Needs, SqliteDatabase, Store, WaitPolicy};

#[test]
fn a_non_blocking_read_of_a_file_answers_beside_a_writer() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(SqliteDatabase::File(folder.path().join("s.db")), Duration::from_secs(3600));
    store
        .write_exclusive(&mut |tx| {
            replace_mark(tx, 1)?;
            let mut seen = None;
            store.read(WaitPolicy::NonBlocking, &Needs::default(), &mut |outside| {
                seen = Some(outside.clock_mark()?.highest);
                Ok(())
            })?;
            assert_eq!(seen, Some(Timestamp::default()));
            Ok(())
        })
        .unwrap();
}
