//! A proxy that knows where the messages of PostgreSQL's protocol begin and end, counts them, and cuts a connection at a chosen
//! one.
//!
//! A message is a byte of its type, four bytes of its length, and the rest; the first one of a client has no type
//! ("Message Formats" in PostgreSQL's manual). A cut connection is lost for the client at once. The server is told by an end of
//! the stream behind the last byte that it gets, so that it works on what it got as if it had not noticed yet.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    ToServer,
    ToClient,
}

/// On which side of the message the connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The message is lost.
    Before,
    /// It arrives; what would answer it does not.
    After,
}

/// Where a message can be cut.
pub(crate) const PLACES: [(Way, Side); 4] = [
    (Way::ToServer, Side::Before),
    (Way::ToServer, Side::After),
    (Way::ToClient, Side::Before),
    (Way::ToClient, Side::After),
];

/// What is to be cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) way: Way,
    /// Which message, counted from 1, over all connections.
    pub(crate) message: u64,
    pub(crate) side: Side,
    /// Whether the server cannot be reached from then on.
    pub(crate) for_good: bool,
}

/// The proxy; it ends with the process.
#[derive(Clone)]
pub(crate) struct MessageProxy {
    address: SocketAddr,
    shared: Arc<Mutex<Plan>>,
}

/// What is done with the messages that come.
#[derive(Default)]
struct Plan {
    /// In the order in which they come; each counts from the one before.
    cuts: Vec<Cut>,
    counts: [u64; 2],
    made: usize,
    is_unreachable: bool,
}

impl MessageProxy {
    /// A proxy to this server that cuts nothing yet.
    pub(crate) fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Mutex::new(Plan::default()));
        let plan = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if plan.lock().unwrap().is_unreachable {
                    continue; // dropped, so cut
                }
                let Ok(server) = TcpStream::connect(server) else { continue };
                join(&plan, &client, &server);
            }
        });
        MessageProxy { address, shared }
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes these cuts, one after the other, counting from now. None: what is connected stays connected.
    pub(crate) fn cut(&self, cuts: Vec<Cut>) {
        *self.shared.lock().unwrap() = Plan { cuts, ..Plan::default() };
    }

    /// How many of the cuts have been made, and how many messages went each way since the last of them.
    pub(crate) fn made(&self) -> (usize, [u64; 2]) {
        let plan = self.shared.lock().unwrap();
        (plan.made, plan.counts)
    }
}

impl Plan {
    /// Whether the connection is cut at this message, and on which side.
    fn count(&mut self, way: Way) -> Option<Side> {
        let count = &mut self.counts[way as usize];
        *count += 1;
        let cut = self.cuts.get(self.made).filter(|cut| cut.way == way && cut.message == *count)?;
        let (side, for_good) = (cut.side, cut.for_good);
        self.made += 1;
        self.counts = [0; 2];
        self.is_unreachable |= for_good;
        Some(side)
    }
}

/// Hands messages on between the two until the connection ends or is cut.
fn join(plan: &Arc<Mutex<Plan>>, client: &TcpStream, server: &TcpStream) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let is_cut = Arc::new(AtomicBool::new(false));
    for way in [Way::ToServer, Way::ToClient] {
        let copy = |stream: &TcpStream| stream.try_clone().expect("a descriptor is free");
        let (from, to) = match way {
            Way::ToServer => (copy(client), copy(server)),
            Way::ToClient => (copy(server), copy(client)),
        };
        let pump = Pump { way, from, to, plan: Arc::clone(plan), is_cut: Arc::clone(&is_cut) };
        thread::spawn(move || pump.run());
    }
}

/// One direction of one connection.
struct Pump {
    way: Way,
    from: TcpStream,
    to: TcpStream,
    plan: Arc<Mutex<Plan>>,
    is_cut: Arc<AtomicBool>,
}

impl Pump {
    fn run(mut self) {
        let mut chunk = vec![0; 1 << 16];
        let mut messages = Messages { is_typed: self.way == Way::ToClient, bytes: Vec::new() };
        while let Ok(count @ 1..) = self.from.read(&mut chunk) {
            if self.is_cut.load(Ordering::SeqCst) {
                continue; // what comes still is lost
            }
            messages.bytes.extend_from_slice(&chunk[..count]);
            let mut whole = Vec::new();
            while let Some(message) = messages.take() {
                let side = self.plan.lock().unwrap().count(self.way);
                if side != Some(Side::Before) {
                    whole.extend_from_slice(&message);
                }
                if side.is_some() {
                    self.is_cut.store(true, Ordering::SeqCst);
                    if self.way == Way::ToServer {
                        let _ = self.from.shutdown(Shutdown::Both);
                    }
                    break;
                }
            }
            let is_lost = self.to.write_all(&whole).is_err();
            if is_lost || self.is_cut.load(Ordering::SeqCst) {
                break;
            }
        }
        if !self.is_cut.load(Ordering::SeqCst) {
            let _ = (self.from.shutdown(Shutdown::Both), self.to.shutdown(Shutdown::Both));
            return;
        }
        // The end of the stream, behind what was written. The server's last words are read and lost.
        let _ = self.to.shutdown(Shutdown::Write);
        if self.way == Way::ToClient {
            let _ = self.from.shutdown(Shutdown::Write);
            while let Ok(1..) = self.from.read(&mut chunk) {}
        }
    }
}

/// The bytes of one direction, cut into messages.
struct Messages {
    /// Whether the next one has a type.
    is_typed: bool,
    bytes: Vec<u8>,
}

impl Messages {
    /// The next whole message, if all of it has come.
    fn take(&mut self) -> Option<Vec<u8>> {
        let start = usize::from(self.is_typed);
        let length: [u8; 4] = self.bytes.get(start..start + 4)?.try_into().ok()?;
        let end = start + u32::from_be_bytes(length) as usize;
        if self.bytes.len() < end {
            return None;
        }
        self.is_typed = true;
        let rest = self.bytes.split_off(end);
        Some(std::mem::replace(&mut self.bytes, rest))
    }
}

#[test]
fn messages_are_told_apart_however_they_come() {
    let start_up = b"\0\0\0\x08\0\x03\0\0".to_vec();
    let (sync, query) = (b"S\0\0\0\x04".to_vec(), b"Q\0\0\0\x06;\0".to_vec());
    let stream = [start_up.clone(), sync.clone(), query.clone(), sync.clone()].concat();
    for step in 1..=stream.len() {
        let mut messages = Messages { is_typed: false, bytes: Vec::new() };
        let mut found = Vec::new();
        for chunk in stream.chunks(step) {
            messages.bytes.extend_from_slice(chunk);
            found.extend(std::iter::from_fn(|| messages.take()));
        }
        assert_eq!(found, [start_up.clone(), sync.clone(), query.clone(), sync.clone()], "{step}");
        assert!(messages.bytes.is_empty());
    }
}
