//! An exported log, taken up into a database from a backup: its events, and the ends that they tell of (SPEC 14).

use serde_json::{Map, Value};

use super::event_log_check::{EventLogReport, LogEntry};
use super::restored_tenant::RestoredTenant;
use super::signing_keys::retire;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Failure};
use crate::model::event::{Event, EventHash, EventSeq, EventType};
use crate::model::session::{End, EndReason};
use crate::object_reader::ObjectReader;
use crate::schema::public_record;
use crate::store::{KeyRecord, SealRecord, Store, TenantNo};
use crate::token::event_seal;
use crate::token::keyring::KeyState;

/// How many entries of the log one transaction takes up.
const ROWS: usize = 1_000;

public_record! {
    /// What a restore has made of an exported log, and what it could not make of it: the log tells of acts whose keys and values it
    /// does not hold. Repeat those by hand before users come back.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, copy) = (folder.path().join("sessions.db"), folder.path().join("copy.db"));
    /// # let log = folder.path().join("events.jsonl");
    /// # let engine = hellojohn::Engine::open(&path)?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
    /// # hellojohn::backup_database(&path, &copy, |_| {})?;
    /// # tenant.export_events_to(0, &log)?;
    /// # let keys = tenant.jwks()?;
    /// # engine.close()?;
    /// let report = hellojohn::restore_database_with_events(&copy, &path, &log, &keys)?;
    /// println!("{}", serde_json::json!(report));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct ReplayReport {
        /// When the log was exported: what ended later lives again.
        pub exported_at: Timestamp,
        /// How many events came after the backup. They are in the database again.
        pub events: u64,
        /// How many sessions of the backup have got the end that the log tells of.
        pub ended: u64,
        /// Whether every other session of the tenant has ended too (reason `restored`), because the refresh key was replaced after the
        /// backup was made: the key of the backup, under which former refresh tokens are good, is in force again.
        pub rest_ended: bool,
        /// How many sessions began after the backup was made. They are lost: their users sign in again.
        pub lost_sessions: u64,
        /// How many changes of a role or of other members of sessions are undone.
        pub undone_updates: u64,
        /// How many changes of settings are undone.
        pub undone_settings: u64,
        /// How many keys were retired since that the backup holds as the active or the next one: they sign again. Rotate and retire them
        /// if they had leaked. Those that the backup holds as retiring are retired again.
        pub revived_keys: u64,
        /// How many changes of the secret key are undone: the former one opens the tenant again.
        pub undone_secret_keys: u64,
    }
}

/// A log on its way into the database.
pub(super) struct ReplayedLog<'a> {
    store: &'a dyn Store,
    /// Known with the beginning of the log.
    tenant: Option<TenantNo>,
    /// The ids of the active and the next signing key of the backup.
    keys_in_use: Vec<String>,
    /// The last event for which a seal in the backup vouches.
    sealed: EventSeq,
    /// The last event that the backup holds, and its hash.
    newest: EventSeq,
    newest_hash: EventHash,
    /// Whether the log has come to that event, which is the same in both.
    is_joined: bool,
    /// The last event of the log up to here.
    position: EventSeq,
    waiting: Vec<Waiting>,
    report: ReplayReport,
}

enum Waiting {
    Event(Event, Option<End>),
    Seal(SealRecord),
}

fn refused(problem: impl AsRef<str>) -> Error {
    Error::validation("events", problem.as_ref())
}

impl<'a> ReplayedLog<'a> {
    pub(super) fn new(store: &'a dyn Store) -> Self {
        ReplayedLog {
            store,
            tenant: None,
            keys_in_use: Vec::new(),
            sealed: 0,
            newest: 0,
            newest_hash: EventHash([0; 32]),
            is_joined: false,
            position: 0,
            waiting: Vec::new(),
            report: ReplayReport::default(),
        }
    }

