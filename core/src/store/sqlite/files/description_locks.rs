//! Keeps SQLite's locks from being dropped. POSIX drops all of a process's locks on a file when any part of the process
//! closes any descriptor of it, be it a backup tool that has read the database. Locks of an open file description
//! (`F_OFD_SETLK`) are not dropped so, and they exclude another copy of SQLite in this process, too. SQLite lets its system
//! calls be replaced: for the files that engines have open, these put its locks on such descriptions.
//!
//! SQLite takes and releases the locks of a database through whichever of its descriptors is at hand, because POSIX locks
//! belong to the process and the file. So one description for each database file, the holder, has all of its locks, and so
//! has one for each descriptor of a log's index, of which SQLite has no more than one at a time.

use std::ffi::{CStr, CString};
use std::mem;
use std::os::raw::{c_char, c_int, c_void};
use std::sync::OnceLock;

use libc::{F_GETLK, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_SETLK, F_SETLKW, flock, mode_t};
use parking_lot::RwLock;
use rusqlite::ffi;

use super::identity::FileIdentity;
use super::lock_table::Table;
use crate::fork;

type Open = unsafe extern "C" fn(*const c_char, c_int, mode_t) -> c_int;
type Close = unsafe extern "C" fn(c_int) -> c_int;
type Fcntl = unsafe extern "C" fn(c_int, c_int, ...) -> c_int;

/// Whether SQLite's system calls may be replaced: those of this library's own SQLite, which goes when the library does. The
/// replacements stand in for variadic C functions; on these processors Linux passes three arguments of a variadic call as it
/// passes those of another one, so that no C compiler is needed.
const CAN_REPLACE_CALLS: bool = cfg!(all(
    feature = "bundled",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
));

/// The system calls that SQLite made before.
struct Replaced {
    open: Open,
    close: Close,
    fcntl: Fcntl,
}

/// Absent where locks of descriptions cannot be used.
static REPLACED: OnceLock<Option<Replaced>> = OnceLock::new();

/// A global, because SQLite's system calls are. A forked child never takes this lock.
static TABLE: RwLock<Table> = RwLock::new(Table::new());

/// Says, while it exists, that an engine has the database at this path open.
pub(super) struct LockedPath(CString);

impl LockedPath {
    /// For a path as SQLite spells it.
    pub(super) fn new(path: &CStr) -> Self {
        *TABLE.write().paths.entry(path.to_owned()).or_insert(0) += 1;
        LockedPath(path.to_owned())
    }
}

impl Drop for LockedPath {
    fn drop(&mut self) {
        let mut table = TABLE.write();
        if let Some(count) = table.paths.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                table.paths.remove(&self.0);
            }
        }
    }
}

/// Whether SQLite's connections to a database of an engine use this descriptor.
pub(super) fn has_descriptor(descriptor: c_int) -> bool {
    let table = TABLE.read();
    table.descriptors.contains_key(&descriptor) || table.holders().any(|holder| holder == descriptor)
}

/// How many names a file has that SQLite has open.
pub(super) fn count_names(file: FileIdentity) -> Option<u64> {
    let table = TABLE.read();
    table.databases.get(&file).and_then(|file| FileIdentity::count_names(file.holder))
}

/// Replaces SQLite's system calls, once. Whether its locks are those of open file descriptions from now on.
pub(super) fn install() -> bool {
    REPLACED.get_or_init(|| {
        let replaced = (CAN_REPLACE_CALLS && is_supported()).then(current_calls).flatten()?;
        // SAFETY: the handlers keep what their comments promise.
        let registered = unsafe { libc::pthread_atfork(Some(before_fork), Some(in_parent), Some(in_child)) };
        (registered == 0).then_some(replaced)
    });
    static REPLACEMENT: OnceLock<bool> = OnceLock::new();
    *REPLACEMENT.get_or_init(|| {
        // After the calls before are known to the replacements.
        REPLACED.get().is_some_and(Option::is_some) && replace_calls()
    })
}

/// Whether the kernel knows locks of descriptions: not all that pass for Linux do.
fn is_supported() -> bool {
    // SAFETY: asks about a lock on a file in memory, which is closed again.
    unsafe {
        let file = libc::memfd_create(c"hellojohn-lock".as_ptr(), libc::MFD_CLOEXEC);
        if file < 0 {
            return false;
        }
        let mut lock: flock = mem::zeroed();
        lock.l_type = libc::F_WRLCK as _;
        let known = libc::fcntl(file, F_OFD_GETLK, &raw mut lock) == 0;
        libc::close(file);
        known
    }
}

fn unix_vfs() -> Option<&'static mut ffi::sqlite3_vfs> {
    // SAFETY: SQLite's own file system layer, which is never unregistered.
    unsafe { ffi::sqlite3_vfs_find(c"unix".as_ptr()).as_mut() }
}

