//! Checking an exported log of events, offline: with nothing but the log and the tenant's public keys (SPEC 10).

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode};
use crate::json;
use crate::model::event::{EventHash, EventSeq};
use crate::object_reader::ObjectReader;
use crate::schema::public_record;
use crate::store::SealRecord;
use crate::token::event_seal::{self, Statement};
use crate::token::jwks::Jwks;
use crate::word_enum::word_enum;

/// No line of a log is longer: an event holds at most 500 ids of evicted sessions.
const LINE_MAX: u64 = 64 * 1024;

word_enum! {
    /// What is wrong with a log of events.
    pub enum EventLogProblem as "problem" {
        /// A line is none that an export writes.
        Malformed = "malformed",
        /// An event is not as it was sealed.
        Changed = "changed",
        /// An event is missing.
        Removed = "removed",
        /// An event stands in the log that was not there.
        Inserted = "inserted",
        /// An event stands in another place than it had.
        Moved = "moved",
        /// The log ends before its end.
        Truncated = "truncated",
        /// The signature of a seal is not good.
        BadSignature = "bad_signature",
        /// The end of the log, or every seal, is signed by a key that is not in the set that was given: nothing vouches for what
        /// comes after the last seal by a key of the set.
        Unverified = "unverified",
    }
}

public_record! {
    /// What a check of a log of events has found. As JSON: the names below.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
    /// let mut log = Vec::new();
    /// tenant.export_events(0, &mut log)?;
    /// let report = hellojohn::verify_event_log(log.as_slice(), &tenant.jwks()?)?;
    /// assert!(report.ok && report.problem.is_none() && report.events == 1);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct EventLogReport {
        /// Whether the log is as it was exported.
        pub ok: bool,
        /// Whose events the log has, as it says itself.
        pub tenant_id: Option<Box<str>>,
        /// How many events were read up to the first problem.
        pub events: u64,
        /// The number of the first event; those before it are not in the log.
        pub first_seq: Option<u64>,
        /// The number of the last event for which a seal vouches that a given key has signed.
        pub vouched_through: u64,
        /// When the log was exported, if it has its end.
        pub exported_at: Option<Timestamp>,
        /// The first problem.
        pub problem: Option<EventLogProblem>,
        /// The number of the event that the problem is about: the first one that is not as it was.
        pub problem_seq: Option<u64>,
        /// The line of the log at which the problem was found, counted from 1.
        pub problem_line: Option<u64>,
        /// The problem in a sentence.
        pub detail: Option<Box<str>>,
    }
}

/// Checks a log that [`Tenant::export_events`](crate::Tenant::export_events) wrote, and names the first event that was
/// changed, removed, inserted or moved, or the place where the log was cut off. Needs no database and no secret: only the
/// public keys of the time of the export, [`Tenant::jwks`](crate::Tenant::jwks). Keys that signed earlier seals may be gone:
/// each seal vouches for everything before it. The one that signed the end may not. Reads line by line, so that the log may be of any length.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
/// let mut log = Vec::new();
/// tenant.export_events(0, &mut log)?;
/// assert!(hellojohn::verify_event_log(log.as_slice(), &tenant.jwks()?)?.ok);
/// let forged = String::from_utf8(log).expect("text").replace("90d", "1d");
/// assert!(!hellojohn::verify_event_log(forged.as_bytes(), &tenant.jwks()?)?.ok);
/// # Ok::<(), hellojohn::Error>(())
/// ```
///
/// # Errors
/// `storage_io` when the log cannot be read. What is wrong with the log is in the report.
pub fn verify_event_log(log: impl BufRead, keys: &Jwks) -> Result<EventLogReport, Error> {
    read_event_log(log, keys, &mut |_| Ok(()))
}

/// What a line of a log says, once it is known to follow the line before it.
pub(super) enum LogEntry {
    /// Whose log it is, the number of the event that comes before its first one, and that event's hash.
    Beginning(Box<str>, EventSeq, EventHash),
    /// The next event, without the hash, which is the third.
    Event(EventSeq, Map<String, Value>, EventHash),
    Seal(SealRecord),
    End,
}

