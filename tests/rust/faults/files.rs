//! Files of other programs, files that may not be written, full disks, files that were taken away or restored.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hellojohn::ErrorCode;
use hellojohn_tests::fixture::{Database, SECRET, START, code, refresh, sign_in};

use crate::{Worker, assert_sound, open, output_of};

#[test]
fn files_of_other_programs_are_refused_and_left_alone() {
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
    // An empty file belongs to no other program: a host may have made it with the right permissions.
    fs::write(&path, "").unwrap();
    assert_eq!(open(&path), None);
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
        let found = output_of("open-unprivileged", &path, "");
        set(&folder, 0o777);
        if found == ["no other user"] {
            // Not root: this user is bound by permissions itself, and root's way round them needs no test.
            return;
        }
        assert_eq!(found, ["storage_read_only"], "{folder_mode:o} {file_mode:o}");
    }
    set(&path, 0o666);
    assert_eq!(output_of("open-unprivileged", &path, ""), ["invalid_api_key"]);
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
    let lines = output_of("fill", &database.path(), "200000");
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
fn a_shared_commit_that_finds_no_room_answers_each_call_by_its_own_outcome() {
    for largest_file in [120_000, 200_000, 300_000] {
        let database = Database::new();
        let line = output_of("fill-together", &database.path(), &largest_file.to_string());
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
    assert_eq!(files, 4, "database, log, index of the log, and what processes tell each other");
}

#[test]
fn an_engine_whose_file_was_removed_serves_no_empty_one() {
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
