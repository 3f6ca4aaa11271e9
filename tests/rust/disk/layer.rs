//! The file layer itself: opening, deleting and looking for files.

use std::ffi::{CStr, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr;
use std::sync::Once;

use rusqlite::ffi;

use super::files::{File, set_system_error};
use super::{Call, Fault, disk_of};

/// Makes this layer the default of the process, once.
pub(super) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: SQLite's default layer lives as long as the process, and so does the one that is registered here.
        unsafe {
            assert_eq!(ffi::sqlite3_initialize(), ffi::SQLITE_OK);
            let real = ffi::sqlite3_vfs_find(ptr::null());
            let layer = Box::new(ffi::sqlite3_vfs {
                iVersion: 2,
                szOsFile: File::BYTES + (*real).szOsFile,
                pNext: ptr::null_mut(),
                zName: c"hellojohn-tests".as_ptr(),
                pAppData: real.cast(),
                xOpen: Some(open),
                xDelete: Some(delete),
                xAccess: Some(access),
                xFullPathname: Some(full_path),
                xRandomness: Some(randomness),
                xSleep: Some(sleep),
                xCurrentTime: Some(current_time),
                xGetLastError: Some(last_error),
                xCurrentTimeInt64: Some(current_time_ms),
                xSetSystemCall: None,
                xGetSystemCall: None,
                xNextSystemCall: None,
                // What is left loads extensions, and does not look at the layer that it is called with.
                ..*real
            });
            assert_eq!(ffi::sqlite3_vfs_register(Box::leak(layer), 1), ffi::SQLITE_OK);
        }
    });
}

/// The system's own layer.
///
/// # Safety
/// The argument is the layer that [`install`] registered.
unsafe fn real<'a>(layer: *mut ffi::sqlite3_vfs) -> &'a mut ffi::sqlite3_vfs {
    // SAFETY: as `install` set it.
    unsafe { &mut *(*layer).pAppData.cast() }
}

/// # Safety
/// A text that ends with NUL, or null.
unsafe fn path_of<'a>(name: *const c_char) -> Option<&'a Path> {
    // SAFETY: as the caller promises.
    (!name.is_null()).then(|| Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes())))
}

unsafe extern "C" fn open(
    layer: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite calls this with its own arguments, and with as many bytes for the file as this layer asks for; those that the
    // system's layer asks for are among them.
    unsafe {
        let real = real(layer);
        let Some(real_open) = real.xOpen else { return ffi::SQLITE_CANTOPEN };
        let Some((disk, file_name)) = path_of(name).and_then(disk_of) else {
            return real_open(real, name, file, flags, out_flags);
        };
        (*file).pMethods = ptr::null();
        if let Some(fault) = disk.begin(Call::Open) {
            return set_system_error(fault.codes(Call::Open));
        }
        let is_journal = flags & (ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL) != 0;
        // Also where the file is there already: SQLite looks at what it has asked for (`isNewJrnl` in os_unix.c).
        let may_make_it = flags & ffi::SQLITE_OPEN_CREATE != 0;
        let opened = real_open(real, name, File::beneath(file), flags, out_flags);
        if opened == ffi::SQLITE_OK {
            disk.record_open(&file_name);
            File::set(file, disk, file_name, is_journal && may_make_it);
        }
        opened
    }
}

unsafe extern "C" fn delete(layer: *mut ffi::sqlite3_vfs, name: *const c_char, syncs_folder: c_int) -> c_int {
    // SAFETY: SQLite calls this with its own arguments.
    unsafe {
        let real = real(layer);
        let Some(real_delete) = real.xDelete else { return ffi::SQLITE_IOERR_DELETE };
        let Some((disk, file_name)) = path_of(name).and_then(disk_of) else {
            return real_delete(real, name, syncs_folder);
        };
        if let Some(fault) = disk.begin(Call::Delete) {
            return set_system_error(fault.codes(Call::Delete));
        }
        let deleted = real_delete(real, name, syncs_folder);
        if deleted == ffi::SQLITE_OK {
            disk.record_delete(&file_name, syncs_folder != 0);
        }
        deleted
    }
}

unsafe extern "C" fn access(
    layer: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite calls this with its own arguments.
    unsafe {
        let real = real(layer);
        let fault: Option<Fault> =
            path_of(name).and_then(disk_of).and_then(|(disk, _)| disk.begin(Call::Access));
        match (fault, real.xAccess) {
            (Some(fault), _) => set_system_error(fault.codes(Call::Access)),
            (None, Some(access)) => access(real, name, flags, out),
            (None, None) => ffi::SQLITE_IOERR_ACCESS,
        }
    }
}

/// A method that goes to the system's layer as it is.
macro_rules! pass_on {
    ($name:ident, $method:ident, $($argument:ident: $kind:ty),*) => {
        unsafe extern "C" fn $name(layer: *mut ffi::sqlite3_vfs, $($argument: $kind),*) -> c_int {
            // SAFETY: SQLite calls this with its own arguments.
            unsafe {
                let real = real(layer);
                real.$method.map_or(ffi::SQLITE_ERROR, |method| method(real, $($argument),*))
            }
        }
    };
}

pass_on!(full_path, xFullPathname, name: *const c_char, bytes: c_int, out: *mut c_char);
pass_on!(randomness, xRandomness, bytes: c_int, out: *mut c_char);
pass_on!(sleep, xSleep, microseconds: c_int);
pass_on!(current_time, xCurrentTime, out: *mut f64);
pass_on!(current_time_ms, xCurrentTimeInt64, out: *mut i64);
pass_on!(last_error, xGetLastError, bytes: c_int, out: *mut c_char);
