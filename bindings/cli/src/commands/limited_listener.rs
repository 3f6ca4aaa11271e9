//! A listener with a bound: connections above it wait in the system's queue until another ends, also one whose client does not
//! read what it is sent.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

/// How long a client may take for the head of a request, from when the connection is there or the answer before is out; for the
/// request's body; and before it reads on what it is sent.
pub(crate) const CLIENT_TIMEOUT: Duration = Duration::from_secs(30);

/// How many connections may be open at once, and how many are.
#[derive(Clone)]
pub(crate) struct ConnectionTurns {
    left: Arc<Semaphore>,
    max: usize,
}

impl ConnectionTurns {
    pub fn new(connections: u32) -> Self {
        let max = usize::try_from(connections).unwrap_or(Semaphore::MAX_PERMITS);
        ConnectionTurns { left: Arc::new(Semaphore::new(max)), max }
    }

    pub fn max(&self) -> usize {
        self.max
    }

    /// How many connections are open; one that is waited for counts.
    pub fn taken(&self) -> usize {
        self.max - self.left.available_permits()
    }
}

/// Accepts so many connections at once.
pub(crate) struct LimitedListener {
    listener: TcpListener,
    turns: ConnectionTurns,
}

/// A connection, and its place among those at once.
pub(crate) struct LimitedStream {
    stream: TcpStream,
    /// While the client does not read what it is sent.
    patience: Option<Pin<Box<Sleep>>>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl LimitedStream {
    /// The outcome of writing, or an error when the client has read nothing for too long.
    fn unless_stalled<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.patience = None;
            return written;
        }
        let patience = self.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(CLIENT_TIMEOUT)));
        patience.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub SocketAddr);

impl LimitedListener {
    pub fn new(listener: TcpListener, turns: ConnectionTurns) -> Self {
        LimitedListener { listener, turns }
    }
}

impl Listener for LimitedListener {
    type Io = LimitedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        // The semaphore is never closed.
        let turn = Arc::clone(&self.turns.left).acquire_owned().await.ok();
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        (LimitedStream { stream, patience: None, _turn: turn }, peer)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

impl AsyncRead for LimitedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for LimitedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.unless_stalled(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.unless_stalled(context, written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_above_the_bound_waits_until_another_ends() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let turns = ConnectionTurns::new(1);
            let mut listener =
                LimitedListener::new(TcpListener::bind("127.0.0.1:0").await.unwrap(), turns.clone());
            let address = listener.local_addr().unwrap();
            let _clients =
                (TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap());
            let (first, _) = listener.accept().await;
            assert_eq!((turns.taken(), turns.max()), (1, 1));
            drop(first);
            let (_second, _) = listener.accept().await;
            assert_eq!((turns.taken(), turns.max()), (1, 1));
        });
    }
}
