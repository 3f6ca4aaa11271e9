//! Closing the database and opening it again, also after a power loss.

use hellojohn::{EndReason, ErrorCode};

use crate::disk::CrashKind;
use crate::fixture::code;

use super::History;
use super::look::Look;
use super::model::SessionModel;
use super::outcome::is_storage_error;
use super::place::{Place, TENANTS, direct_ends_max, open};

/// Opening a tenant stretches its secret key, which costs more than a history: one in so many of the reopenings that a history
/// calls for is done.
const REOPENS: usize = 8;

/// The same on a disk that fails.
const REOPENS_ON_DISK: usize = 3;

impl History {
    /// What the database was never made to see is forgotten; what a caller was told is not.
    pub(super) fn reopen(&mut self) {
        let is_file = matches!(self.place, Place::File(_));
        let is_needed = self.model.refuses_writes;
        if !self.reopens || matches!(self.place, Place::Memory) {
            return;
        }
        if !is_needed && self.model.has_doubtful_key {
            return;
        }
        if !is_needed && !self.dice.one_in(if is_file { REOPENS } else { REOPENS_ON_DISK }) {
            return;
        }
        let kinds = [&CrashKind::ALL[..], &[CrashKind::Killed; 2]].concat();
        let kind = (!is_file && self.dice.one_in(2)).then(|| *self.dice.pick(&kinds));
        self.record_call(match kind {
            Some(kind) => format!("reopen after a power loss, {kind:?}"),
            None => "reopen".to_owned(),
        });
        let image = match &mut self.place {
            Place::FailingDisk(disk) => kind.map(|kind| disk.image(kind, &mut self.dice)),
            _ => None,
        };
        // On a file, the engine that comes may be there before the one that goes.
        if !is_file || self.dice.one_in(2) {
            let engine = self.engine.clone();
            self.under_faults(false, || engine.close());
            assert_eq!(code(self.tenants[0].config()), Some(ErrorCode::EngineClosed));
        }
        self.tenants.clear();
        // Sign-ins of one millisecond keep their order within one process.
        self.planned = None;
        if let (Place::FailingDisk(disk), Some(image)) = (&mut self.place, image) {
            disk.put(&image);
        }
        let seed = self.dice.roll();
        self.open_at_last(seed);
        self.find_state(kind.is_some());
    }

    /// The disk may fail the first attempt.
    fn open_at_last(&mut self, seed: u64) {
        self.model.refuses_writes = false;
        let clock = self.clock.clone();
        let mut place = std::mem::replace(&mut self.place, Place::Memory);
        if let Place::FailingDisk(disk) = &mut place
            && self.dice.one_in(4)
        {
            let plan = disk.begin(&mut self.dice, false);
            let opened = open(&mut place, &clock, seed);
            let Place::FailingDisk(disk) = &mut place else { unreachable!("as before") };
            let faults = disk.heal();
            match opened {
                Ok(opened) if faults == 0 => {
                    self.place = place;
                    (self.engine, self.tenants) = opened;
                    self.model.direct_ends_max = direct_ends_max(seed);
                    return;
                }
                Ok((engine, _)) => engine.close().unwrap(),
                Err(error) => {
                    let said = format!("  {faults} of {plan:?}: {}", error.detail());
                    assert!(faults > 0 && is_storage_error(&error), "{error:?}");
                    self.record_call(said);
                }
            }
        }
        let opened = open(&mut place, &clock, seed);
        self.place = place;
        (self.engine, self.tenants) = opened.expect("the disk is sound");
        self.model.direct_ends_max = direct_ends_max(seed);
        if let Place::FailingDisk(disk) = &mut self.place {
            disk.heal();
        }
    }

    /// Learns which of the states it is that the store may be in.
    fn find_state(&mut self, has_lost_power: bool) {
        let ahead = self.tenants[0].stats().unwrap().clock_ahead_ms;
        let now = self.model.clock.max(0) + ahead as i64;
        let range = self.model.clock.max(0)..=self.model.now.max(self.model.clock);
        assert!(range.contains(&now), "{now} is not in {range:?}");
        self.model.now = now;
        let maybe = std::mem::take(&mut self.maybe);
        if matches!(self.place, Place::FailingDisk(_)) {
            let look = self.look().expect("the disk is sound");
            if has_lost_power {
                self.forget_stamps(&look);
            }
            self.follow(&look, &maybe);
            self.model.has_doubtful_key |= !maybe.is_empty() && self.model.has_drained_key();
        }
        for tenant_index in 0..TENANTS {
            for session_index in self.model.newest_first(tenant_index) {
                let was_reported_ended =
                    self.model.tenants[tenant_index].sessions[session_index].was_reported_ended;
                assert!(
                    !was_reported_ended || self.model.end_of(tenant_index, session_index).is_some(),
                    "session {session_index} of {tenant_index} lives again"
                );
            }
        }
    }

    /// Sweeps do not wait for the disk. An end by the clock that only a sweep has written down, and no caller was told of, may go with
    /// the power.
    fn forget_stamps(&mut self, look: &Look) {
        for (tenant, looked) in self.model.tenants.iter_mut().zip(&look.0) {
            let log = &tenant.log;
            // Where events are recorded, sweeps do.
            let is_secret =
                |session: &SessionModel| !session.was_reported_ended && !log.told.contains(&session.id);
            for session in tenant.sessions.iter_mut().filter(|session| is_secret(session)) {
                let is_by_clock = |reason| matches!(reason, EndReason::Expired | EndReason::IdleTimeout);
                let is_active =
                    looked.sessions.get(&session.id).is_some_and(|(shown, ..)| shown.end_reason.is_none());
                if is_active && session.ended.is_some_and(|ended| is_by_clock(ended.reason)) {
                    session.ended = None;
                }
            }
        }
    }
}
