//! A log that the last processes to have the database open left beside it. A sync of it may have failed: the system gives what was to be
//! written to every process that reads, and does not write it any more.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode as SqliteCode, Transaction, TransactionBehavior, ffi};

use super::connection::checkpoint_log;
use super::error::map_error;
use super::wal_index::{database_file, find_first_region, header_of, log_file};
use crate::clock::Stopwatch;
use crate::error::{ErrorCode, Failure};
use crate::store::contract::StoreOptions;

/// Whether a checkpoint has been begun and not brought to its end, or the index was made anew from a log that its last users left: then,
/// too, SQLite writes down that it may have been begun (sqlite.org/walformat.html, section 2.3). The connection has read from the database.
pub(super) fn is_checkpoint_unfinished(connection: &Connection) -> Result<bool, Failure> {
    /// Where the two counts of pages are, in words of four bytes.
    const MOVED: usize = 96 / 4;
    const BEGUN: usize = 128 / 4;
    let Some(index) = index_of(connection)? else { return Ok(false) };
    let words = index.cast::<AtomicU32>();
    // SAFETY: aligned words at the start of the region, which is mapped as long as the connection is open; other processes write them.
    let word = |at: usize| unsafe { (*words.add(at)).load(Ordering::SeqCst) };
    Ok(word(MOVED) != word(BEGUN))
}

/// The index of the log; nothing where the connection has no log.
fn index_of(connection: &Connection) -> Result<Option<*mut c_void>, Failure> {
    let Some(file) = database_file(connection) else { return Ok(None) };
    let unmapped = |_| Failure::new(ErrorCode::StorageIo, "the index of the log cannot be mapped");
    find_first_region(file).map_err(unmapped)
}

/// Moves a log that its last users left into the database, before anything is read from it for an answer and anything is written behind
/// it. A sync of it may have failed: then pages that every process reads from it are not on the disk, and never come to it unless they are
/// written anew. While other processes have the database open they see to their log themselves; one that moves it just now is waited for.
///
/// It is written anew first. What counts after a power loss is the log up to the first page that is missing there, also where the database
/// has newer pages; and an opening that ends after the log was moved leaves nothing that tells the next one of it.
pub(super) fn finish_checkpoint(connection: &Connection, options: &StoreOptions) -> Result<(), Failure> {
    if !is_checkpoint_unfinished(connection)? {
        return Ok(());
    }
    let waiting = Stopwatch::start();
    rewrite_log(connection)?;
    // A checkpoint may stop at what a reader needs: then other processes are at work, and have the log from before.
    while is_checkpoint_unfinished(connection)? && !checkpoint_log(connection)? {
        if waiting.elapsed() >= options.busy_timeout {
            return Err(Failure::new(
                ErrorCode::StorageBusy,
                "another process moves the log into the database",
            ));
        }
        #[expect(clippy::disallowed_methods, reason = "SQLite gives nothing to wait on here")]
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Writes the log over itself and syncs it, so that what is read from it is on the disk, and so is what is written behind it. Another
/// connection that has the write lock may be one that does just this, and is waited for as long as any other; where it has the lock for longer
/// still, nothing happens.
fn rewrite_log(connection: &Connection) -> Result<(), Failure> {
    // No connection makes the log longer or begins it anew meanwhile.
    match Transaction::new_unchecked(connection, TransactionBehavior::Immediate) {
        Ok(_no_write) => copy_over_itself(connection),
        Err(error) if error.sqlite_error_code() == Some(SqliteCode::DatabaseBusy) => Ok(()),
        Err(error) => Err(map_error(connection, &error)),
    }
}

/// The caller holds the write lock.
fn copy_over_itself(connection: &Connection) -> Result<(), Failure> {
    const LOG_HEADER_BYTES: u64 = 32;
    const FRAME_HEADER_BYTES: u64 = 24;
    /// The file layer of SQLite takes no more than 128 KB at a time.
    const STEP: usize = 1 << 16;
    let Some(index) = index_of(connection)? else { return Ok(()) };
    // SAFETY: mapped as long as the connection is open.
    let extent = unsafe { header_of(index) }.extent();
    if extent.frames == 0 {
        return Ok(());
    }
    let length = LOG_HEADER_BYTES + extent.frames * (extent.page_bytes + FRAME_HEADER_BYTES);
    let found = log_file(connection).and_then(|log| {
        // SAFETY: the file lives as long as the transaction.
        let methods = unsafe { (*log).pMethods.as_ref() }?;
        Some((log, methods.xRead?, methods.xWrite?, methods.xSync?))
    });
    let Some((log, read, write, sync)) = found else {
        return Err(Failure::internal("a write-ahead log without a file"));
    };
    let require = |result: c_int| match result {
        ffi::SQLITE_OK => Ok(()),
        // Also where bytes are written in place of others: some file systems write them elsewhere first.
        ffi::SQLITE_FULL => Err(Failure::new(ErrorCode::StorageFull, "the disk is full")),
        _ => Err(Failure::new(ErrorCode::StorageIo, "the disk does not take the log that was left")),
    };
    let mut buffer = vec![0_u8; STEP];
    let mut at = 0;
    while at < length {
        let bytes = usize::try_from(length - at).map_or(STEP, |left| left.min(STEP));
        let amount = c_int::try_from(bytes).map_err(|_| Failure::internal("a step that is too long"))?;
        let offset = i64::try_from(at).map_err(|_| Failure::internal("a log that is too long"))?;
        // SAFETY: the buffer has as many bytes; no other code uses the connection.
        unsafe {
            require(read(log, buffer.as_mut_ptr().cast(), amount, offset))?;
            require(write(log, buffer.as_ptr().cast(), amount, offset))?;
        }
        at += bytes as u64;
    }
    // SAFETY: as above.
    require(unsafe { sync(log, ffi::SQLITE_SYNC_NORMAL) })
}
