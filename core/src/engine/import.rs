//! Importing the sessions of another system, so that their users stay signed in (SPEC 15).

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use super::event_log::EventData;
use super::import_report::{ImportReport, ImportRequest};
use super::import_source::{ImportSource, SourceLine};
use super::imported_before::{Known, Seen, is_replaced, key_of};
use super::pace::Pace;
use super::tenant::Tenant;
use super::tenant_snapshot::TenantSnapshot;
use super::transaction::WriteContext;
use super::work_step::WorkStep;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Failure};
use crate::model::bulk_end::BulkEnd;
use crate::model::event::EventType;
use crate::model::factor::Factors;
use crate::model::id::SessionId;
use crate::model::imported::{ImportKey, ImportRow};
use crate::model::operation::Operation;
use crate::random;
use crate::rules::expiry;
use crate::rules::rotation::Rotation;
use crate::store::{Durability, IssuedAccessToken, LastSeen, NeededSessions, SessionRecord, SessionScope};
use crate::token::issuer::AccessTokenParams;

/// What the rows of one batch have come to before anything is written.
struct Batch {
    /// The sessions to add.
    sessions: Vec<SessionRecord>,
    /// The first bad row, where the import stops at it.
    stopped_by: Option<Error>,
}

impl Tenant {
    /// Imports the sessions of another system from JSON Lines: one object a line with `user_id`, `credential` or
    /// `credential_sha256` (64 hexadecimal digits), and, each optional, `external_id` (the name of the session there),
    /// `created_at`, `last_active_at`, `expires_at` (milliseconds since the epoch), the fields of
    /// [`ClientInfo`](crate::ClientInfo) and of [`Identity`](crate::Identity). Their clients exchange what they hold by
    /// [`adopt`](Self::adopt).
    ///
    /// An imported session is there at once: it is listed, counted and can be revoked. It keeps the time of its sign-in and
    /// ends at the earlier of `expires_at` and `created_at` + the tenant's `session_duration`. What has ended by now is
    /// counted and not imported. Of the credential only SHA-256 is kept. No session is ended: the user's cap binds at the next
    /// sign-in.
    ///
    /// Rows are written in small transactions that give way to other calls, as [`sweep`](Self::sweep) does. An import that
    /// was cut off is taken up by calling again: the same credential, and the same external id, is one session. A session of
    /// the external id whose credential the old system has replaced meanwhile gets the new one, unless it was adopted.
    /// `progress` is called after each batch of at most 512 rows. A dry run looks at each batch by itself: a row that comes
    /// again in a later one counts as one to import.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// let rows = "{\"user_id\": \"usr_1\", \"credential\": \"x9tK2vLq8ZsW4yBn\"}\n";
    /// let report = tenant.import(rows.as_bytes(), &Default::default(), |so_far| println!("{} rows", so_far.rows))?;
    /// assert_eq!(report.imported, 1);
    /// let grant = tenant.adopt("x9tK2vLq8ZsW4yBn", Default::default())?;
    /// assert_eq!(grant.session.user_id.as_str(), "usr_1");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `storage_io` if the source cannot be read; with `stop_at_bad_row` a `validation_error` that names the line. The rows
    /// before are imported then.
    pub fn import(
        &self,
        source: impl BufRead,
        request: &ImportRequest,
        progress: impl FnMut(&ImportReport),
    ) -> Result<ImportReport, Error> {
        self.observe(Operation::Import, ImportReport::added, || {
            self.import_batches(source, request, progress)
        })
    }

    fn import_batches(
        &self,
        source: impl BufRead,
        request: &ImportRequest,
        mut progress: impl FnMut(&ImportReport),
    ) -> Result<ImportReport, Error> {
        let mut report = ImportReport::default();
        let imported = self.import_lines(ImportSource::new(source), request, &mut progress, &mut report);
        let told = self.tell_import_end(request, &report, imported.is_ok());
        // What broke the import off says more than what came of telling it.
        imported.and(told).map(|()| report)
    }

    fn import_lines(
        &self,
        mut source: ImportSource<impl BufRead>,
        request: &ImportRequest,
        progress: &mut dyn FnMut(&ImportReport),
        report: &mut ImportReport,
    ) -> Result<(), Error> {
        let mut pace = Pace::default();
        loop {
            let lines = source.next_batch()?;
            if lines.is_empty() {
                return Ok(());
            }
            let batch = self.judge_lines(&lines, request, report)?;
            drop(lines);
            if !request.dry_run {
                self.add_imported(batch.sessions, &mut pace, report)?;
            }
            progress(report);
            if let Some(error) = batch.stopped_by {
                return Err(error);
            }
        }
    }

