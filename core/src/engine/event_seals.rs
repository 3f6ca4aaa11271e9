//! Sealing events: chaining them and signing the chain; deleting those that are old; exporting a log (SPEC 10).

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::pace::Pace;
use super::tenant::Tenant;
use super::transaction::WriteContext;
use super::work_step::WorkStep;
use crate::error::{Error, ErrorCode, Failure, Refusal};
use crate::in_millis::InMillis;
use crate::json;
use crate::model::event::{Event, EventHash, EventSeq};
use crate::model::operation::Operation;
use crate::schema::public_record;
use crate::store::{Durability, NeededSessions, ReadTransaction, SealRecord, SessionScope, TenantNo};
use crate::token::event_seal::{self, Statement};

/// How many events of an export one read transaction looks at.
const EXPORT_ROWS: usize = 500;

public_record! {
    /// What sealing the events of a tenant has done.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
    /// let report = tenant.seal_events()?;
    /// assert_eq!((report.sealed, report.through), (1, 1));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct SealReport {
        /// How many events this call has sealed.
        pub sealed: u64,
        /// The number of the last event that is sealed; 0 if none is.
        pub through: u64,
    }
}

impl Tenant {
    /// Seals the events that are not sealed yet, in small transactions that give way to other writes: each gets a hash that
    /// chains it to the event before it, and the active signing key signs the hash of the last one. A sealed event cannot be
    /// changed, removed, inserted or moved without a trace: see [`verify_event_log`](crate::verify_event_log).
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
    /// tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// assert_eq!(tenant.seal_events()?.through, 2); // the change of settings and the sign-in
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn seal_events(&self) -> Result<SealReport, Error> {
        self.observe(Operation::SealEvents, |report: &SealReport| report.sealed, || self.seal_all())
    }

    /// Seals what there is.
    fn seal_all(&self) -> Result<SealReport, Error> {
        let mut sealed = 0;
        loop {
            let report = self.seal_at_most(u64::MAX)?.0;
            sealed += report.sealed;
            // A read may show a seal that another call's commit has not made durable yet. After a write it is.
            let newest = self.write(|_, ctx| Ok(ctx.transaction.newest_seal(ctx.tenant)?))?;
            let through = newest.map_or(0, |seal| seal.seq);
            if through >= report.through {
                return Ok(SealReport { sealed, through });
            }
        }
    }

    /// Seals at most about this many events; whether there may be more.
    pub(super) fn seal_at_most(&self, max: u64) -> Result<(SealReport, bool), Error> {
        let mut report = SealReport::default();
        let mut pace = Pace::default();
        loop {
            let (newest, seal) = self.read_about(NeededSessions::Scanned, |ctx| {
                Ok((ctx.transaction.newest_event(ctx.tenant)?, ctx.transaction.newest_seal(ctx.tenant)?))
            })?;
            report.through = seal.map_or(0, |seal| seal.seq);
            if report.through >= newest || report.sealed >= max {
                return Ok((report, report.through < newest));
            }
            let step = self.event_step(&mut pace, Tenant::seal_some)?;
            report.sealed += step.rows as u64;
        }
    }

