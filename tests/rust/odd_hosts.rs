//! What odd hosts do to their own process before or while they use the library.

use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int, c_void};
use std::path::Path;
use std::ptr;

/// The way of this process is changed before the library is used. Whether that was permitted.
pub fn prepare(way: &str) -> bool {
    match way {
        "without-proc" => hide_proc(),
        "without-locks-of-descriptions" => refuse_locks_of_descriptions(),
        _ => true,
    }
}

/// An empty folder in the place of `/proc`, for this process only.
fn hide_proc() -> bool {
    // SAFETY: system calls on constant texts.
    unsafe {
        (libc::unshare(libc::CLONE_NEWNS) == 0 || libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS) == 0)
            && libc::mount(
                ptr::null(),
                c"/".as_ptr(),
                ptr::null(),
                libc::MS_REC | libc::MS_PRIVATE,
                ptr::null(),
            ) == 0
            && libc::mount(c"tmpfs".as_ptr(), c"/proc".as_ptr(), c"tmpfs".as_ptr(), 0, ptr::null()) == 0
            && !Path::new("/proc/self").exists()
    }
}

/// From now on the kernel knows no locks of open file descriptions, as some sandboxes do not.
fn refuse_locks_of_descriptions() -> bool {
    const NUMBER: u32 = 0;
    const SECOND_ARGUMENT: u32 = 24;
    let statement = |code: u32, jump_true, jump_false, k| libc::sock_filter {
        code: code as u16,
        jt: jump_true,
        jf: jump_false,
        k,
    };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let at_least = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let answer = libc::BPF_RET | libc::BPF_K;
    let mut filter = [
        statement(load, 0, 0, NUMBER),
        statement(equal, 0, 4, libc::SYS_fcntl as u32),
        statement(load, 0, 0, SECOND_ARGUMENT),
        statement(at_least, 0, 2, libc::F_OFD_GETLK as u32),
        statement(at_least, 1, 0, libc::F_OFD_SETLKW as u32 + 1),
        statement(answer, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EINVAL as u32),
        statement(answer, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the kernel copies the program.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
    }
}

type Open = unsafe extern "C" fn(*const c_char, *mut *mut c_void) -> c_int;
type Run = unsafe extern "C" fn(*mut c_void, *const c_char, *mut c_void, *mut c_void, *mut c_void) -> c_int;
type Close = unsafe extern "C" fn(*mut c_void) -> c_int;

/// The system's SQLite, another copy than the library's.
pub struct AnotherSqlite {
    open: Open,
    run: Run,
    close: Close,
}

impl AnotherSqlite {
    /// Nothing where the system has none.
    pub fn load() -> Option<Self> {
        // SAFETY: the functions of these names have these types (sqlite.org/c3ref).
        unsafe {
            let library = libc::dlopen(c"libsqlite3.so.0".as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
            (!library.is_null()).then(|| AnotherSqlite {
                open: std::mem::transmute::<*mut c_void, Open>(libc::dlsym(
                    library,
                    c"sqlite3_open".as_ptr(),
                )),
                run: std::mem::transmute::<*mut c_void, Run>(libc::dlsym(library, c"sqlite3_exec".as_ptr())),
                close: std::mem::transmute::<*mut c_void, Close>(libc::dlsym(
                    library,
                    c"sqlite3_close".as_ptr(),
                )),
            })
        }
    }

    /// Opens the file.
    pub fn connect(&self, database: &Path) -> AnotherConnection<'_> {
        let path = CString::new(database.as_os_str().as_encoded_bytes()).expect("a path");
        let mut connection = ptr::null_mut();
        // SAFETY: the text ends with NUL, and the copy writes one pointer.
        let result = unsafe { (self.open)(path.as_ptr(), &mut connection) };
        assert_eq!(result, 0, "the other copy opens the file");
        AnotherConnection { sqlite: self, connection }
    }
}

/// A connection of the other copy.
pub struct AnotherConnection<'a> {
    sqlite: &'a AnotherSqlite,
    connection: *mut c_void,
}

impl AnotherConnection<'_> {
    /// Runs statements; the result code.
    pub fn run(&self, statements: &CStr) -> c_int {
        let none = ptr::null_mut();
        // SAFETY: the connection is open.
        unsafe { (self.sqlite.run)(self.connection, statements.as_ptr(), none, none, none) }
    }
}

impl Drop for AnotherConnection<'_> {
    fn drop(&mut self) {
        // SAFETY: the connection is open, and not used again.
        unsafe { (self.sqlite.close)(self.connection) };
    }
}
