//! The sources of storage errors: what SQLite said, and the operating system's error below it.

use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use super::conformance::open;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode};
use crate::store::conformance::samples::plain_tenant;
use crate::store::sqlite::connection;
use crate::store::sqlite::store::SqliteStore;
use crate::store::{SqliteDatabase, Store, StoreOptions, TenantRecord};

fn try_open(path: &Path) -> Result<SqliteStore, Error> {
    let options = StoreOptions::relaxed(Duration::from_secs(60));
    SqliteStore::open(SqliteDatabase::File(path.to_owned()), options).map_err(Error::from)
}

fn open_error(path: &Path) -> Error {
    try_open(path).err().unwrap()
}

/// What SQLite said, as text.
fn sqlite_text(error: &Error) -> String {
    error.source().unwrap().to_string()
}

/// The operating system's error at the end of the chain.
fn system_error(error: &Error) -> Option<&io::Error> {
    error.source().unwrap().source().map(|system| system.downcast_ref().unwrap())
}

fn assert_system_error(error: &Error, kind: ErrorKind) {
    let system = system_error(error).unwrap();
    assert_eq!(system.kind(), kind, "{system}");
    assert!(system.raw_os_error().is_some_and(|number| number > 0), "{system}");
}

#[test]
fn a_database_in_a_missing_folder_names_the_file_and_the_system_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/s.db");
    let error = open_error(&path);
    assert_eq!(error.code(), ErrorCode::StorageIo);
    assert!(error.detail().starts_with("the database file cannot be opened: No such file"), "{error}");
    assert!(sqlite_text(&error).contains(path.to_str().unwrap()), "{}", sqlite_text(&error));
    assert_system_error(&error, ErrorKind::NotFound);
}

#[test]
fn a_folder_in_the_place_of_the_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let error = open_error(folder.path());
    assert_eq!(error.code(), ErrorCode::StorageIo);
    assert_system_error(&error, ErrorKind::IsADirectory);
}

#[test]
fn a_file_in_the_place_of_the_folder_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = open_error(&file.join("s.db"));
    assert_eq!(error.code(), ErrorCode::StorageIo);
    assert_system_error(&error, ErrorKind::NotADirectory);
}

#[cfg(unix)]
#[test]
fn a_folder_that_refuses_a_new_file_is_told() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o555)).unwrap();
    let is_refused = std::fs::write(folder.path().join("probe"), "").is_err(); // not to the superuser
    let opened = try_open(&folder.path().join("s.db"));
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(opened.is_err(), is_refused);
    if let Err(error) = opened {
        assert_eq!(error.code(), ErrorCode::StorageReadOnly);
        assert_system_error(&error, ErrorKind::PermissionDenied);
    }
}

#[test]
fn a_log_that_cannot_be_opened_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("s.db-wal")).unwrap();
    let error = open_error(&folder.path().join("s.db"));
    assert_eq!(error.code(), ErrorCode::StorageIo);
    assert_system_error(&error, ErrorKind::IsADirectory);
}

#[test]
fn a_reader_that_finds_no_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let database = SqliteDatabase::File(folder.path().join("s.db"));
    let options = StoreOptions::relaxed(Duration::from_secs(60));
    let store = SqliteStore::open(database.clone(), options).unwrap();
    std::fs::remove_file(folder.path().join("s.db")).unwrap();
    let error = Error::from(connection::open_again(&database, &options).err().unwrap());
    drop(store);
    assert!(error.detail().contains("open engines after chroot and setuid"), "{error}");
    assert_eq!(error.code(), ErrorCode::StorageIo);
    assert_system_error(&error, ErrorKind::NotFound);
}

/// SQLite notes no error of the operating system for a full disk.
#[test]
fn a_full_database_tells_what_sqlite_said() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(SqliteDatabase::File(folder.path().join("s.db")), Duration::from_secs(3600));
    store.with_idle_writer(|writer| {
        let pages: i64 = writer.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        writer.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    });
    let record = TenantRecord { wrapped_refresh_key: vec![0; 100_000], ..plain_tenant() };
    let failure = store
        .write_exclusive(&mut |tx| {
            tx.add_tenant(&"tnt".parse().unwrap(), &record, Timestamp::default()).map(drop)
        })
        .unwrap_err();
    let error = Error::from(failure);
    assert_eq!((error.code(), error.detail()), (ErrorCode::StorageFull, "the disk is full (SQLite 13)"));
    assert_eq!(sqlite_text(&error), "SQLite 13: database or disk is full");
    assert!(system_error(&error).is_none());
}

#[test]
fn a_file_that_is_no_database_tells_what_sqlite_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    std::fs::write(
        &path,
        "This is a letter, not a database, and long enough to have a header of one.\n".repeat(20),
    )
    .unwrap();
    let error = open_error(&path);
    assert_eq!(error.code(), ErrorCode::StorageCorrupt);
    assert_eq!(sqlite_text(&error), "SQLite 26: file is not a database");
}