    fn event_step(
        &self,
        pace: &mut Pace,
        work: fn(&Tenant, &WriteContext<'_>, &mut WorkStep) -> Result<(), Failure>,
    ) -> Result<WorkStep, Error> {
        self.work_step(pace, Durability::Full, NeededSessions::None, work)
    }

    /// Seals the events after the newest seal, as many as one step may.
    fn seal_some(&self, ctx: &WriteContext<'_>, step: &mut WorkStep) -> Result<(), Failure> {
        let seal = ctx.transaction.newest_seal(ctx.tenant)?;
        let (mut seq, mut hash) =
            seal.map_or_else(|| (0, event_seal::first_hash(self.id())), |seal| (seal.seq, seal.hash));
        for event in ctx.transaction.events(ctx.tenant, seq, step.pace.rows())? {
            if !step.takes_row(self) {
                break;
            }
            hash = event_seal::chain(hash, &event);
            seq = event.seq;
            ctx.transaction.hash_event(ctx.tenant, seq, hash)?;
        }
        if step.rows == 0 {
            return Ok(());
        }
        let key = Arc::clone(ctx.snapshot.ring.active());
        let statement = Statement {
            tenant_id: self.id().as_str(),
            seq,
            hash,
            sealed_at: ctx.now,
            kid: key.id,
            is_end: false,
        };
        let signature = statement.sign(&key);
        let seal = SealRecord { seq, hash, sealed_at: ctx.now, kid: key.id, signature };
        ctx.transaction.add_seal(ctx.tenant, &seal)
    }

    /// Deletes the events that were sealed longer ago than `event_retention`, at most about this many; how many, and whether
    /// there may be more. A tenant whose events are off keeps those that it has.
    pub(super) fn delete_old_events(&self, max: u64) -> Result<(u64, bool), Error> {
        let mut deleted = 0;
        let mut pace = Pace::default();
        loop {
            let is_due = self.read_about(NeededSessions::Scanned, |ctx| {
                let Some(retention) = ctx.snapshot.config.event_retention else { return Ok(false) };
                let oldest = ctx.transaction.events(ctx.tenant, 0, 1)?;
                let Some(oldest) = oldest.first() else { return Ok(false) };
                let seal = ctx.transaction.seals(ctx.tenant, oldest.seq - 1, 1)?;
                Ok(seal.first().is_some_and(|seal| seal.sealed_at < ctx.now.before(retention)))
            })?;
            if !is_due || deleted >= max {
                return Ok((deleted, is_due));
            }
            let step = self.event_step(&mut pace, Tenant::delete_some)?;
            deleted += step.rows as u64;
        }
    }

    /// Deletes events up to one seal, which stays as what the events after it follow.
    fn delete_some(&self, ctx: &WriteContext<'_>, step: &mut WorkStep) -> Result<(), Failure> {
        let events = ctx.transaction.events(ctx.tenant, 0, step.pace.rows())?;
        let (Some(first), Some(retention)) = (events.first(), ctx.snapshot.config.event_retention) else {
            return Ok(());
        };
        let seals = ctx.transaction.seals(ctx.tenant, first.seq - 1, 1)?;
        let Some(seal) = seals.first().filter(|seal| seal.sealed_at < ctx.now.before(retention)) else {
            return Ok(());
        };
        for event in events.iter().filter(|event| event.seq <= seal.seq) {
            if !step.takes_row(self) {
                return Ok(());
            }
            ctx.transaction.delete_event(ctx.tenant, event.seq)?;
            if event.seq == seal.seq {
                for older in ctx.transaction.seals(ctx.tenant, 0, step.pace.rows())? {
                    if older.seq < seal.seq {
                        ctx.transaction.delete_seal(ctx.tenant, older.seq)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Seals the tenant's events and writes those after number `after` (0 for all that are kept) as a log of JSON Lines:
    /// a line that says where the log begins, the events, each seal behind the last event that it vouches for, and a signed
    /// line that says where the log ends. Every end that is decided by now is written down before, as by [`sweep`](Self::sweep), so
    /// that the log tells of it. How many events it wrote. Events that come during the export are not in it.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
    /// let mut log = Vec::new();
    /// tenant.export_events(0, &mut log)?;
    /// assert!(hellojohn::verify_event_log(log.as_slice(), &tenant.jwks()?)?.ok);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` for a number of an event that is not kept; `storage_io` when the log cannot be written.
    pub fn export_events(&self, after: u64, log: &mut dyn Write) -> Result<u64, Error> {
        self.observe(Operation::ExportEvents, u64::clone, || self.write_log(after, log))
    }

    fn write_log(&self, after: u64, log: &mut dyn Write) -> Result<u64, Error> {
        let mut position = after;
        let mut count = 0;
        let mut through = None;
        loop {
            let chunk = self.export_chunk(position, position == after && count == 0, through)?;
            log.write_all(chunk.lines.as_bytes()).map_err(|error| {
                Error::new(ErrorCode::StorageIo, format!("the log cannot be written: {error}"))
            })?;
            (position, through) = (chunk.position, Some(chunk.through));
            count += chunk.events;
            if chunk.is_last {
                return Ok(count);
            }
        }
    }

    /// [`export_events`](Self::export_events) into a new file, which is on disk when this returns. The file has mode 0600 and is
    /// removed again where the export fails.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("events.jsonl");
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
    /// assert_eq!(tenant.export_events_to(0, &path)?, 1);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `storage_io` also when there is a file already.
    pub fn export_events_to(&self, after: u64, path: impl AsRef<Path>) -> Result<u64, Error> {
        self.observe(Operation::ExportEvents, u64::clone, || self.write_log_file(after, path.as_ref()))
    }

    fn write_log_file(&self, after: u64, path: &Path) -> Result<u64, Error> {
        let unwritable = |error: io::Error| {
            Error::new(ErrorCode::StorageIo, format!("the log cannot be written: {error}"))
        };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(unwritable)?;
        let count = self
            .write_log(after, &mut file)
            .and_then(|count| file.sync_all().map(|()| count).map_err(unwritable));
        if count.is_err() {
            // What is left of it is no log. The first error says more than a second one would.
            let _ = std::fs::remove_file(path);
        }
        count
    }

    /// The next lines of a log: after the event `position`, up to the event `through`, which the first chunk decides by
    /// sealing what there is.
    fn export_chunk(
        &self,
        position: u64,
        is_first: bool,
        through: Option<u64>,
    ) -> Result<EventLogChunk, Error> {
        let through = match through {
            Some(through) => through,
            None => {
                if self.latest_snapshot()?.config.event_retention.is_some() {
                    // Ends are told as they are written down.
                    self.settle(SessionScope::Tenant)?;
                }
                self.seal_all()?.through
            }
        };
        self.read_about(NeededSessions::Scanned, |ctx| {
            let mut lines = String::new();
            let mut push = |line: Value| {
                if let Value::Object(line) = line {
                    lines.push_str(&json::to_canonical(&line));
                    lines.push('\n');
                }
            };
            let seal_line = |seal: &SealRecord| json!({"seal": self.seal_members(seal)});
            let mut position = position;
            if is_first {
                let kept = ctx.transaction.events(ctx.tenant, 0, 1)?;
                let first = kept.first().map_or(through + 1, |event| event.seq);
                if position == 0 && first > 1 {
                    position = first - 1;
                }
                let before = if position == 0 {
                    Some(event_seal::first_hash(self.id()))
                } else {
                    self.hash_of(ctx.transaction, ctx.tenant, position)?
                };
                let before = before.filter(|_| position <= through).ok_or_else(|| {
                    Refusal::because(Error::validation("after", "is not the number of an event that is kept"))
                })?;
                push(json!({"log": {
                    "tenant_id": self.id().as_str(),
                    "after": position,
                    "hash": before.to_string(),
                }}));
                let seal = ctx.transaction.seals(ctx.tenant, position.saturating_sub(1), 1)?;
                seal.iter().filter(|seal| seal.seq == position).for_each(|seal| push(seal_line(seal)));
            }
            let events = ctx.transaction.events(ctx.tenant, position, EXPORT_ROWS)?;
            let events: Vec<Event> = events.into_iter().filter(|event| event.seq <= through).collect();
            let mut seals = ctx.transaction.seals(ctx.tenant, position, events.len())?.into_iter().peekable();
            let mut hash = None;
            for event in &events {
                push(serde_json::to_value(InMillis(event)).unwrap_or_default());
                hash = event.hash;
                if let Some(seal) = seals.next_if(|seal| seal.seq == event.seq) {
                    push(seal_line(&seal));
                }
                position = event.seq;
            }
            let is_last = position >= through || events.is_empty();
            if is_last {
                let hash = match (hash, position) {
                    (Some(hash), _) => Some(hash),
                    (None, 0) => Some(event_seal::first_hash(self.id())),
                    (None, _) => self.hash_of(ctx.transaction, ctx.tenant, position)?,
                };
                let hash = hash.ok_or_else(|| Failure::corrupt("the last event of a log has no hash"))?;
                let key = ctx.snapshot.ring.active();
                let statement = Statement {
                    tenant_id: self.id().as_str(),
                    seq: position,
                    hash,
                    sealed_at: ctx.now,
                    kid: key.id,
                    is_end: true,
                };
                let mut members = statement.members();
                members.insert("signature".to_owned(), event_seal::encode(&statement.sign(key)).into());
                push(json!({ "end": members }));
            }
            Ok(EventLogChunk { lines, position, through, events: events.len() as u64, is_last })
        })
    }

    fn hash_of(
        &self,
        transaction: &dyn ReadTransaction,
        tenant: TenantNo,
        seq: EventSeq,
    ) -> Result<Option<EventHash>, Failure> {
        let seal = transaction.seals(tenant, seq - 1, 1)?.into_iter().find(|seal| seal.seq == seq);
        let event = transaction.events(tenant, seq - 1, 1)?.into_iter().find(|event| event.seq == seq);
        Ok(seal.map(|seal| seal.hash).or(event.and_then(|event| event.hash)))
    }

    fn seal_members(&self, seal: &SealRecord) -> Value {
        let statement = Statement {
            tenant_id: self.id().as_str(),
            seq: seal.seq,
            hash: seal.hash,
            sealed_at: seal.sealed_at,
            kid: seal.kid,
            is_end: false,
        };
        let mut members = statement.members();
        members.insert("signature".to_owned(), event_seal::encode(&seal.signature).into());
        Value::Object(members)
    }
}

/// Some lines of a log.
struct EventLogChunk {
    lines: String,
    /// The number of the last event up to here.
    position: u64,
    /// The number of the last event of the whole log.
    through: u64,
    /// How many events these lines have.
    events: u64,
    is_last: bool,
}