/// [`verify_event_log`] that also shows what the lines say. That counts only if the report says that the log is as it was.
pub(super) fn read_event_log(
    log: impl BufRead,
    keys: &Jwks,
    show: &mut dyn FnMut(LogEntry) -> Result<(), Error>,
) -> Result<EventLogReport, Error> {
    let mut check = Check::new(keys);
    let mut lines = Lines { log, line: 0 };
    while let Some(text) = lines.next()? {
        let found = match &text {
            Line::Text(text) => check.read_line(text),
            Line::TooLong => {
                Err(Problem::new(EventLogProblem::Malformed, None, "is too long for a line of a log"))
            }
        };
        match found {
            Ok(entry) => show(entry)?,
            Err(problem) => {
                let line = lines.line;
                let problem = check.settle(problem, &mut lines)?;
                return Ok(check.report(Some((problem, line))));
            }
        }
    }
    let line = lines.line;
    let end = check.finish();
    Ok(check.report(end.err().map(|problem| (problem, line))))
}

/// [`verify_event_log`] of a file.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("events.jsonl");
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
/// tenant.export_events_to(0, &path)?;
/// assert!(hellojohn::verify_event_log_file(&path, &tenant.jwks()?)?.ok);
/// # Ok::<(), hellojohn::Error>(())
/// ```
///
/// # Errors
/// `storage_io` when the file cannot be read.
pub fn verify_event_log_file(path: impl AsRef<Path>, keys: &Jwks) -> Result<EventLogReport, Error> {
    let file = File::open(path)
        .map_err(|error| Error::new(ErrorCode::StorageIo, format!("the log cannot be read: {error}")))?;
    verify_event_log(BufReader::new(file), keys)
}

enum Line {
    Text(String),
    TooLong,
}

/// The lines of a log, none of them longer than it may be.
struct Lines<R> {
    log: R,
    line: u64,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> Result<Option<Line>, Error> {
        let unreadable = |error| Error::new(ErrorCode::StorageIo, format!("the log cannot be read: {error}"));
        let mut bytes = Vec::new();
        let read = (&mut self.log).take(LINE_MAX).read_until(b'\n', &mut bytes).map_err(unreadable)?;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        if read as u64 == LINE_MAX && bytes.last() != Some(&b'\n') {
            return Ok(Some(Line::TooLong));
        }
        // What is not text is no JSON either.
        Ok(Some(Line::Text(String::from_utf8(bytes).unwrap_or_default())))
    }
}

struct Problem {
    kind: EventLogProblem,
    seq: Option<u64>,
    detail: String,
}

impl Problem {
    fn new(kind: EventLogProblem, seq: Option<u64>, detail: impl Into<String>) -> Self {
        Problem { kind, seq, detail: detail.into() }
    }
}

struct Check<'a> {
    keys: &'a Jwks,
    tenant_id: Option<Box<str>>,
    /// The event before the next one and its hash.
    seq: u64,
    hash: EventHash,
    first_seq: Option<u64>,
    events: u64,
    /// The last event that a seal by a key of the set vouches for.
    vouched_through: u64,
    has_good_signature: bool,
    exported_at: Option<Timestamp>,
    /// Whether a key of the set has signed the end. Without that, the end could have been written by anyone: its kid is the
    /// writer's choice.
    is_end_vouched_for: bool,
}

impl<'a> Check<'a> {
    fn new(keys: &'a Jwks) -> Self {
        Check {
            keys,
            tenant_id: None,
            seq: 0,
            hash: EventHash([0; 32]),
            first_seq: None,
            events: 0,
            vouched_through: 0,
            has_good_signature: false,
            exported_at: None,
            is_end_vouched_for: false,
        }
    }

    fn read_line(&mut self, text: &str) -> Result<LogEntry, Problem> {
        let malformed = |detail: &str| Problem::new(EventLogProblem::Malformed, None, detail);
        let mut line = json::parse_object(text.trim_end_matches(['\n', '\r']).as_bytes())
            .ok_or_else(|| malformed("is not one JSON object"))?;
        if self.exported_at.is_some() {
            let seq = line.get("seq").and_then(Value::as_u64);
            return Err(Problem::new(
                EventLogProblem::Inserted,
                seq,
                "the line stands behind the end of the log",
            ));
        }
        if line.contains_key("seq") {
            return self.read_event(line);
        }
        let (name, Some(Value::Object(members))) =
            (line.keys().next().cloned(), line.values_mut().next().map(Value::take))
        else {
            return Err(malformed("is none of an exported log"));
        };
        match name.as_deref() {
            Some("log") if self.tenant_id.is_none() => self.read_beginning(members),
            Some("seal") => self.read_seal(members, false),
            Some("end") => self.read_seal(members, true),
            _ => Err(malformed("is none of an exported log")),
        }
    }

