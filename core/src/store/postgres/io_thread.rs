//! The one thread that touches sockets. Everything else hands it a piece of work and waits for the answer.

use std::future::Future;
use std::sync::mpsc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::error::{ErrorCode, Failure};

pub(super) struct IoThread {
    runtime: Handle,
    running: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl IoThread {
    pub(super) fn start() -> Result<Self, Failure> {
        let cannot = |cause| {
            Failure::new(ErrorCode::Internal, "the thread for the database's connections cannot be started")
                .caused_by(cause)
        };
        let runtime = Builder::new_current_thread().enable_io().enable_time().build().map_err(cannot)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("hellojohn-postgres".into())
            .spawn(move || {
                let _ = runtime.block_on(stopped); // an error: the other end is gone, which means stop, too
                runtime.shutdown_background(); // a look-up of a host's name may be under way
            })
            .map_err(cannot)?;
        Ok(IoThread { runtime: handle, running: Mutex::new(Some((stop, thread))) })
    }

    /// Runs the work on the thread and waits for it. The work itself keeps to a time limit.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Failure> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.runtime.spawn(async move {
            let _ = sender.send(work.await);
        });
        receiver.recv().map_err(|_| Failure::internal("the thread for the database's connections is gone"))
    }

    /// Ends the thread. What it has not done by now it never does.
    pub(super) fn stop(&self) {
        let Some((stop, thread)) = self.running.lock().take() else { return };
        let _ = stop.send(());
        let _ = thread.join();
    }
}
