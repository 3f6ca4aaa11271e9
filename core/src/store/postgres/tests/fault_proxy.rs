//! A proxy between a client and a server that fails in the ways in which networks do.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// What the proxy does with the connections that it has and gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it hands on what comes.
    None,
    /// Every so-manieth request reaches the server, whose answer is lost: both connections are cut when it arrives.
    LoseAnswers {
        /// 1 for every request.
        every: u64,
    },
    /// An answer arrives, and the end of the connection right behind it.
    #[allow(dead_code, reason = "for the tests of trips; those of failovers share this file")]
    EndBehindAnswer,
    /// As `LoseAnswers`, for the next request alone.
    LoseNextAnswer,
    /// Each direction holds back what it got for so long.
    #[allow(dead_code, reason = "the tests of failovers, which share this file, delay")]
    Delay(Duration),
    /// Nothing is handed on and nothing is cut, as behind a broken router.
    BlackHole,
    /// The server's side is cut, the client's side is not told.
    HalfOpen,
    /// Both sides are cut, and new connections with them.
    Refuse,
}

/// The proxy; it ends with the process.
#[derive(Clone)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    fault: Mutex<Fault>,
    changed: Condvar,
    requests: AtomicU64,
    connections: Mutex<HashMap<u64, Pair>>,
    next_connection: AtomicU64,
}

struct Pair {
    client: TcpStream,
    server: TcpStream,
}

impl FaultProxy {
    /// A proxy to this server that does nothing yet.
    pub fn start(server: SocketAddr) -> FaultProxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            fault: Mutex::new(Fault::None),
            changed: Condvar::new(),
            requests: AtomicU64::new(0),
            connections: Mutex::default(),
            next_connection: AtomicU64::new(0),
        });
        let proxy = FaultProxy { address, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.fault() == Fault::Refuse {
                    continue; // dropped, so cut
                }
                let Ok(server) = TcpStream::connect(server) else { continue };
                Shared::join(&shared, client, server);
            }
        });
        proxy
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is done from now on, to connections that are there, too.
    pub fn set(&self, fault: Fault) {
        *self.shared.fault.lock().expect("no thread has panicked") = fault;
        self.shared.changed.notify_all();
        match fault {
            Fault::HalfOpen => self.shared.cut(|pair| vec![&pair.server]),
            Fault::Refuse => self.shared.cut(|pair| vec![&pair.client, &pair.server]),
            _ => {}
        }
    }

    /// Cuts what is connected now, both sides; new connections are as before.
    pub fn cut(&self) {
        self.shared.cut(|pair| vec![&pair.client, &pair.server]);
    }

    /// How many times a client has sent something that was handed on.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::SeqCst)
    }
}

/// Whether the server waits for the next request behind these bytes.
fn is_whole(answer: &[u8]) -> bool {
    answer.len() > 5 && answer[..answer.len() - 1].ends_with(b"Z\0\0\0\x05")
}

/// Sends this in one packet with the end of the connection.
fn send_with_end(to: &TcpStream, answer: &[u8]) {
    // SAFETY: the bytes and the socket are borrowed.
    let sent = unsafe { libc::send(to.as_raw_fd(), answer.as_ptr().cast(), answer.len(), libc::MSG_MORE) };
    assert_eq!(sent, answer.len() as isize);
    let _ = to.shutdown(Shutdown::Both);
}

impl Shared {
    fn fault(&self) -> Fault {
        *self.fault.lock().expect("no thread has panicked")
    }

    fn cut(&self, sides: impl Fn(&Pair) -> Vec<&TcpStream>) {
        for pair in self.connections.lock().expect("no thread has panicked").values() {
            for side in sides(pair) {
                let _ = side.shutdown(Shutdown::Both);
            }
        }
    }

    /// Hands bytes on between the two until one of them ends.
    fn join(shared: &Arc<Shared>, client: TcpStream, server: TcpStream) {
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let copy = |stream: &TcpStream| stream.try_clone().expect("a descriptor is free");
        let id = shared.next_connection.fetch_add(1, Ordering::SeqCst);
        let pair = Pair { client: copy(&client), server: copy(&server) };
        shared.connections.lock().expect("no thread has panicked").insert(id, pair);
        // Set by a request whose answer is to be lost.
        let doomed = Arc::new(Mutex::new(false));
        let (to_server, to_client) = ((copy(&client), copy(&server)), (server, client));
        for (is_request, (mut from, mut to)) in [(true, to_server), (false, to_client)] {
            let (shared, doomed) = (Arc::clone(shared), Arc::clone(&doomed));
            thread::spawn(move || {
                let mut buffer = vec![0; 1 << 16];
                while let Ok(count @ 1..) = from.read(&mut buffer) {
                    let ends = !is_request && is_whole(&buffer[..count]);
                    if ends && shared.fault() == Fault::EndBehindAnswer {
                        send_with_end(&to, &buffer[..count]);
                        break;
                    }
                    if !shared.pass(is_request, &doomed) || to.write_all(&buffer[..count]).is_err() {
                        break;
                    }
                }
                if shared.fault() != Fault::HalfOpen {
                    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
                    shared.connections.lock().expect("no thread has panicked").remove(&id);
                }
            });
        }
    }

    /// Waits as the fault says; whether to hand on what came.
    #[allow(clippy::disallowed_methods, reason = "the fault is that time passes")]
    fn pass(&self, is_request: bool, doomed: &Mutex<bool>) -> bool {
        let mut fault = self.fault.lock().expect("no thread has panicked");
        while *fault == Fault::BlackHole {
            fault = self.changed.wait(fault).expect("no thread has panicked");
        }
        let fault_now = *fault;
        if is_request && fault_now == Fault::LoseNextAnswer {
            *fault = Fault::None;
        }
        drop(fault);
        if let Fault::Delay(time) = fault_now {
            thread::sleep(time);
        }
        if !is_request {
            return !*doomed.lock().expect("no thread has panicked");
        }
        let count = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        let is_doomed = match fault_now {
            Fault::LoseAnswers { every } => count.is_multiple_of(every),
            other => other == Fault::LoseNextAnswer,
        };
        if is_doomed {
            *doomed.lock().expect("no thread has panicked") = true;
        }
        true
    }
}