    /// [`import`](Self::import) from a file.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("sessions.jsonl");
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// std::fs::write(&path, "{\"user_id\": \"usr_1\", \"credential\": \"x9tK2vLq8ZsW4yBn\"}\n").unwrap();
    /// assert_eq!(tenant.import_file(&path, &Default::default(), |_| {})?.imported, 1);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `storage_io` also when there is no such file.
    pub fn import_file(
        &self,
        path: impl AsRef<Path>,
        request: &ImportRequest,
        progress: impl FnMut(&ImportReport),
    ) -> Result<ImportReport, Error> {
        self.observe(Operation::Import, ImportReport::added, || {
            let file = File::open(path).map_err(|error| {
                Error::new(ErrorCode::StorageIo, format!("the source cannot be opened: {error}"))
            })?;
            self.import_batches(BufReader::new(file), request, progress)
        })
    }

    /// Reads the rows and counts those that are not to be imported.
    fn judge_lines(
        &self,
        lines: &[SourceLine],
        request: &ImportRequest,
        report: &mut ImportReport,
    ) -> Result<Batch, Error> {
        let (now, snapshot) = self.read(|ctx| Ok((ctx.now, Arc::clone(&ctx.snapshot))))?;
        let rows: Vec<(u64, Result<ImportRow, Error>)> = lines
            .iter()
            .map(|line| (line.number, line.text().and_then(|text| ImportRow::parse(text, now))))
            .collect();
        let keys: Vec<ImportKey> =
            rows.iter().filter_map(|(_, row)| row.as_ref().ok().map(|row| row.key.clone())).collect();
        let mut found = self.read_about(NeededSessions::Scanned, |ctx| {
            Ok(ctx.transaction.imported_sessions(ctx.tenant, &keys)?)
        })?;
        if !found.is_empty() && !request.dry_run {
            // What a read shows of another import may not be durable yet. What a write has found is.
            found = self.write(move |_, ctx| Ok(ctx.transaction.imported_sessions(ctx.tenant, &keys)?))?;
        }
        let known = Known::new(found);
        let mut batch = Batch { sessions: Vec::new(), stopped_by: None };
        let mut seen = Seen::default();
        for (line, row) in rows {
            report.rows += 1;
            match row.and_then(|row| self.judge_row(&row, now, &snapshot, &known, &mut seen)) {
                Ok(Judged::Good { session, is_known }) => {
                    // Without a dry run they are counted as they are added.
                    report.imported += u64::from(request.dry_run && !is_known);
                    report.already_imported += u64::from(request.dry_run && is_known);
                    batch.sessions.push(*session);
                }
                Ok(Judged::Known) => report.already_imported += 1,
                Ok(Judged::Expired) => report.expired += 1,
                Ok(Judged::OverLimits) => report.over_limits += 1,
                Err(error) => {
                    report.add_problem(line, &error);
                    if request.stop_at_bad_row {
                        let problem = format!("line {line}: {}", error.detail());
                        batch.stopped_by = Some(Error::new(ErrorCode::ValidationError, problem));
                        break;
                    }
                }
            }
        }
        Ok(batch)
    }

    fn judge_row(
        &self,
        row: &ImportRow,
        now: Timestamp,
        snapshot: &TenantSnapshot,
        known: &Known,
        seen: &mut Seen,
    ) -> Result<Judged, Error> {
        let found = known.find(&row.key);
        if found.is_some_and(|found| found.user_id != row.user_id) {
            return Err(Error::validation("user_id", "is not that of the session that was imported before"));
        }
        if found.is_some_and(|found| !is_replaced(found, &row.key)) || !seen.add(&row.key) {
            return Ok(Judged::Known);
        }
        if row.has_expired(now) {
            return Ok(Judged::Expired);
        }
        let times = row.times(expiry::session_end(row.created_at, &snapshot.config, None));
        if times.end_by_clock(now, snapshot.config.idle_timeout).is_some() {
            return Ok(Judged::OverLimits);
        }
        let key = snapshot.ring.active();
        let never_used = AccessTokenParams {
            serial: 0,
            issued_at: times.created_at,
            expires_at: Timestamp::from_secs(times.created_at.as_secs()),
        };
        let session = SessionRecord {
            id: SessionId::drawn_at(row.created_at, self.random())?,
            user_id: row.user_id.clone(),
            times,
            rotation: Rotation { generation: 1, replays: 0 },
            nonce: *random::draw_bytes(self.random())?,
            access: IssuedAccessToken { params: never_used, key_no: key.no },
            client: row.client.clone(),
            last_seen: LastSeen::default(),
            identity: row.identity.clone(),
            identity_serial: 0,
            factors: Factors::default(),
            credential: Some(row.key.credential),
            external_id: row.key.external_id.clone(),
            actor: None,
        };
        // Refused now rather than when its client comes.
        self.prepare_access_token(&session, key)?;
        Ok(Judged::Good { session: Box::new(session), is_known: found.is_some() })
    }