    /// Takes the next entry of the log.
    pub(super) fn take(&mut self, entry: LogEntry) -> Result<(), Error> {
        match entry {
            LogEntry::Beginning(tenant, after, hash) => {
                self.begin(&tenant)?;
                if after > self.newest {
                    let newest = self.newest;
                    return Err(refused(format!(
                        "the log begins after event {after}, and the backup ends with event {newest}"
                    )));
                }
                self.join(after, hash)
            }
            LogEntry::Event(seq, _, hash) if seq <= self.newest => self.join(seq, hash),
            LogEntry::Event(seq, members, hash) => {
                self.position = seq;
                let event = read_event(seq, members, hash)
                    .map_err(|error| refused(format!("event {seq} cannot be read: {}", error.detail())))?;
                let end = self.judge(&event)?;
                self.wait(Waiting::Event(event, end))
            }
            LogEntry::Seal(seal) if seal.seq > self.sealed => self.wait(Waiting::Seal(seal)),
            LogEntry::Seal(_) | LogEntry::End => Ok(()),
        }
    }

    /// Finds the tenant and the last event in the backup, and chains the events that are not sealed there.
    fn begin(&mut self, tenant: &str) -> Result<(), Error> {
        let id = tenant.parse()?;
        let mut found = None;
        self.store.write_exclusive(&mut |transaction| {
            let Some(no) = transaction.tenant_no(&id)? else { return Ok(()) };
            let restored = RestoredTenant::new(transaction, no)?;
            let seal = transaction.newest_seal(no)?;
            let sealed = seal.map_or_else(|| (0, event_seal::first_hash(&id)), |seal| (seal.seq, seal.hash));
            found = Some((no, restored.record.config.event_retention.is_some(), sealed));
            let is_in_use = |key: &&KeyRecord| matches!(key.state, KeyState::Active | KeyState::Next);
            self.keys_in_use = restored.keys.iter().filter(is_in_use).map(|key| key.id.to_string()).collect();
            // The list goes on from now, and then holds what is replayed.
            restored.revocations().begin()
        })?;
        let Some((no, is_recording, (sealed, mut hash))) = found else {
            return Err(refused("the backup does not have the tenant of the log"));
        };
        if !is_recording {
            return Err(refused("the tenant recorded no events when the backup was made: use end_all"));
        }
        let mut newest = sealed;
        loop {
            let from = newest;
            self.store.write_exclusive(&mut |transaction| {
                for event in transaction.events(no, from, ROWS)? {
                    hash = event_seal::chain(hash, &event);
                    newest = event.seq;
                    transaction.hash_event(no, newest, hash)?;
                }
                Ok(())
            })?;
            if newest == from {
                break;
            }
        }
        (self.tenant, self.sealed, self.newest, self.newest_hash) = (Some(no), sealed, newest, hash);
        Ok(())
    }

    /// Compares an event of the log with the last one of the backup.
    fn join(&mut self, seq: EventSeq, hash: EventHash) -> Result<(), Error> {
        self.position = seq;
        if seq == self.newest {
            if hash != self.newest_hash {
                return Err(refused(format!("event {seq} is another one in the backup")));
            }
            self.is_joined = true;
        }
        Ok(())
    }

