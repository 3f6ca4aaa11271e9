//! Hands rows on from the thread that reads them to the import, a bounded number of them at a time.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use zeroize::Zeroizing;

/// How many rows wait at most.
const WAITING_MAX: usize = 1_024;

/// A line of a source. It holds a credential, so it is wiped.
type Line = Zeroizing<Vec<u8>>;

pub(crate) type RowSender = SyncSender<Line>;

/// Reads the lines that were sent.
pub(crate) struct RowReader {
    lines: Receiver<Line>,
    line: Line,
    position: usize,
}

/// The two ends. The reader ends when the sender is dropped; sending fails when the reader is dropped.
pub(crate) fn pipe() -> (RowSender, RowReader) {
    let (sender, lines) = sync_channel(WAITING_MAX);
    (sender, RowReader { lines, line: Line::default(), position: 0 })
}

impl BufRead for RowReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position == self.line.len() {
            self.line = self.lines.recv().unwrap_or_default();
            self.position = 0;
        }
        Ok(&self.line[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        self.position = (self.position + amount).min(self.line.len());
    }
}

impl Read for RowReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut rest = self.fill_buf()?;
        let read = rest.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}
