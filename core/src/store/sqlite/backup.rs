//! Copies of a whole database: a consistent one beside working engines, and one that takes the place of a database.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::connection::{self, OpenMode};
use super::creation;
use super::error::{map_creation_error, map_error};
use super::log;
use super::observer::Observer;
use crate::error::{ErrorCode, Failure};
use crate::random::{OsRandom, draw_bytes};
use crate::store::contract::StoreOptions;
use crate::store::copy_progress::CopyProgress;

/// How many pages are copied between two reports of the progress: 1 MB.
const STEP_PAGES: i32 = 256;

/// A copy that is not yet at its place; it goes away with this value unless it is put there.
pub(in crate::store) struct Copy {
    path: PathBuf,
    is_placed: bool,
}

impl Copy {
    /// Where it is.
    pub(in crate::store) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if !self.is_placed {
            // What cannot be removed has a name that says what it is.
            for path in [self.path.clone(), beside(&self.path, "-wal"), beside(&self.path, "-shm")] {
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Copies the database at `from`, as it is at one instant, into a new file beside `to`, on disk when this returns. Engines go on
/// meanwhile: the copy is one read of the whole database.
pub(in crate::store) fn copy(
    from: &Path,
    to: &Path,
    options: &StoreOptions,
    progress: &mut dyn FnMut(CopyProgress),
) -> Result<Copy, Failure> {
    let source = Observer::open(from, options)?;
    let copy = create_beside(to, options)?;
    copy_pages(source.connection(), copy.path(), options, progress)?;
    sync(copy.path()).map_err(|error| map_creation_error(error, copy.path()))?;
    Ok(copy)
}

/// A new file in the folder of `to`, whose name no other file has.
fn create_beside(to: &Path, options: &StoreOptions) -> Result<Copy, Failure> {
    let random = draw_bytes::<8>(&OsRandom)?;
    let suffix: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = beside(to, &format!(".{suffix}.partial"));
    creation::create_new(&path, options.file_access).map_err(|error| map_creation_error(error, &path))?;
    Ok(Copy { path, is_placed: false })
}

fn copy_pages(
    source: &Connection,
    to: &Path,
    options: &StoreOptions,
    progress: &mut dyn FnMut(CopyProgress),
) -> Result<(), Failure> {
    let map = |error| map_error(source, &error);
    // The state of this instant, until the copy is whole: otherwise each write of another process would begin it anew.
    let snapshot = source.unchecked_transaction().map_err(map)?;
    let page_bytes: u64 =
        snapshot.query_row("PRAGMA page_size", [], |row| row.get::<_, u32>(0)).map_err(map)?.into();
    snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0)).map_err(map)?;
    let mut target = connection::open_file(to, OpenMode::MustExist, options)?;
    // It is synced as a whole.
    connection::set_pragma(&target, "journal_mode", "OFF")?;
    connection::set_pragma(&target, "synchronous", "OFF")?;
    let outcome = {
        let backup = Backup::new(&snapshot, &mut target).map_err(map)?;
        loop {
            let step = backup.step(STEP_PAGES);
            let pages = backup.progress();
            match step {
                Ok(step @ (StepResult::Done | StepResult::More)) => {
                    let total = u64::try_from(pages.pagecount).unwrap_or(0) * page_bytes;
                    let left = u64::try_from(pages.remaining).unwrap_or(0) * page_bytes;
                    progress(CopyProgress { copied_bytes: total.saturating_sub(left), total_bytes: total });
                    if step == StepResult::Done {
                        break Ok(());
                    }
                }
                Ok(_) => {
                    break Err(Failure::new(
                        ErrorCode::StorageBusy,
                        "the database is locked by another process",
                    ));
                }
                Err(error) => break Err(map(error)),
            }
        }
    };
    drop(snapshot);
    outcome
}

/// Puts the copy where no file is yet.
pub(in crate::store) fn place_new(mut copy: Copy, to: &Path) -> Result<(), Failure> {
    let map = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(),
        _ => map_creation_error(error, to),
    };
    match fs::hard_link(copy.path(), to) {
        Ok(()) => fs::remove_file(copy.path()).map_err(map)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(exists()),
        // A file system without links.
        Err(_) => {
            require_absent(to)?;
            fs::rename(copy.path(), to).map_err(map)?;
        }
    }
    copy.is_placed = true;
    sync_folder(to).map_err(map)
}

/// Puts the copy into the place of the database at `to`, which no process may have open.
pub(in crate::store) fn replace(mut copy: Copy, to: &Path, options: &StoreOptions) -> Result<(), Failure> {
    let map = |error: io::Error| map_creation_error(error, to);
    if log::size(copy.path()) > 0 {
        return Err(Failure::internal("the copy has a log that was not written into it"));
    }
    sync(copy.path()).map_err(map)?;
    if !to.try_exists().map_err(map)? {
        for left in [beside(to, "-wal"), beside(to, "-journal")] {
            if left.try_exists().map_err(map)? {
                let problem = "the log of another database lies in its place: move it away first";
                return Err(Failure::new(ErrorCode::StorageIo, problem));
            }
        }
        return place_new(copy, to);
    }
    let (_held, _claim) = super::files::FileClaim::claim(to, options.busy_timeout, || hold(to, options))?;
    fs::rename(copy.path(), to).map_err(map)?;
    copy.is_placed = true;
    sync_folder(to).map_err(map)
}

/// Locks a database that no other connection has open, and leaves it without a log.
fn hold(path: &Path, options: &StoreOptions) -> Result<Connection, Failure> {
    let connection = connection::open_file(path, OpenMode::MustExist, options)?;
    // An engine holds its lock for as long as it is open.
    connection::set_busy_timeout(&connection, Duration::ZERO)?;
    let describe = |error: rusqlite::Error| {
        let failure = map_error(&connection, &error);
        match failure.as_error().code() {
            ErrorCode::StorageBusy => {
                Failure::new(ErrorCode::StorageBusy, "an engine has the database open: close it first")
            }
            ErrorCode::StorageCorrupt => Failure::new(
                ErrorCode::StorageCorrupt,
                "what is there is damaged or no database: move it away first",
            ),
            _ => failure,
        }
    };
    // Only the last connection may take the log away.
    let mode: String =
        connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0)).map_err(describe)?;
    if mode != "delete" {
        return Err(Failure::new(ErrorCode::StorageBusy, "an engine has the database open: close it first"));
    }
    connection.execute_batch("BEGIN EXCLUSIVE").map_err(describe)?;
    Ok(connection)
}

/// Fails if anything is at this path.
pub(in crate::store) fn require_absent(path: &Path) -> Result<(), Failure> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(exists()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(map_creation_error(error, path)),
    }
}

fn exists() -> Failure {
    Failure::new(ErrorCode::StorageIo, "a file is there already, and a backup never replaces one")
}

/// The path with something behind its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// No other connection of this process has the file open, so closing it drops no lock.
fn sync(path: &Path) -> io::Result<()> {
    File::options().write(true).open(path)?.sync_all()
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
