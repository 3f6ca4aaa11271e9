//! The log of events of a tenant: what must be in it, and what may be (SPEC 10).

use hellojohn::{EventType, SessionId};

use super::answers::Told;
use super::event_log::Owed;
use super::model::Model;

impl Model {
    /// A call has done this now.
    pub fn tell(&mut self, tenant_index: usize, kind: EventType, session: Option<SessionId>) {
        let at = self.now;
        let log = &mut self.tenants[tenant_index].log;
        if log.is_on {
            log.owed.push(Owed { kind, at, session });
        }
    }

    /// Events are recorded from now on, or not any more.
    pub fn switch_events(&mut self, tenant_index: usize, is_on: bool) {
        let log = &mut self.tenants[tenant_index].log;
        if log.is_on != is_on {
            (log.is_on, log.is_complete) = (is_on, false);
        }
    }

    /// The next event of the log.
    pub fn read_event(&mut self, tenant_index: usize, event: &Told) {
        let log = &mut self.tenants[tenant_index].log;
        assert_eq!(event.seq, log.read + 1, "a gap in the log");
        log.read = event.seq;
        match event.kind {
            // An end is told when it is written down, which may be later.
            EventType::SessionEnded => {
                let id = event.session.expect("whose end it is");
                assert!(log.told.insert(id), "told twice: {event:?}");
                let session_index = self.position_of(tenant_index, id).expect("a session that was there");
                let ended = self.end_of(tenant_index, session_index).expect("a session that has ended");
                assert!(event.at.is(ended.at), "{event:?}, but {ended:?}");
                assert_eq!(event.end_reason, Some(ended.reason), "{event:?}");
            }
            // So is a key that has retired by itself.
            EventType::KeyRetired if log.owes(event).is_none() => {}
            kind => {
                let Some(position) = log.owes(event) else {
                    panic!("nothing has done that: {event:?}, but {:?}", log.owed);
                };
                log.owed.remove(position);
                if let Some(id) = event.session.filter(|_| kind == EventType::SessionPurged) {
                    assert!(!log.is_complete || log.told.contains(&id), "purged before its end: {event:?}");
                }
            }
        }
    }

    /// All events were read: everything that was done is told, and after a sweep every end.
    pub fn check_log_is_whole(&self, tenant_index: usize, is_swept: bool) {
        let log = &self.tenants[tenant_index].log;
        assert!(log.owed.is_empty(), "not told: {:?}", log.owed);
        if is_swept && log.is_complete {
            for session_index in self.newest_first(tenant_index) {
                let known = &self.tenants[tenant_index].sessions[session_index];
                let has_ended = self.end_of(tenant_index, session_index).is_some();
                assert!(!has_ended || log.told.contains(&known.id), "an end was not told: {known:?}");
            }
        }
    }

    /// The tenant has no session any more.
    pub fn begin_log_anew(&mut self, tenant_index: usize) {
        let log = &mut self.tenants[tenant_index].log;
        log.told.clear();
        log.is_complete = log.is_on;
    }
}
