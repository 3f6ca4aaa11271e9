//! What must hold in every state, beside what checks find.

use crate::faults::Fault;
use crate::model::{Broken, LIST, Lock, Reader, ReaderStep, State, WriterStep};
use crate::readers::read;
use crate::shared_steps::World;

fn accepts(world: &World<'_>, state: &State, reader: &Reader) -> bool {
    let shared = &state.files[usize::from(reader.file)];
    let bucket = world.scenario.bucket(reader.session);
    let is_told =
        world.has(Fault::CheckIgnoresHeader) || world.is_told(shared, state.header, reader.answer.epoch);
    reader.answer.is_whole && is_told && shared.buckets[bucket] <= reader.answer.counter
}

/// What must hold in every state beside what checks find.
pub(crate) fn require_useful(world: &World<'_>, state: &State) -> Result<(), Broken> {
    let is_uncommitted = state.writers.iter().enumerate().any(|(at, writer)| {
        state.lock == Lock::Writer(at as u8)
            && matches!(
                writer.step,
                WriterStep::Compare | WriterStep::Note(_) | WriterStep::NoteClock | WriterStep::FirstWord
            )
    });
    if state.lock == Lock::Free || is_uncommitted {
        let forgets = |reader: &Reader| {
            reader.answer.is_whole && reader.answer.is_clean && !accepts(world, state, reader)
        };
        if state.readers.iter().any(forgets) {
            return Err(Broken::Forgotten);
        }
    }
    if state.lock == Lock::Free { require_kept_in_the_end(world, state) } else { Ok(()) }
}

/// One reader alone, from here on, comes to keep an answer by asking three times: the first may find a header that has to be
/// recovered. Where the header counts nothing, it goes by its own commits.
fn require_kept_in_the_end(world: &World<'_>, state: &State) -> Result<(), Broken> {
    let last = if world.scenario.has_lists { LIST } else { 1 };
    for session in 0..=last {
        let mut alone = *state;
        alone.readers[0] = Reader { session, file: alone.named, ..Reader::default() };
        if alone.writers.iter().any(|writer| writer.step == WriterStep::SecondWord) {
            continue;
        }
        let mut is_kept = false;
        for _ in 0..3 {
            alone.readers[0].step = ReaderStep::Look;
            go_on(world, &mut alone)?;
            if !alone.readers[0].answer.is_whole {
                continue;
            }
            is_kept = accepts(world, &alone, &alone.readers[0]);
            if is_kept {
                break;
            }
            alone.readers[0].step = ReaderStep::Refused;
            go_on(world, &mut alone)?;
        }
        if !is_kept && alone.header[0] != 0 {
            return Err(Broken::NeverKept);
        }
    }
    Ok(())
}

/// Lets the first reader go on until it has nothing to do.
fn go_on(world: &World<'_>, state: &mut State) -> Result<(), Broken> {
    while state.readers[0].step != ReaderStep::Idle {
        let mut found = Vec::new();
        read(world, state, 0, true, &mut found)?;
        *state = *found.first().ok_or(Broken::NeverKept)?;
    }
    Ok(())
}
