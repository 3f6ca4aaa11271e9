//! The threads that wait for the answers of calls that were begun with a completion. They belong to an engine, start when there
//! is work for them and end when its last handle is freed.

use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

pub(crate) use hellojohn_core::lane::Lane;

use crate::signals::SignalHold;

/// Tells threads that run at the same time from each other. The standard library's id would allocate on a thread of the host, and
/// keep that until the thread ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ThreadMark(usize);

impl ThreadMark {
    pub(crate) fn current() -> Self {
        thread_local!(static MARK: u8 = const { 0 });
        ThreadMark(MARK.with(|mark| std::ptr::from_ref(mark).addr()))
    }
}

/// Enough, because the engine's deepest call is a parser with a depth limit; a completion of the host's has the rest.
const STACK_BYTES: usize = 1 << 20;

/// The threads of one engine. Each kind of work has its own, so that a read does not wait for a commit, nor either for a sign-in
/// over REST.
pub(crate) struct Threads {
    /// One reads, or makes the round trip, for all that were begun together; others go on beside a long list.
    pub(crate) reads: Lane,
    /// One commits for all that were begun together, while others sign.
    pub(crate) writes: Lane,
    /// Each waits for one request, and for the host's check of credentials.
    pub(crate) requests: Lane,
    /// Each opens a database, or stretches a tenant's secret key.
    pub(crate) openings: Lane,
    /// Each looks at very many sessions, or ends them.
    pub(crate) scans: Lane,
}

impl Threads {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Threads {
            reads: Lane::keeping_threads("hellojohn-read", 4, start),
            writes: Lane::keeping_threads("hellojohn-write", 4, start),
            requests: Lane::keeping_threads("hellojohn-rest", 16, start),
            openings: Lane::keeping_threads("hellojohn-open", 4, start),
            scans: Lane::keeping_threads("hellojohn-scan", 4, start),
        })
    }
}

fn start(builder: Builder, work: Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>> {
    let _hold = SignalHold::begin(); // which the thread inherits
    builder.stack_size(STACK_BYTES).spawn(work)
}
