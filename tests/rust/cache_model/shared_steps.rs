//! What writers and readers do in the same way: repairs, and what the database does by itself.

use crate::faults::Fault;
use crate::model::{LIST, Scenario, SharedFile, State, WriterStep};

/// A scenario, and the fault that the protocol has in it.
#[derive(Clone, Copy)]
pub(crate) struct World<'a> {
    pub scenario: &'a Scenario,
    pub fault: Option<Fault>,
}

#[derive(Clone, Copy)]
enum RepairStore {
    Epoch,
    Clock,
    Bucket(usize),
    Told(u8),
}

impl World<'_> {
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Whether this told header is the present one, in this epoch.
    pub(crate) fn is_told(&self, file: &SharedFile, header: [u8; 2], epoch: u8) -> bool {
        let is_bound = !self.splits_epoch();
        epoch != 0
            && (!self.splits_epoch() || file.epoch == epoch)
            && file
                .told
                .iter()
                .zip(header)
                .all(|(&(mixed, word), now)| word == now && (!is_bound || mixed == epoch))
    }

    /// The faults in which the epoch is compared by itself.
    pub(crate) fn splits_epoch(&self) -> bool {
        self.has(Fault::ToldNotBound) || self.has(Fault::ToldBeforeEpoch)
    }

    /// Whether something was committed that was not told.
    pub(crate) fn is_behind(&self, state: &State, file: u8) -> bool {
        let shared = &state.files[usize::from(file)];
        state.header[0] == 0 && !self.has(Fault::ZeroIsTold)
            || !self.is_told(shared, state.header, shared.epoch)
    }

    pub(crate) fn may_repair(&self, state: &State, file: u8) -> bool {
        self.is_behind(state, file)
            && !is_torn(state)
            && (state.header[0] != 0 || self.has(Fault::ZeroIsTold))
    }

    fn draw_epoch(&self, state: &mut State, file: usize) -> u8 {
        if self.has(Fault::CountedEpoch) {
            return state.files[file].epoch + 1;
        }
        state.next_epoch += 1;
        state.next_epoch - 1
    }

    /// The stores of a repair.
    fn repair_stores(&self) -> Vec<RepairStore> {
        let mut stores =
            vec![RepairStore::Epoch, RepairStore::Clock, RepairStore::Bucket(0), RepairStore::Bucket(1)];
        if self.scenario.has_lists {
            stores.push(RepairStore::Bucket(usize::from(LIST)));
        }
        let told = [RepairStore::Told(0), RepairStore::Told(1)];
        let at = if self.has(Fault::ToldBeforeEpoch) { 0 } else { stores.len() };
        stores.splice(at..at, told);
        stores
    }

    /// One store of a repair; whether others follow.
    pub(crate) fn repair(&self, state: &mut State, file: u8, store: u8) -> bool {
        let (at, stores) = (usize::from(file), self.repair_stores());
        match stores[usize::from(store)] {
            RepairStore::Epoch if self.has(Fault::RepairWithoutEpoch) => {}
            RepairStore::Epoch => state.files[at].epoch = self.draw_epoch(state, at),
            RepairStore::Clock => state.files[at].clock = 0,
            RepairStore::Bucket(bucket) => state.files[at].buckets[bucket] = 0,
            RepairStore::Told(word) => self.tell(state, file, word),
        }
        usize::from(store) + 1 < stores.len()
    }

    pub(crate) fn tell(&self, state: &mut State, file: u8, word: u8) {
        let (header, shared) = (state.header, &mut state.files[usize::from(file)]);
        shared.told[usize::from(word)] = (shared.epoch, header[usize::from(word)]);
    }

    /// The file that has the name, made if there is none. The caller holds the lock.
    pub(crate) fn open_named(&self, state: &mut State) -> u8 {
        let at = usize::from(state.named);
        if state.files[at] == SharedFile::default() && self.has(Fault::CountedEpoch) {
            state.files[at].epoch = 1;
        }
        state.named
    }
}

pub(crate) fn make_visible(state: &mut State, changes: [bool; 2], raises_clock: bool) {
    state.visible += 1;
    for (changed, changes) in state.changed.iter_mut().zip(changes) {
        if changes {
            *changed = state.visible;
        }
    }
    if raises_clock {
        state.mark = 1;
    }
}

/// What a kill in the middle of writing the header leaves: SQLite builds the index from the log, which holds the commit, and
/// the header counts from 0 again.
pub(crate) fn recover(state: &mut State) {
    if state.torn.is_torn {
        let torn = std::mem::take(&mut state.torn);
        state.header = [0, state.next_rest];
        state.next_rest += 1;
        make_visible(state, torn.changes, torn.raises_clock);
    }
}

/// Whether the header is half written.
pub(crate) fn is_torn(state: &State) -> bool {
    state.torn.is_torn
        || state.writers.iter().any(|writer| writer.step == WriterStep::SecondWord)
        || state.foreign.step == crate::model::ForeignStep::SecondWord
}

/// Something happened that may end every answer.
pub(crate) fn soil(state: &mut State) {
    for reader in &mut state.readers {
        reader.answer.is_clean = false;
    }
}