    fn read_beginning(&mut self, members: Map<String, Value>) -> Result<LogEntry, Problem> {
        let mut members = ObjectReader::request(members);
        let mut read = || -> Result<_, Error> {
            Ok((
                members.required::<String>("tenant_id")?,
                members.required::<u64>("after")?,
                members.required::<String>("hash")?,
            ))
        };
        let (tenant_id, after, hash) = read().map_err(malformed_member)?;
        let hash = event_seal::decode(&hash).map(EventHash);
        self.hash = hash.ok_or_else(|| Problem::new(EventLogProblem::Malformed, None, "hash: is none"))?;
        self.seq = after;
        let own = tenant_id.parse().map(|tenant| event_seal::first_hash(&tenant));
        if after == 0 && own.as_ref().ok() != Some(&self.hash) {
            return Err(Problem::new(EventLogProblem::Changed, None, "the beginning is not the tenant's"));
        }
        self.tenant_id = Some(tenant_id.as_str().into());
        Ok(LogEntry::Beginning(tenant_id.into(), after, self.hash))
    }

    fn read_event(&mut self, mut event: Map<String, Value>) -> Result<LogEntry, Problem> {
        if self.tenant_id.is_none() {
            return Err(Problem::new(EventLogProblem::Malformed, None, "the log has no beginning"));
        }
        let seq = event["seq"].as_u64();
        let expected = self.seq + 1;
        match seq {
            Some(seq) if seq == expected => {}
            Some(seq) if seq > expected => {
                return Err(Problem::new(
                    EventLogProblem::Removed,
                    Some(expected),
                    "the event is not in its place",
                ));
            }
            _ => return Err(Problem::new(EventLogProblem::Inserted, seq, "the number was there already")),
        }
        let stated = event.get("hash").and_then(Value::as_str).and_then(event_seal::decode).map(EventHash);
        let hash = event_seal::chain_members(self.hash, &mut event);
        if stated != Some(hash) {
            return Err(Problem::new(EventLogProblem::Changed, seq, "the event is not as it was sealed"));
        }
        self.first_seq.get_or_insert(expected);
        self.hash = hash;
        self.seq = expected;
        self.events += 1;
        Ok(LogEntry::Event(expected, event, hash))
    }

    fn read_seal(&mut self, members: Map<String, Value>, is_end: bool) -> Result<LogEntry, Problem> {
        let mut members = ObjectReader::request(members);
        let mut read = || -> Result<_, Error> {
            Ok((
                members.required::<String>("tenant_id")?,
                members.required::<u64>("seq")?,
                members.required::<String>("hash")?,
                members.required::<Timestamp>("sealed_at")?,
                members.required::<String>("kid")?.parse()?,
                members.required::<String>("signature")?,
            ))
        };
        let (tenant_id, seq, hash, sealed_at, kid, signature) = read().map_err(malformed_member)?;
        let malformed = || Problem::new(EventLogProblem::Malformed, None, "a seal is not readable");
        let hash = event_seal::decode(&hash).map(EventHash).ok_or_else(malformed)?;
        let signature: [u8; 64] = event_seal::decode(&signature).ok_or_else(malformed)?;
        let statement = Statement { tenant_id: &tenant_id, seq, hash, sealed_at, kid, is_end };
        let verified = statement.verify(&signature, self.keys);
        let bad = |detail: &str| Problem::new(EventLogProblem::BadSignature, Some(seq), detail);
        if verified == Some(false) {
            return Err(bad("the signature of the seal is not good"));
        }
        if self.tenant_id.as_deref() != Some(&*tenant_id) {
            return Err(bad("the seal is another tenant's"));
        }
        if seq > self.seq {
            let missing = self.seq + 1;
            return Err(Problem::new(
                EventLogProblem::Removed,
                Some(missing),
                "a seal vouches for the event",
            ));
        }
        if seq < self.seq {
            return Err(Problem::new(
                EventLogProblem::Inserted,
                Some(seq + 1),
                "the seal stands behind the event",
            ));
        }
        if hash != self.hash {
            // Every hash was made anew after the last seal that was good.
            let first = self.vouched_through.max(self.first_seq.unwrap_or(1) - 1) + 1;
            let detail = format!("an event from {first} to {seq} is not as it was sealed");
            return Err(Problem::new(EventLogProblem::Changed, Some(first), detail));
        }
        if verified == Some(true) {
            self.has_good_signature = true;
            self.vouched_through = seq;
        }
        if is_end {
            self.exported_at = Some(sealed_at);
            self.is_end_vouched_for = verified == Some(true);
            return Ok(LogEntry::End);
        }
        Ok(LogEntry::Seal(SealRecord { seq, hash, sealed_at, kid, signature }))
    }

