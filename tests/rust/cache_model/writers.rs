//! The steps of writers.

use crate::faults::Fault;
use crate::model::{LIST, Lock, Operation, State, Writer, WriterStep};
use crate::shared_steps::{World, make_visible, recover};

fn notes_late(world: &World<'_>) -> bool {
    world.has(Fault::NoteAfterCommit) || world.has(Fault::NoteAfterTell)
}

/// What comes after the last note.
fn after_notes(operation: Operation) -> WriterStep {
    if operation.writes_header() { WriterStep::FirstWord } else { WriterStep::TakeBack }
}

fn first_note(world: &World<'_>, writer: &Writer) -> WriterStep {
    match writer.operation {
        Operation::RaiseClock if writer.next != 0 && !world.has(Fault::ClockNotNoted) => {
            WriterStep::NoteClock
        }
        _ if writer.next == 0 || notes_late(world) => after_notes(writer.operation),
        operation => next_note(world, operation, 0).map_or(after_notes(operation), WriterStep::Note),
    }
}

/// What it notes: the sessions that it changes, then their user.
fn notes(world: &World<'_>, operation: Operation) -> [bool; 3] {
    let [first, second] = operation.sessions();
    let user = match world.fault {
        Some(Fault::UserNotNoted) => false,
        Some(Fault::UserNotedForFirstOnly) => first,
        _ => first || second,
    };
    [first, second, user && world.scenario.has_lists]
}

fn next_note(world: &World<'_>, operation: Operation, from: u8) -> Option<u8> {
    (from..=LIST).find(|&bucket| notes(world, operation)[usize::from(bucket)])
}

fn is_told(world: &World<'_>, writer: &Writer) -> bool {
    writer.next != 0 && (writer.operation != Operation::All || world.has(Fault::TellsChangeOfAll))
}

/// What comes after the header is written, or the transaction rolled back.
fn after_commit(world: &World<'_>, writer: &Writer) -> WriterStep {
    if world.has(Fault::NoteAfterCommit)
        && writer.next != 0
        && let Some(session) = next_note(world, writer.operation, 0)
    {
        return WriterStep::LateNote(session);
    }
    if is_told(world, writer) && !world.has(Fault::TellAfterUnlock) {
        WriterStep::Tell(0)
    } else {
        WriterStep::Unlock
    }
}

