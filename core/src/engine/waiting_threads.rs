//! The threads that make calls whose answers are awaited, so that a future never blocks the thread that polls it. They belong to an
//! engine, start when there is work for them, and end after ten seconds without any or with the engine's last handle.

use super::lane::{Job, Lane};

/// What a call is: each kind has threads of its own, so that a read waits for no commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallKind {
    /// A write in the queue: one thread commits for all that are queued by then, while others sign.
    Write,
    /// A look-up or a list.
    Read,
    /// Any calls of the host.
    Other,
}

/// The threads of one engine.
pub(super) struct WaitingThreads {
    writes: Lane,
    reads: Lane,
    others: Lane,
}

impl WaitingThreads {
    pub(super) fn new() -> Self {
        WaitingThreads {
            writes: Lane::new("hellojohn-write", 4),
            reads: Lane::new("hellojohn-read", 8),
            // Each may wait for a commit that it shares with the others: the more there are, the more share one.
            others: Lane::new("hellojohn-call", 64),
        }
    }

    /// Queues a job, or gives it back where there is no thread and the system refuses one.
    pub(super) fn submit(&self, kind: CallKind, job: Job) -> Result<(), Job> {
        self.lane(kind).submit(job)
    }

    fn lane(&self, kind: CallKind) -> &Lane {
        match kind {
            CallKind::Write => &self.writes,
            CallKind::Read => &self.reads,
            CallKind::Other => &self.others,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn each_kind_of_call_has_threads_of_its_own() {
        let threads = WaitingThreads::new();
        let (sender, receiver) = channel();
        let job: Job = Box::new(move || {
            sender.send(()).unwrap();
            None
        });
        assert!(threads.submit(CallKind::Write, job).is_ok());
        receiver.recv().unwrap();
        let running =
            [CallKind::Write, CallKind::Read, CallKind::Other].map(|kind| threads.lane(kind).running());
        assert_eq!(running, [1, 0, 0]);
    }
}