    fn finish(&self) -> Result<(), Problem> {
        if self.exported_at.is_none() {
            let after = Some(self.seq + 1);
            return Err(Problem::new(EventLogProblem::Truncated, after, "the log has no end"));
        }
        if !self.has_good_signature {
            let detail = "no seal is signed by a key of the set";
            return Err(Problem::new(EventLogProblem::Unverified, None, detail));
        }
        if !self.is_end_vouched_for {
            let detail = "no key that was given vouches for the end of the log";
            return Err(Problem::new(EventLogProblem::Unverified, Some(self.vouched_through + 1), detail));
        }
        Ok(())
    }

    /// Tells by the lines that follow whether an event that is missing stands further down, and whether one that does not
    /// fit was put before the one that does.
    fn settle(&self, problem: Problem, lines: &mut Lines<impl BufRead>) -> Result<Problem, Error> {
        let (kind, Some(seq)) = (problem.kind, problem.seq) else { return Ok(problem) };
        let mut looks_for =
            |is_it: &dyn Fn(Map<String, Value>) -> bool, at_most: usize| -> Result<bool, Error> {
                for _ in 0..at_most {
                    match lines.next()? {
                        None => return Ok(false),
                        Some(Line::Text(text)) => {
                            let line = json::parse_object(text.trim_end().as_bytes()).unwrap_or_default();
                            if line.get("seq").and_then(Value::as_u64) == Some(seq) && is_it(line) {
                                return Ok(true);
                            }
                        }
                        Some(Line::TooLong) => {}
                    }
                }
                Ok(false)
            };
        match kind {
            EventLogProblem::Removed if looks_for(&|_| true, usize::MAX)? => Ok(Problem {
                kind: EventLogProblem::Moved,
                detail: "the event stands further down".into(),
                ..problem
            }),
            EventLogProblem::Changed => {
                let fits = |mut line: Map<String, Value>| {
                    let stated =
                        line.get("hash").and_then(Value::as_str).and_then(event_seal::decode).map(EventHash);
                    stated == Some(event_seal::chain_members(self.hash, &mut line))
                };
                if looks_for(&fits, 2)? {
                    let detail = "another event has the number and is as it was sealed".into();
                    return Ok(Problem { kind: EventLogProblem::Inserted, detail, ..problem });
                }
                Ok(problem)
            }
            _ => Ok(problem),
        }
    }

    fn report(self, problem: Option<(Problem, u64)>) -> EventLogReport {
        let line = problem.as_ref().map(|(_, line)| *line);
        let problem = problem.map(|(problem, _)| problem);
        EventLogReport {
            ok: problem.is_none(),
            tenant_id: self.tenant_id,
            events: self.events,
            first_seq: self.first_seq,
            vouched_through: self.vouched_through,
            exported_at: self.exported_at,
            problem_seq: problem.as_ref().and_then(|problem| problem.seq),
            problem_line: line,
            detail: problem.as_ref().map(|problem| problem.detail.as_str().into()),
            problem: problem.map(|problem| problem.kind),
        }
    }
}

#[allow(clippy::needless_pass_by_value)] // fits map_err
fn malformed_member(error: Error) -> Problem {
    Problem::new(EventLogProblem::Malformed, None, error.detail())
}