    /// Counts what an event tells of; the end, if it is one.
    fn judge(&mut self, event: &Event) -> Result<Option<End>, Error> {
        let changed = |name| event.data.get("changed").and_then(|changed| changed.get(name));
        self.report.events += 1;
        match event.r#type {
            EventType::SessionEnded => {
                let reason = event.data.get("end_reason").and_then(Value::as_str).unwrap_or_default();
                return Ok(Some(End { at: event.at, reason: reason.parse::<EndReason>()? }));
            }
            EventType::SessionCreated => self.report.lost_sessions += 1,
            EventType::SessionUpdated => self.report.undone_updates += 1,
            EventType::ConfigUpdated => {
                self.report.undone_settings += 1;
                if changed("event_retention").is_some_and(|change| change["new"].is_null()) {
                    return Err(refused(format!(
                        "events were turned off by event {}, so that the log does not tell of every end: use end_all",
                        event.seq
                    )));
                }
            }
            EventType::KeyRetired => {
                let is_revived = self.keys_in_use.iter().any(|key| retired_key(event) == Some(key));
                self.report.revived_keys += u64::from(is_revived);
            }
            EventType::SecretKeyChanged => self.report.undone_secret_keys += 1,
            EventType::RefreshKeyRotated => self.report.rest_ended = true,
            _ => {}
        }
        Ok(None)
    }

    fn wait(&mut self, waiting: Waiting) -> Result<(), Error> {
        self.waiting.push(waiting);
        if self.waiting.len() >= ROWS { Ok(self.apply()?) } else { Ok(()) }
    }

    fn apply(&mut self) -> Result<(), Failure> {
        let Some(tenant) = self.tenant else { return Ok(()) };
        let (waiting, mut ended) = (std::mem::take(&mut self.waiting), 0);
        self.store.write_exclusive(&mut |transaction| {
            let restored = RestoredTenant::new(transaction, tenant)?;
            let bulk_ends = restored.bulk_ends()?;
            let ends = restored.told_ends(&bulk_ends);
            ended = 0;
            for entry in &waiting {
                let (event, end) = match entry {
                    Waiting::Event(event, end) => (event, end),
                    Waiting::Seal(seal) => {
                        transaction.add_seal(tenant, seal)?;
                        continue;
                    }
                };
                transaction.put_event(tenant, event)?;
                let is_retired = |key: &&KeyRecord| {
                    key.state == KeyState::Retiring && retired_key(event) == Some(&*key.id.to_string())
                };
                if let Some(key) = restored.keys.iter().find(is_retired) {
                    transaction.set_key(tenant, &retire(key.clone()))?;
                }
                let (Some(end), Some(id)) = (end, event.session_id) else { continue };
                // One that began after the backup is not there.
                if let Some(session) = transaction.session(tenant, id)? {
                    ended += u64::from(ends.repeat(&session.lifetime(), *end)?);
                }
            }
            Ok(())
        })?;
        self.report.ended += ended;
        Ok(())
    }

    /// Takes up the rest of a log about which the check says this; its tenant, and what has become of it.
    pub(super) fn finish(mut self, checked: &EventLogReport) -> Result<(TenantNo, ReplayReport), Failure> {
        let refused =
            |problem: String| Failure::new(ErrorCode::ValidationError, format!("events: {problem}"));
        if let Some(detail) = &checked.detail {
            let line = checked.problem_line.unwrap_or_default();
            return Err(refused(format!("the log is not as it was exported: line {line}: {detail}")));
        }
        let (Some(tenant), true, Some(exported_at)) = (self.tenant, self.is_joined, checked.exported_at)
        else {
            let (position, newest) = (self.position, self.newest);
            return Err(refused(format!(
                "the log ends with event {position}, and the backup with event {newest}"
            )));
        };
        self.apply()?;
        self.report.exported_at = exported_at;
        // The database knows of what happened until then.
        self.store.write_exclusive(&mut |transaction| {
            let mark = transaction.clock_mark()?;
            if exported_at > mark.highest { transaction.raise_clock_mark(exported_at) } else { Ok(()) }
        })?;
        Ok((tenant, self.report))
    }
}

/// The key that an event says was retired.
fn retired_key(event: &Event) -> Option<&str> {
    event.data.get("kid").filter(|_| event.r#type == EventType::KeyRetired)?.as_str()
}

fn read_event(seq: EventSeq, members: Map<String, Value>, hash: EventHash) -> Result<Event, Error> {
    let mut members = ObjectReader::request(members);
    members.take("seq");
    let event = Event {
        seq,
        id: members.required::<String>("id")?.parse()?,
        r#type: members.required("type")?,
        at: members.required("at")?,
        session_id: members.optional::<String>("session_id")?.map(|id| id.parse()).transpose()?,
        user_id: members.optional("user_id")?,
        actor: members.optional("actor")?,
        data: members.required("data")?,
        hash: Some(hash),
    };
    // An optional member that is null is there still: `take` has removed it.
    members.finish()?;
    Ok(event)
}
