//! The methods of a file on a watched disk: each counts itself, fails if it is to fail, goes to the system's layer, and is recorded.

use std::ffi::{c_int, c_void};
use std::mem::size_of;
use std::sync::Arc;

use rusqlite::ffi;

use super::{Call, Event, Fault, Shared};

/// An open file. Behind it is the one of the system's layer.
#[repr(C)]
pub(super) struct File {
    /// First: SQLite sees nothing else.
    base: ffi::sqlite3_file,
    /// Made by `Box::into_raw` in [`File::set`].
    details: *mut Details,
}

struct Details {
    disk: Arc<Shared>,
    name: String,
    /// Whether the first sync takes the folder's names to the disk, too.
    syncs_folder: bool,
}

const METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // The second version has the log's index, and no memory that is mapped from the file.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(map_index),
    xShmLock: Some(lock_index),
    xShmBarrier: Some(barrier),
    xShmUnmap: Some(unmap_index),
    xFetch: None,
    xUnfetch: None,
};

static SHARED_METHODS: ffi::sqlite3_io_methods = METHODS;

impl File {
    pub(super) const BYTES: c_int = size_of::<File>() as c_int;

    /// The file of the system's layer.
    ///
    /// # Safety
    /// The memory is that of a file of this layer.
    pub(super) unsafe fn beneath(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
        // SAFETY: the layer asks for the bytes of both.
        unsafe { file.cast::<u8>().add(size_of::<File>()).cast() }
    }

    /// Makes the memory an open file, once the system's layer has opened its own.
    ///
    /// # Safety
    /// As [`beneath`](Self::beneath).
    pub(super) unsafe fn set(
        file: *mut ffi::sqlite3_file,
        disk: Arc<Shared>,
        name: String,
        syncs_folder: bool,
    ) {
        let details = Box::into_raw(Box::new(Details { disk, name, syncs_folder }));
        let base = ffi::sqlite3_file { pMethods: &raw const SHARED_METHODS };
        // SAFETY: the memory is large enough and SQLite's own.
        unsafe { file.cast::<File>().write(File { base, details }) };
    }
}

/// Leaves the system's error where SQLite asks for it; answers SQLite's code.
pub(super) fn set_system_error((code, number): (i32, i32)) -> c_int {
    // SAFETY: the thread's own error number.
    unsafe { *libc::__errno_location() = number };
    code
}

/// # Safety
/// The file is an open one of this layer, and SQLite uses it in no other thread.
unsafe fn details<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Details {
    // SAFETY: as the caller promises; the first field stays what it was also where the engine has put other methods.
    unsafe { &mut *(*file.cast::<File>()).details }
}

/// The code with which the call is to fail.
///
/// # Safety
/// As [`details`].
unsafe fn failure(file: *mut ffi::sqlite3_file, call: Call) -> Option<c_int> {
    // SAFETY: as the caller promises.
    let fault = unsafe { details(file) }.disk.begin(call)?;
    Some(set_system_error(fault.codes(call)))
}