    /// Adds the sessions in steps, which go on at the pace of the batch before.
    fn add_imported(
        &self,
        sessions: Vec<SessionRecord>,
        pace: &mut Pace,
        report: &mut ImportReport,
    ) -> Result<(), Error> {
        let sessions = Arc::new(sessions);
        let mut done = 0;
        while done < sessions.len() {
            let (of_step, from, is_first) = (Arc::clone(&sessions), done, report.imported == 0);
            let step =
                self.work_step(pace, Durability::Full, NeededSessions::Scanned, move |tenant, ctx, step| {
                    ctx.add_imported_some(tenant, &of_step[from..], is_first, step)
                })?;
            if step.rows == 0 {
                self.settle_before(&sessions[done..])?;
            }
            done += step.rows;
            report.imported += step.changed;
            report.already_imported += step.rows as u64 - step.changed;
        }
        Ok(())
    }

    /// Stamps what pending bulk ends have ended of these users: they look at sessions by the time of the sign-in, and those
    /// that are imported have old ones.
    fn settle_before(&self, sessions: &[SessionRecord]) -> Result<(), Error> {
        let concerns_one =
            |bulk_end: &BulkEnd| sessions.iter().any(|session| bulk_end.concerns(&session.user_id));
        for bulk_end in &self.latest_snapshot()?.bulk_ends.pending {
            if concerns_one(bulk_end) {
                self.settle(SessionScope::of(bulk_end.user_id.as_ref()))?;
            }
        }
        Ok(())
    }

    /// Tells what an import that has added sessions has come to.
    fn tell_import_end(
        &self,
        request: &ImportRequest,
        report: &ImportReport,
        is_complete: bool,
    ) -> Result<(), Error> {
        if request.dry_run || report.imported == 0 {
            return Ok(());
        }
        let counts = report.clone();
        self.write(move |_, ctx| {
            Ok(ctx.events().tell(EventType::TenantImported, None, || {
                counts.event_data().with("state", if is_complete { "complete" } else { "cut_off" })
            })?)
        })
    }
}

impl WriteContext<'_> {
    /// Adds the first of these sessions, as many as one step may, but for those that were imported before. Ends at one whose
    /// user a pending bulk end concerns. The first step that adds one tells that an import has begun.
    fn add_imported_some(
        &self,
        tenant: &Tenant,
        sessions: &[SessionRecord],
        is_first: bool,
        step: &mut WorkStep,
    ) -> Result<(), Failure> {
        let sessions = &sessions[..sessions.len().min(step.pace.rows())];
        let keys: Vec<ImportKey> = sessions.iter().filter_map(key_of).collect();
        let known = Known::new(self.transaction.imported_sessions(self.tenant, &keys)?);
        let bulk_ends = &self.snapshot.bulk_ends;
        for (session, key) in sessions.iter().zip(&keys) {
            let is_concerned = bulk_ends.pending.iter().any(|it| it.concerns(&session.user_id));
            if is_concerned || !step.takes_row(tenant) {
                break;
            }
            match known.find(key) {
                Some(found) if is_replaced(found, key) => {
                    self.transaction.set_credential(self.tenant, found.id, key.credential)?;
                }
                Some(_) => {}
                None => {
                    if is_first && step.changed == 0 {
                        let begun = || EventData::default().with("state", "begun");
                        self.events().tell(EventType::TenantImported, None, begun)?;
                    }
                    let mut session = session.clone();
                    session.times.judged_by = bulk_ends.newest;
                    session.access.key_no = self.snapshot.ring.active().no;
                    self.transaction.add_session(self.tenant, &session)?;
                    let named = Some((session.id, &session.user_id));
                    self.events().tell(EventType::SessionCreated, named, || {
                        EventData::of_sign_in(&session.client).with("imported", true)
                    })?;
                    step.changed += 1;
                }
            }
        }
        Ok(())
    }
}

/// What a row comes to.
enum Judged {
    /// A session to add, or one whose credential was replaced.
    Good {
        session: Box<SessionRecord>,
        is_known: bool,
    },
    Known,
    Expired,
    OverLimits,
}