fn current_calls() -> Option<Replaced> {
    let vfs = unix_vfs()?;
    let get = vfs.xGetSystemCall.filter(|_| vfs.iVersion >= 3)?;
    // SAFETY: SQLite calls what it answers here as functions of these types.
    unsafe {
        Some(Replaced {
            open: mem::transmute::<unsafe extern "C" fn(), Open>(get(vfs, c"open".as_ptr())?),
            close: mem::transmute::<unsafe extern "C" fn(), Close>(get(vfs, c"close".as_ptr())?),
            fcntl: mem::transmute::<unsafe extern "C" fn(), Fcntl>(get(vfs, c"fcntl".as_ptr())?),
        })
    }
}

/// `fcntl` last: it does something only for descriptors that the other two have noted.
fn replace_calls() -> bool {
    let Some(vfs) = unix_vfs() else { return false };
    let Some(set) = vfs.xSetSystemCall else { return false };
    // SAFETY: SQLite calls the functions with the arguments that they take; see [`CAN_REPLACE_CALLS`].
    unsafe {
        let open = mem::transmute::<Open, unsafe extern "C" fn()>(open_noting);
        let close = mem::transmute::<Close, unsafe extern "C" fn()>(close_noting);
        type FixedFcntl = unsafe extern "C" fn(c_int, c_int, *mut c_void) -> c_int;
        let fcntl = mem::transmute::<FixedFcntl, unsafe extern "C" fn()>(lock_by_description);
        [(c"open", open), (c"close", close), (c"fcntl", fcntl)]
            .into_iter()
            .all(|(name, call)| set(vfs, name.as_ptr(), Some(call)) == ffi::SQLITE_OK)
    }
}

fn replaced() -> &'static Replaced {
    match REPLACED.get() {
        Some(Some(replaced)) => replaced,
        _ => unreachable!("a replacement runs only after what it replaces is known"),
    }
}

unsafe extern "C" fn open_noting(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: SQLite's own call.
    let descriptor = unsafe { (replaced().open)(path, flags, mode) };
    if descriptor < 0 || fork::is_child() {
        return descriptor;
    }
    // SAFETY: SQLite gives a text that ends with NUL.
    if TABLE.write().add(unsafe { CStr::from_ptr(path) }, descriptor).is_ok() {
        return descriptor;
    }
    // SAFETY: opened above; `errno` says to SQLite why there is no holder.
    unsafe {
        let number = *libc::__errno_location();
        (replaced().close)(descriptor);
        *libc::__errno_location() = number;
    }
    -1
}

unsafe extern "C" fn close_noting(descriptor: c_int) -> c_int {
    // Forgotten first: once it is closed, another thread may be given the same number.
    let holder = if fork::is_child() { None } else { TABLE.write().remove(descriptor) };
    // SAFETY: SQLite's own call, and a holder that no descriptor uses any more: SQLite has no lock on this file left.
    unsafe {
        if let Some(holder) = holder {
            libc::close(holder);
        }
        (replaced().close)(descriptor)
    }
}

unsafe extern "C" fn lock_by_description(descriptor: c_int, command: c_int, argument: *mut c_void) -> c_int {
    let own_command = match command {
        F_SETLK => F_OFD_SETLK,
        F_SETLKW => F_OFD_SETLKW,
        F_GETLK => F_OFD_GETLK,
        // SAFETY: SQLite's own call.
        _ => return unsafe { (replaced().fcntl)(descriptor, command, argument) },
    };
    // A forked child's calls are as they were: unlocking by process takes nothing from the parent's descriptions.
    let holder = if fork::is_child() { None } else { holder_of(descriptor) };
    // SAFETY: with these commands the argument is a lock that SQLite owns. The holder stays open as long as the descriptor.
    unsafe {
        let Some(holder) = holder else { return (replaced().fcntl)(descriptor, command, argument) };
        let lock = &mut *argument.cast::<flock>();
        // SQLite leaves it unset; the kernel wants zero.
        lock.l_pid = 0;
        (replaced().fcntl)(holder, own_command, argument)
    }
}

fn holder_of(descriptor: c_int) -> Option<c_int> {
    TABLE.read().descriptors.get(&descriptor).map(|known| known.holder)
}

/// Keeps the table still, so that the child finds it whole.
extern "C" fn before_fork() {
    mem::forget(TABLE.write());
}

extern "C" fn in_parent() {
    // SAFETY: this thread has locked it in `before_fork`.
    unsafe { TABLE.force_unlock_write(Default::default()) };
}

/// Descriptions are shared over a fork, and locks last as long as they do: if the parent died, a child that lives on would
/// hold them for ever. It gives them up. Makes only system calls, as a child of several threads must; the table stays locked,
/// and [`fork::is_child`] keeps everything else away from it.
extern "C" fn in_child() {
    // SAFETY: locked since `before_fork` by the thread that has become this process.
    let table = unsafe { &*TABLE.data_ptr() };
    for holder in table.holders() {
        // SAFETY: a descriptor of our own, which nothing uses in a child.
        unsafe { libc::close(holder) };
    }
}
