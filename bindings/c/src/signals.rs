//! Signals are the host's: threads that the library starts take none.

/// Holds all signals off this thread until it is dropped. A thread that is started meanwhile inherits that and never takes one.
pub(crate) struct SignalHold {
    #[cfg(unix)]
    former: libc::sigset_t,
}

impl SignalHold {
    pub(crate) fn begin() -> Self {
        #[cfg(unix)]
        {
            let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
            let mut former = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
            // SAFETY: `sigfillset` and `sigemptyset` fill the sets; `pthread_sigmask` fails only for an unknown first argument.
            unsafe {
                libc::sigfillset(all.as_mut_ptr());
                libc::sigemptyset(former.as_mut_ptr());
                libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), former.as_mut_ptr());
                SignalHold { former: former.assume_init() }
            }
        }
        #[cfg(not(unix))]
        SignalHold {}
    }

    /// Holds them for the time of this work.
    pub(crate) fn during<T>(self, work: impl FnOnce() -> T) -> T {
        work()
    }
}

impl Drop for SignalHold {
    fn drop(&mut self) {
        #[cfg(unix)]
        // SAFETY: the mask that `begin` found on this thread.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.former, std::ptr::null_mut());
        }
    }
}
