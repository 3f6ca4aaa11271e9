//! The lines of an import, read a bounded number at a time.

use std::io::BufRead;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorCode};

/// How many rows one batch has at most, and about how many bytes.
const BATCH_ROWS: usize = 512;
const BATCH_BYTES: usize = 1 << 20;

/// The longest line: all fields at their limits, with every character escaped, are shorter.
const LINE_MAX: usize = 64 << 10;

/// A line that is not blank. It holds a credential, so it is wiped.
pub(super) struct SourceLine {
    /// Counted from 1, blank lines too.
    pub number: u64,
    text: Zeroizing<Vec<u8>>,
    is_too_long: bool,
}

impl SourceLine {
    /// # Errors
    /// `validation_error` for one that is too long.
    pub(super) fn text(&self) -> Result<&[u8], Error> {
        if self.is_too_long {
            return Err(Error::validation("row", format_args!("must be at most {LINE_MAX} bytes")));
        }
        Ok(&self.text)
    }
}

pub(super) struct ImportSource<R> {
    reader: R,
    lines: u64,
}

impl<R: BufRead> ImportSource<R> {
    pub(super) fn new(reader: R) -> Self {
        ImportSource { reader, lines: 0 }
    }

    /// The next lines; none at the end of the source.
    ///
    /// # Errors
    /// `storage_io` if the source cannot be read.
    pub(super) fn next_batch(&mut self) -> Result<Vec<SourceLine>, Error> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            let line = self.next_line().map_err(|error| {
                Error::new(ErrorCode::StorageIo, format!("the source cannot be read: {error}"))
            })?;
            let Some(line) = line else { break };
            if line.is_too_long || !line.text.trim_ascii().is_empty() {
                bytes += line.text.len();
                batch.push(line);
            }
        }
        Ok(batch)
    }

    fn next_line(&mut self) -> std::io::Result<Option<SourceLine>> {
        let mut line = SourceLine {
            number: self.lines + 1,
            text: Zeroizing::new(Vec::with_capacity(512)),
            is_too_long: false,
        };
        let mut has_begun = false;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                break;
            }
            has_begun = true;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            line.is_too_long |= line.text.len() + part.len() > LINE_MAX;
            if !line.is_too_long {
                line.text.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                break;
            }
        }
        self.lines += u64::from(has_begun);
        Ok(has_begun.then_some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], chunk: usize) -> Vec<(u64, Option<String>)> {
        let mut source = ImportSource::new(std::io::BufReader::with_capacity(chunk, text));
        let mut found = Vec::new();
        loop {
            let batch = source.next_batch().unwrap();
            assert!(batch.len() <= BATCH_ROWS);
            if batch.is_empty() {
                return found;
            }
            let text_of =
                |line: &SourceLine| line.text().ok().map(|text| String::from_utf8(text.to_vec()).unwrap());
            found.extend(batch.iter().map(|line| (line.number, text_of(line))));
        }
    }

    #[test]
    fn blank_lines_are_counted_and_left_out() {
        let line = |number, text: &str| (number, Some(text.to_owned()));
        for chunk in [1, 2, 1000] {
            assert_eq!(lines(b"a\n\n \t\r\nb\r\nc", chunk), [line(1, "a"), line(4, "b\r"), line(5, "c")]);
        }
        assert_eq!(lines(b"", 1), []);
        assert_eq!(lines(b"\n\n", 1), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_not_kept() {
        let text = [vec![b'x'; LINE_MAX], b"\n".to_vec(), vec![b'x'; LINE_MAX + 1], b"\ny".to_vec()].concat();
        let found = lines(&text, 4096);
        assert_eq!(found.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(found[0].1.as_ref().unwrap().len(), LINE_MAX);
        assert_eq!((found[1].1.as_deref(), found[2].1.as_deref()), (None, Some("y")));
    }

    #[test]
    fn a_batch_is_bounded() {
        let text = "x\n".repeat(BATCH_ROWS + 1);
        let mut source = ImportSource::new(text.as_bytes());
        let lengths: Vec<_> = (0..3).map(|_| source.next_batch().unwrap().len()).collect();
        assert_eq!(lengths, [BATCH_ROWS, 1, 0]);
        let long = format!("{}\n", "x".repeat(LINE_MAX)).repeat(40);
        assert_eq!(ImportSource::new(long.as_bytes()).next_batch().unwrap().len(), BATCH_BYTES / LINE_MAX);
    }
}