pub(crate) fn write(world: &World<'_>, state: &State, index: u8, found: &mut Vec<State>) {
    let at = usize::from(index);
    let writer = state.writers[at];
    let mut next = *state;
    let own = |state: &mut State, step: WriterStep| state.writers[at].step = step;
    match writer.step {
        WriterStep::Dead => return,
        WriterStep::Idle => {
            if writer.left > 0 && state.lock == Lock::Free {
                begin(world, state, index, found);
            }
            return;
        }
        WriterStep::Compare => {
            if world.may_repair(state, writer.file) && !world.has(Fault::WriterDoesNotCompare) {
                own(&mut next, WriterStep::Repair(0));
            } else {
                prepare(world, &mut next, at);
            }
        }
        WriterStep::Repair(store) => {
            if world.repair(&mut next, writer.file, store) {
                own(&mut next, WriterStep::Repair(store + 1));
            } else {
                prepare(world, &mut next, at);
            }
        }
        WriterStep::Note(session) => {
            note(world, &mut next, &writer, session);
            let step = next_note(world, writer.operation, session + 1)
                .map_or(after_notes(writer.operation), WriterStep::Note);
            own(&mut next, step);
        }
        WriterStep::NoteClock => {
            next.files[usize::from(writer.file)].clock = 1;
            own(&mut next, after_notes(writer.operation));
        }
        WriterStep::FirstWord => {
            soil_others(&mut next, &writer, is_told(world, &writer));
            next.header[0] += u8::from(writer.operation.commits());
            own(&mut next, WriterStep::SecondWord);
        }
        WriterStep::SecondWord => {
            soil_others(&mut next, &writer, is_told(world, &writer));
            next.header[1] = next.next_rest;
            next.next_rest += 1;
            if writer.operation.commits() {
                let (changes, raises_clock) = changes(writer.operation);
                make_visible(&mut next, changes, raises_clock);
                own(&mut next, after_commit(world, &writer));
            } else {
                own(&mut next, WriterStep::TakeBack);
            }
        }
        WriterStep::TakeBack => {
            // In one step: only the holder of the lock writes these.
            if writer.next != 0 {
                for bucket in &mut next.files[usize::from(writer.file)].buckets {
                    *bucket = (*bucket).min(state.header[0]);
                }
            }
            own(&mut next, after_commit(world, &writer));
        }
        WriterStep::Tell(word) => {
            world.tell(&mut next, writer.file, word);
            own(&mut next, if word == 0 { WriterStep::Tell(1) } else { WriterStep::Unlock });
        }
        WriterStep::Unlock => {
            next.lock = Lock::Free;
            let step = match next_note(world, writer.operation, 0) {
                _ if world.has(Fault::TellAfterUnlock) && is_told(world, &writer) => WriterStep::LateTell(0),
                Some(session) if world.has(Fault::NoteAfterTell) && writer.next != 0 => {
                    WriterStep::LateNote(session)
                }
                _ => WriterStep::Idle,
            };
            own(&mut next, step);
        }
        WriterStep::LateTell(word) => {
            world.tell(&mut next, writer.file, word);
            own(&mut next, if word == 0 { WriterStep::LateTell(1) } else { WriterStep::Idle });
        }
        WriterStep::LateNote(session) => {
            note(world, &mut next, &writer, session);
            let step = match next_note(world, writer.operation, session + 1) {
                Some(session) => WriterStep::LateNote(session),
                None if world.has(Fault::NoteAfterTell) => WriterStep::Idle,
                None => WriterStep::Tell(0),
            };
            own(&mut next, step);
        }
    }
    found.push(next);
}

fn begin(world: &World<'_>, state: &State, index: u8, found: &mut Vec<State>) {
    for operation in Operation::ALL {
        let mut next = *state;
        recover(&mut next);
        next.lock = Lock::Writer(index);
        let writer = &mut next.writers[usize::from(index)];
        *writer = Writer {
            step: WriterStep::Compare,
            left: writer.left - 1,
            operation,
            next: 0,
            file: writer.file,
        };
        found.push(next);
        // It may have noticed that the file was replaced.
        if next.named != next.writers[usize::from(index)].file {
            let file = world.open_named(&mut next);
            next.writers[usize::from(index)].file = file;
            found.push(next);
        }
    }
}

/// After the comparison: what it cannot tell, it does not note.
fn prepare(world: &World<'_>, state: &mut State, at: usize) {
    let writer = state.writers[at];
    let tells = state.header[0] != 0
        && (!world.is_behind(state, writer.file) || world.has(Fault::WriterDoesNotCompare));
    state.writers[at].next = if tells { state.header[0] + 1 } else { 0 };
    state.writers[at].step = first_note(world, &state.writers[at]);
}

pub(crate) fn changes(operation: Operation) -> ([bool; 2], bool) {
    match operation {
        Operation::All => ([true; 2], false),
        operation => (operation.sessions(), operation == Operation::RaiseClock),
    }
}

fn note(world: &World<'_>, state: &mut State, writer: &Writer, session: u8) {
    let bucket = world.scenario.bucket(session);
    state.files[usize::from(writer.file)].buckets[bucket] = writer.next;
    for reader in &mut state.readers {
        if world.scenario.bucket(reader.session) == bucket {
            reader.answer.is_clean = false;
        }
    }
}

/// A commit that is not told in a reader's file is one of another program to it.
fn soil_others(state: &mut State, writer: &Writer, is_told: bool) {
    for reader in &mut state.readers {
        if reader.file != writer.file || !is_told {
            reader.answer.is_clean = false;
        }
    }
}
