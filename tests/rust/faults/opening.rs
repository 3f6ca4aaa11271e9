//! What a database that cannot be opened is told apart by, and who may open what the engine creates.

use std::error::Error as _;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use hellojohn::{Engine, EngineBuilder, Error, ErrorCode, FileAccess};
use hellojohn_tests::fixture::{Database, Process, START, sign_in};

use crate::output_of;

/// The number that the operating system gave.
fn system_error(error: &Error) -> Option<i32> {
    error.source()?.source()?.downcast_ref::<io::Error>()?.raw_os_error()
}

#[test]
fn an_error_of_opening_names_what_the_operating_system_said() {
    let database = Database::new();
    let folder = database.folder();
    symlink("loop", folder.join("loop")).unwrap();
    fs::write(folder.join("file"), "").unwrap();
    for (path, number) in [
        ("missing/sessions.db", libc::ENOENT),
        (".", libc::EISDIR),
        ("loop", libc::ELOOP),
        ("file/sessions.db", libc::ENOTDIR),
        (&*format!("{}.db", "n".repeat(300)), libc::ENAMETOOLONG),
    ] {
        let error = Engine::open(folder.join(path)).unwrap_err();
        let expected = io::Error::from_raw_os_error(number).to_string();
        assert_eq!(error.code(), ErrorCode::StorageIo, "{path}");
        assert!(error.detail().contains(&expected), "{path}: {error}");
        assert!(!error.detail().contains(folder.to_str().unwrap()), "{path}: {error}");
        assert_eq!(system_error(&error), Some(number), "{path}: {error:?}");
        assert!(error.source().unwrap().to_string().contains(path), "{path}: {error:?}");
    }
    for exists in [false, true] {
        if exists {
            drop(database.open_at(START));
        }
        let said = output_of("starve-descriptors", &database.path(), "");
        assert!(said[0].contains("Too many open files (os error 24)"), "{exists}: {said:?}");
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Modes of the database, its log, the log's index and what processes share, while a process has it open.
fn modes(path: impl AsRef<Path>, builder: EngineBuilder) -> [u32; 4] {
    let path = path.as_ref();
    let process = Process::open(path, START, builder);
    sign_in(&process.tenant("tnt"), "u");
    ["", "-wal", "-shm", "-hj2"].map(|suffix| mode(&path.with_file_name(format!("sessions.db{suffix}"))))
}

#[test]
fn the_files_of_a_database_have_the_mode_of_its_access_whatever_the_mask() {
    let group = || Engine::builder().file_access(FileAccess::Group);
    for mask in [0o000, 0o022, 0o077] {
        // SAFETY: a number of this process. The tests that run beside this one need no mask.
        let before = unsafe { libc::umask(mask) };
        let [owner, shared, linked] = [(); 3].map(|()| Database::new());
        let link = linked.folder().join("link.db");
        symlink("sessions.db", &link).unwrap();
        let found = [
            modes(owner.path(), Engine::builder()),
            modes(shared.path(), group()),
            modes(&link, Engine::builder()),
        ];
        // SAFETY: as above.
        unsafe { libc::umask(before) };
        assert_eq!(found, [[0o600; 4], [0o660; 4], [0o600; 4]], "{mask:o}");
    }
    // A file that was there keeps its mode; what belongs to it has the same.
    let database = Database::new();
    fs::write(database.path(), "").unwrap();
    fs::set_permissions(database.path(), fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(modes(database.path(), group()), [0o640; 4]);
}

/// Readers beyond the first open connections of their own, or share those that there are.
#[test]
fn an_open_engine_goes_on_without_descriptors_and_without_rights_to_its_file() {
    for what in ["descriptors", "rights"] {
        let database = Database::new();
        fs::set_permissions(database.folder(), fs::Permissions::from_mode(0o755)).unwrap();
        let said = output_of("read-without", &database.path(), what);
        // Where the tests have no right to become another user, that user's permissions are not tried.
        assert!(["800 reads, 0 wrong, write ok", "no other user"].contains(&&*said[0]), "{what}: {said:?}");
    }
}
