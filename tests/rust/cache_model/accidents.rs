//! What another program does, and what befalls processes and the shared file.

use crate::model::{
    Foreign, ForeignOperation, ForeignStep, Lock, Reader, ReaderStep, SharedFile, State, Torn, Writer,
    WriterStep,
};
use crate::shared_steps::{make_visible, recover, soil};
use crate::writers::changes;

pub(crate) fn write_foreign(state: &State, found: &mut Vec<State>) {
    let foreign = state.foreign;
    let mut next = *state;
    match foreign.step {
        ForeignStep::Dead => return,
        ForeignStep::Idle => {
            if foreign.left > 0 && state.lock == Lock::Free {
                for operation in [
                    ForeignOperation::First,
                    ForeignOperation::Second,
                    ForeignOperation::RestartLog,
                    ForeignOperation::EmptyLog,
                ] {
                    let mut next = *state;
                    recover(&mut next);
                    next.lock = Lock::Foreign;
                    next.foreign =
                        Foreign { step: ForeignStep::FirstWord, left: foreign.left - 1, operation };
                    found.push(next);
                }
            }
            return;
        }
        ForeignStep::FirstWord => {
            soil(&mut next);
            match foreign.operation {
                ForeignOperation::EmptyLog => next.header[0] = 0,
                ForeignOperation::RestartLog => {}
                ForeignOperation::First | ForeignOperation::Second => next.header[0] += 1,
            }
            next.foreign.step = ForeignStep::SecondWord;
        }
        ForeignStep::SecondWord => {
            soil(&mut next);
            if foreign.operation == ForeignOperation::EmptyLog {
                next.header[1] = 0; // word for word as another time
            } else {
                next.header[1] = next.next_rest;
                next.next_rest += 1;
            }
            let changes = foreign_changes(foreign.operation);
            if changes != [false; 2] {
                make_visible(&mut next, changes, false);
            }
            next.foreign.step = ForeignStep::Unlock;
        }
        ForeignStep::Unlock => {
            next.lock = Lock::Free;
            next.foreign.step = ForeignStep::Idle;
        }
    }
    found.push(next);
}

fn foreign_changes(operation: ForeignOperation) -> [bool; 2] {
    match operation {
        ForeignOperation::First | ForeignOperation::EmptyLog => [true, false],
        ForeignOperation::Second => [false, true],
        ForeignOperation::RestartLog => [false, false],
    }
}

/// Kills a writer, or the other program, at any step.
pub(crate) fn kill(state: &State, found: &mut Vec<State>) {
    if state.kills == 0 {
        return;
    }
    let mut base = *state;
    base.kills -= 1;
    soil(&mut base);
    for (at, writer) in state.writers.iter().enumerate() {
        if matches!(writer.step, WriterStep::Idle | WriterStep::Dead) {
            continue;
        }
        let mut next = base;
        if writer.step == WriterStep::SecondWord {
            let (changes, raises_clock) = changes(writer.operation);
            let commits = writer.operation.commits();
            let changes = changes.map(|changes| changes && commits);
            next.torn = Torn { is_torn: true, changes, raises_clock: raises_clock && commits };
        }
        if state.lock == Lock::Writer(at as u8) {
            next.lock = Lock::Free;
        }
        next.writers[at] = Writer { step: WriterStep::Dead, ..Writer::default() };
        found.push(next);
    }
    if !matches!(state.foreign.step, ForeignStep::Idle | ForeignStep::Dead) {
        let mut next = base;
        if state.foreign.step == ForeignStep::SecondWord {
            let changes = foreign_changes(state.foreign.operation);
            next.torn = Torn { is_torn: true, changes, raises_clock: false };
        }
        next.lock = Lock::Free;
        next.foreign = Foreign { step: ForeignStep::Dead, ..Foreign::default() };
        found.push(next);
    }
}

/// Kills a reader that holds the lock; elsewhere its death leaves nothing behind.
pub(crate) fn kill_reader(state: &State, found: &mut Vec<State>) {
    for (at, reader) in state.readers.iter().enumerate() {
        if state.kills > 0 && state.lock == Lock::Reader(at as u8) {
            let mut next = *state;
            next.kills -= 1;
            soil(&mut next);
            next.lock = Lock::Free;
            next.readers[at] =
                Reader { step: ReaderStep::Dead, session: reader.session, ..Reader::default() };
            found.push(next);
        }
    }
}

/// The shared file is deleted, zeroed, or an old copy is written over it: the last two not in the middle of the stores of a
/// process that holds the lock.
pub(crate) fn harm(state: &State, found: &mut Vec<State>) {
    if state.accidents == 0 || state.named != 0 {
        return;
    }
    if !state.has_copied {
        found.push(State { copy: Some(state.files[0]), has_copied: true, ..*state });
    }
    let mut base = State { accidents: state.accidents - 1, copy: None, has_copied: true, ..*state };
    soil(&mut base);
    found.push(State { named: 1, ..base });
    if matches!(state.lock, Lock::Free | Lock::Foreign) {
        let [_, second] = base.files;
        found.push(State { files: [SharedFile::default(), second], ..base });
        if let Some(copy) = state.copy {
            found.push(State { files: [copy, second], ..base });
        }
    }
}
