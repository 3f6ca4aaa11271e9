//! Notices that this process is a forked child of one that used the library. Locks, mutexes and connections come over with
//! a fork in whatever state other threads left them, so the child may use none of them; a program that it executes starts
//! anew. Rests on no process number: those repeat, within a machine's lifetime and across pid namespaces.

use crate::error::{ErrorCode, Failure};

/// Whether this process was forked from one that had used the library. Takes no system call and no lock.
pub(crate) fn is_child() -> bool {
    #[cfg(unix)]
    return mark::is_child();
    #[cfg(not(unix))]
    return false;
}

/// Fails in a forked child of a process that had used the library.
pub(crate) fn require_same_process() -> Result<(), Failure> {
    if !is_child() {
        return Ok(());
    }
    Err(Failure::new(
        ErrorCode::Forked,
        "the process forked after its parent had used the library; only a program that it executes can use it",
    ))
}

/// Makes later forks noticed. Called before the library touches anything that a child must not.
pub(crate) fn notice_forks() -> Result<(), Failure> {
    require_same_process()?;
    #[cfg(unix)]
    mark::set()?;
    Ok(())
}

#[cfg(unix)]
mod mark {
    use std::ptr;
    use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

    use crate::error::Failure;

    /// What the mark holds in every process but a forked child, where the kernel or [`clear_mark`] has made it zero.
    const SAME_PROCESS: u8 = 1;

    /// A byte in a page that a forked child gets empty; null before the library is used. The one global of this crate beside
    /// the locks of files, because forks happen to the process.
    static MARK: AtomicPtr<AtomicU8> = AtomicPtr::new(ptr::null_mut());

    pub(super) fn is_child() -> bool {
        // SAFETY: null, or a mapped page that is never unmapped.
        unsafe { MARK.load(Ordering::Acquire).as_ref() }
            .is_some_and(|mark| mark.load(Ordering::Relaxed) != SAME_PROCESS)
    }

    pub(super) fn set() -> Result<(), Failure> {
        if !MARK.load(Ordering::Acquire).is_null() {
            return Ok(());
        }
        let page = map_page()?;
        // SAFETY: a fresh page of our own, which no other thread knows yet.
        unsafe { (*page).store(SAME_PROCESS, Ordering::Relaxed) };
        if MARK.compare_exchange(ptr::null_mut(), page, Ordering::AcqRel, Ordering::Acquire).is_err() {
            // Another thread was first; a page is too little to take the trouble of giving it back.
            return Ok(());
        }
        // SAFETY: the handler only stores a byte, which is allowed between fork and exec.
        let result = unsafe { libc::pthread_atfork(None, None, Some(clear_mark)) };
        if result == 0 { Ok(()) } else { Err(Failure::internal("a handler of forks cannot be registered")) }
    }

    /// Runs in a forked child: for kernels that do not empty the page (Linux before 4.14, other systems).
    extern "C" fn clear_mark() {
        // SAFETY: null, or a mapped page that is never unmapped.
        if let Some(mark) = unsafe { MARK.load(Ordering::Acquire).as_ref() } {
            mark.store(0, Ordering::Relaxed);
        }
    }

    fn map_page() -> Result<*mut AtomicU8, Failure> {
        /// The kernel maps the whole page that holds them, whatever its size.
        const BYTES: usize = 1;
        // SAFETY: a fresh private mapping. Where the kernel does not know the advice, the handler of forks does its work.
        unsafe {
            let page = libc::mmap(
                ptr::null_mut(),
                BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            if page == libc::MAP_FAILED {
                return Err(Failure::internal("no memory for the mark that notices forks"));
            }
            #[cfg(any(target_os = "linux", target_os = "android"))]
            libc::madvise(page, BYTES, libc::MADV_WIPEONFORK);
            Ok(page.cast())
        }
    }
}