/// Calls a method of the system's layer.
macro_rules! beneath {
    ($file:ident.$method:ident($($argument:expr),*)) => {{
        let real = File::beneath($file);
        (*(*real).pMethods).$method.map_or(ffi::SQLITE_IOERR, |method| method(real, $($argument),*))
    }};
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once; `set` made the details.
    unsafe {
        drop(Box::from_raw((*file.cast::<File>()).details));
        beneath!(file.xClose())
    }
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, to: *mut c_void, bytes: c_int, at: i64) -> c_int {
    // SAFETY: SQLite's own arguments.
    unsafe { failure(file, Call::Read).unwrap_or_else(|| beneath!(file.xRead(to, bytes, at))) }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    bytes: c_int,
    at: i64,
) -> c_int {
    // SAFETY: SQLite's own arguments: that many bytes can be read.
    unsafe {
        let Details { disk, name, .. } = details(file);
        let fault = disk.begin(Call::Write);
        let written = match fault {
            None => bytes,
            Some(Fault::ShortWrite) => bytes / 2,
            Some(fault) => return set_system_error(fault.codes(Call::Write)),
        };
        let result = beneath!(file.xWrite(from, written, at));
        if result == ffi::SQLITE_OK {
            let content = std::slice::from_raw_parts(from.cast::<u8>(), written.unsigned_abs() as usize);
            disk.record(|| Event::Write(name.clone(), at.unsigned_abs(), content.into()));
        }
        fault.map_or(result, |fault| set_system_error(fault.codes(Call::Write)))
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: i64) -> c_int {
    // SAFETY: SQLite's own arguments.
    unsafe {
        if let Some(code) = failure(file, Call::Truncate) {
            return code;
        }
        let Details { disk, name, .. } = details(file);
        let result = beneath!(file.xTruncate(length));
        if result == ffi::SQLITE_OK {
            disk.record(|| Event::Truncate(name.clone(), length.unsigned_abs()));
        }
        result
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite's own arguments.
    unsafe {
        let Details { disk, name, syncs_folder } = details(file);
        if let Some(fault) = disk.begin(Call::Sync) {
            disk.record(|| Event::LostSync(name.clone()));
            return set_system_error(fault.codes(Call::Sync));
        }
        let result = if disk.state().skips_syncs { ffi::SQLITE_OK } else { beneath!(file.xSync(flags)) };
        if result == ffi::SQLITE_OK {
            let with_folder = std::mem::take(syncs_folder);
            disk.record(|| Event::Sync(name.clone(), with_folder));
        }
        result
    }
}

unsafe extern "C" fn size(file: *mut ffi::sqlite3_file, out: *mut i64) -> c_int {
    // SAFETY: SQLite's own arguments.
    unsafe { failure(file, Call::Size).unwrap_or_else(|| beneath!(file.xFileSize(out))) }
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: SQLite's own arguments.
    unsafe { failure(file, Call::Lock).unwrap_or_else(|| beneath!(file.xLock(level))) }
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: SQLite's own arguments.
    unsafe { beneath!(file.xUnlock(level)) }
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: SQLite's own arguments.
    unsafe { failure(file, Call::Lock).unwrap_or_else(|| beneath!(file.xCheckReservedLock(out))) }
}

unsafe extern "C" fn control(file: *mut ffi::sqlite3_file, what: c_int, argument: *mut c_void) -> c_int {
    // SAFETY: SQLite's own arguments.
    unsafe { beneath!(file.xFileControl(what, argument)) }
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite's own argument.
    unsafe { beneath!(file.xSectorSize()) }
}

unsafe extern "C" fn characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite's own argument.
    unsafe { beneath!(file.xDeviceCharacteristics()) }
}

unsafe extern "C" fn map_index(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    bytes: c_int,
    extends: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: SQLite's own arguments.
    unsafe {
        failure(file, Call::MapIndex).unwrap_or_else(|| beneath!(file.xShmMap(region, bytes, extends, out)))
    }
}

unsafe extern "C" fn lock_index(
    file: *mut ffi::sqlite3_file,
    offset: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: SQLite's own arguments. Giving a lock back cannot fail.
    unsafe {
        let is_unlock = flags & ffi::SQLITE_SHM_UNLOCK != 0;
        // The first of the locks is the writer's (sqlite.org/walformat.html, section 2.3).
        let call = if offset == 0 { Call::LockWriter } else { Call::LockIndex };
        let code = if is_unlock { None } else { failure(file, call) };
        code.unwrap_or_else(|| beneath!(file.xShmLock(offset, count, flags)))
    }
}

unsafe extern "C" fn barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: SQLite's own argument.
    unsafe {
        let real = File::beneath(file);
        if let Some(barrier) = (*(*real).pMethods).xShmBarrier {
            barrier(real);
        }
    }
}

unsafe extern "C" fn unmap_index(file: *mut ffi::sqlite3_file, deletes: c_int) -> c_int {
    // SAFETY: SQLite's own arguments.
    unsafe { beneath!(file.xShmUnmap(deletes)) }
}
