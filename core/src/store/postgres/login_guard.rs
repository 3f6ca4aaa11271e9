//! Keeps a password from a server that asks for it in a way that gives it away.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that looks at the server's messages until the login is over, before the driver sees them.
///
/// The driver would answer every kind of question for a password. Refused are MD5, whose hash is as good as the password to
/// the server that gets it, and the password itself on a connection that is not encrypted.
pub(super) struct LoginGuard<S> {
    stream: S,
    is_encrypted: bool,
    /// Absent once the login is over.
    reader: Option<LoginReader>,
}

impl<S> LoginGuard<S> {
    pub(super) fn new(stream: S, is_encrypted: bool) -> Self {
        LoginGuard { stream, is_encrypted, reader: Some(LoginReader::default()) }
    }

    pub(super) fn get_ref(&self) -> &S {
        &self.stream
    }
}

/// What the server has asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    Accepted,
    Cleartext,
    Md5,
    Other,
}

/// Finds the messages of a login in a stream of bytes (PostgreSQL's protocol, version 3: a letter, a length, contents).
#[derive(Default)]
struct LoginReader {
    /// The head of the message that is being read: letter, length and, of a request of the login, its number.
    head: Vec<u8>,
    /// How many bytes of the message's contents are still to come.
    to_skip: usize,
}

const AUTHENTICATION: u8 = b'R';

impl LoginReader {
    /// Reads one more byte; what the server asks for, if this byte completes that.
    fn read(&mut self, byte: u8) -> Option<Request> {
        if self.to_skip > 0 {
            self.to_skip -= 1;
            return None;
        }
        self.head.push(byte);
        let &[letter, a, b, c, d, ref number @ ..] = self.head.as_slice() else { return None };
        // The length counts itself.
        let contents = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(0).saturating_sub(4);
        if letter != AUTHENTICATION || contents < 4 {
            self.next_message(contents);
            return None;
        }
        let number = <[u8; 4]>::try_from(number).ok()?;
        self.next_message(contents - 4);
        Some(match u32::from_be_bytes(number) {
            0 => Request::Accepted,
            3 => Request::Cleartext,
            5 => Request::Md5,
            _ => Request::Other,
        })
    }

    fn next_message(&mut self, to_skip: usize) {
        self.head.clear();
        self.to_skip = to_skip;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LoginGuard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let guard = &mut *self;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut guard.stream).poll_read(context, buffer))?;
        let Some(reader) = &mut guard.reader else { return Poll::Ready(Ok(())) };
        for byte in &buffer.filled()[before..] {
            let refused = match reader.read(*byte) {
                Some(Request::Md5) => {
                    "the server asks for the password's MD5 hash: store it as scram-sha-256 there"
                }
                Some(Request::Cleartext) if !guard.is_encrypted => {
                    "the server asks for the password itself on a connection that is not encrypted"
                }
                Some(Request::Accepted) => {
                    guard.reader = None;
                    break;
                }
                _ => continue,
            };
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::PermissionDenied, refused)));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LoginGuard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
