//! Which sessions this store's own commits have changed: what is remembered of them ends with the commit, before its call returns.

use parking_lot::Mutex;

use super::change::Change;
use crate::model::id::SessionId;
use crate::store::verify_lease::OwnCommits;

/// How many buckets there are for sessions. Two sessions in one bucket cost a round trip that was not needed, nothing else.
const BUCKETS: usize = 1 << 16;

/// The bucket of a session: the end of its ULID is random.
fn bucket(id: SessionId) -> u16 {
    let [.., high, low] = id.to_bytes();
    u16::from_be_bytes([high, low])
}

/// What a transaction changes of what answers tell.
#[derive(Default)]
pub(super) struct Touched {
    buckets: Vec<u16>,
    everything: bool,
}

impl Touched {
    /// The change concerns this session, if it concerns one.
    pub(super) fn note(&mut self, change: Change, session: Option<SessionId>) {
        match session {
            Some(id) => self.buckets.push(bucket(id)),
            None => self.everything |= change.concerns_all_sessions(),
        }
    }

    /// The transaction has found this session other than it may be remembered, or any number of them.
    pub(super) fn note_found(&mut self, session: Option<SessionId>) {
        match session {
            Some(id) => self.buckets.push(bucket(id)),
            None => self.everything = true,
        }
    }

    fn is_empty(&self) -> bool {
        self.buckets.is_empty() && !self.everything
    }
}

/// The commits of this store.
pub(super) struct OwnChanges(Mutex<State>);

struct State {
    now: OwnCommits,
    /// For each bucket the last commit that changed a session in it.
    last_changes: Vec<u64>,
}

impl OwnChanges {
    pub(super) fn new() -> Self {
        let now = OwnCommits { epoch: 0, commit: 0 };
        OwnChanges(Mutex::new(State { now, last_changes: vec![0; BUCKETS] }))
    }

    pub(super) fn now(&self) -> OwnCommits {
        self.0.lock().now
    }

    /// Whether no commit since then has changed this session, or all of them.
    pub(super) fn is_unchanged_since(&self, id: SessionId, since: OwnCommits) -> bool {
        let state = self.0.lock();
        let last_change = state.last_changes.get(usize::from(bucket(id)));
        state.now.epoch == since.epoch && last_change.is_some_and(|last| *last <= since.commit)
    }

    fn add(&self, touched: &Touched) {
        let mut state = self.0.lock();
        state.now.commit += 1;
        let commit = state.now.commit;
        for bucket in &touched.buckets {
            if let Some(last_change) = state.last_changes.get_mut(usize::from(*bucket)) {
                *last_change = commit;
            }
        }
        state.now.epoch += u64::from(touched.everything);
    }
}

/// A transaction on its way. Dropped, also by a panic and when its outcome is unknown, it counts as committed then: after the
/// server has it, so that no answer from before it is remembered as one from after it, and before its callers are told.
pub(super) struct TouchedOnDrop<'a> {
    own: Option<&'a OwnChanges>,
    touched: Touched,
}

impl<'a> TouchedOnDrop<'a> {
    /// `None` where nothing is remembered.
    pub(super) fn new(own: Option<&'a OwnChanges>) -> Self {
        TouchedOnDrop { own, touched: Touched::default() }
    }

    /// Called before the commit is sent. What an earlier attempt has touched still counts.
    pub(super) fn add(&mut self, touched: Touched) {
        self.touched.buckets.extend(touched.buckets);
        self.touched.everything |= touched.everything;
    }
}

impl Drop for TouchedOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(own) = self.own.filter(|_| !self.touched.is_empty()) {
            own.add(&self.touched);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_ends_what_it_touches_and_nothing_else() {
        let own = OwnChanges::new();
        let [mine, other] = [7, 8].map(|byte| SessionId::from_bytes([byte; 16]));
        let before = own.now();
        let mut sent = TouchedOnDrop::new(Some(&own));
        let mut touched = Touched::default();
        touched.note(Change::RotateSession, Some(mine));
        touched.note(Change::AddEvent, None);
        sent.add(touched);
        let meanwhile = own.now();
        assert!(own.is_unchanged_since(mine, before), "its callers do not know of it yet");
        drop(sent);
        for since in [before, meanwhile] {
            assert!(!own.is_unchanged_since(mine, since));
            assert!(own.is_unchanged_since(other, since));
        }
        assert!(own.is_unchanged_since(mine, own.now()));

        let after = own.now();
        drop(TouchedOnDrop::new(Some(&own)));
        assert_eq!(own.now(), after, "nothing was touched");
        let mut sent = TouchedOnDrop::new(Some(&own));
        let mut touched = Touched::default();
        touched.note(Change::SetConfig, None);
        sent.add(touched);
        drop(sent);
        assert!(!own.is_unchanged_since(other, after));
    }
}
