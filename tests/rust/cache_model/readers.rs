//! The steps of readers.

use crate::faults::Fault;
use crate::model::{Answer, Broken, LIST, Lock, Reader, ReaderStep, State};
use crate::shared_steps::{World, is_torn, recover};

/// The loads of a check.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Load {
    Bucket,
    Clock,
    Header(usize),
    Told(usize),
    Epoch,
}

fn loads(world: &World<'_>) -> Vec<Load> {
    let (header, told) = ([Load::Header(0), Load::Header(1)], [Load::Told(0), Load::Told(1)]);
    let mut loads = vec![Load::Bucket, Load::Clock];
    loads.retain(|load| match load {
        Load::Bucket => !world.has(Fault::BucketReadLast),
        _ => !world.has(Fault::ClockReadLast),
    });
    loads.extend(header.into_iter().chain(told));
    if world.splits_epoch() {
        loads.push(Load::Epoch);
    }
    if world.has(Fault::BucketReadLast) {
        loads.push(Load::Bucket);
    }
    if world.has(Fault::ClockReadLast) {
        loads.push(Load::Clock);
    }
    loads
}

/// When what an answer is about changed last.
fn last_change(state: &State, about: u8) -> u8 {
    let [first, second] = state.changed;
    match about {
        LIST => first.max(second),
        session => state.changed[usize::from(session)],
    }
}

pub(crate) fn read(
    world: &World<'_>,
    state: &State,
    index: u8,
    is_alone: bool,
    found: &mut Vec<State>,
) -> Result<(), Broken> {
    let at = usize::from(index);
    let reader = state.readers[at];
    let shared = state.files[usize::from(reader.file)];
    let bucket = world.scenario.bucket(reader.session);
    let mut next = *state;
    let own = |state: &mut State, step: ReaderStep| state.readers[at].step = step;
    match reader.step {
        ReaderStep::Dead => return Ok(()),
        ReaderStep::Idle => {
            if reader.answer.is_whole && !is_alone {
                let mut checking = *state;
                checking.readers[at] = Reader {
                    step: ReaderStep::Check(0),
                    required: last_change(state, reader.session),
                    required_mark: state.mark,
                    header: [0; 2],
                    clock: 0,
                    ..reader
                };
                found.push(checking);
            }
            own(&mut next, ReaderStep::Look);
        }
        ReaderStep::Look => {
            let may_try = state.lock == Lock::Free && !world.has(Fault::ReadersRepairNothing);
            let is_behind = world.is_behind(state, reader.file);
            if is_behind && world.has(Fault::RepairWithoutLock) && world.may_repair(state, reader.file) {
                own(&mut next, ReaderStep::Repair(0));
            } else if may_try && (is_behind || state.named != reader.file) {
                next.lock = Lock::Reader(index);
                own(&mut next, ReaderStep::Locked);
            } else {
                own(&mut next, begin_version(world));
            }
        }
        ReaderStep::Locked => {
            let after = |next: &State, file: u8| {
                if world.may_repair(next, file) { ReaderStep::Repair(0) } else { ReaderStep::Unlock }
            };
            // It looks at the name at most once a second.
            if state.named != reader.file {
                let mut switched = *state;
                let file = world.open_named(&mut switched);
                switched.readers[at].file = file;
                switched.readers[at].answer = Answer::default();
                let step = after(&switched, file);
                own(&mut switched, step);
                found.push(switched);
            }
            own(&mut next, after(state, reader.file));
        }
        ReaderStep::Repair(store) => {
            let goes_on = world.repair(&mut next, reader.file, store);
            let done =
                if world.has(Fault::RepairWithoutLock) { begin_version(world) } else { ReaderStep::Unlock };
            own(&mut next, if goes_on { ReaderStep::Repair(store + 1) } else { done });
        }
        ReaderStep::Unlock => {
            next.lock = Lock::Free;
            own(&mut next, begin_version(world));
        }
        ReaderStep::ReadEpoch => {
            let snapshot =
                if world.has(Fault::VersionAfterSnapshot) { reader.answer } else { Answer::default() };
            let is_settled = !world.is_behind(state, reader.file)
                && !is_torn(state)
                && shared.buckets[bucket] <= state.header[0];
            next.readers[at].answer = Answer {
                epoch: shared.epoch,
                is_clean: is_settled && !world.has(Fault::VersionAfterSnapshot),
                ..snapshot
            };
            own(&mut next, ReaderStep::ReadCounter);
        }
        ReaderStep::ReadCounter => {
            let counts = state.header[0] != 0 || world.has(Fault::ZeroIsTold);
            let from_bucket = world.has(Fault::VersionFromBucket);
            next.readers[at].answer.counter =
                if from_bucket { shared.buckets[bucket] } else { state.header[0] };
            if !counts {
                // It goes by its own commits instead.
                next.readers[at].answer = Answer::default();
                own(&mut next, ReaderStep::Idle);
            } else if world.has(Fault::VersionAfterSnapshot) {
                next.readers[at].answer.is_whole = true;
                own(&mut next, ReaderStep::Idle);
            } else {
                own(&mut next, ReaderStep::Snapshot);
            }
        }
        ReaderStep::Snapshot => {
            if state.torn.is_torn && state.lock == Lock::Free {
                recover(&mut next);
            } else if is_torn(state) {
                return Ok(()); // SQLite waits
            }
            next.readers[at].answer.snapshot = next.visible;
            next.readers[at].answer.mark = next.mark;
            if world.has(Fault::VersionAfterSnapshot) {
                next.readers[at].answer.is_whole = false;
                own(&mut next, ReaderStep::ReadEpoch);
            } else {
                next.readers[at].answer.is_whole = true;
                own(&mut next, ReaderStep::Idle);
            }
        }
        ReaderStep::Check(done) => return check(world, state, at, done, found),
        ReaderStep::Refused => {
            let tries = shared.buckets[bucket] > state.header[0]
                && state.lock == Lock::Free
                && !world.has(Fault::NotesStay);
            if tries {
                next.lock = Lock::Reader(index);
                own(&mut next, ReaderStep::TakeBack);
            } else {
                own(&mut next, ReaderStep::Idle);
            }
        }
        ReaderStep::TakeBack => {
            let bucket = &mut next.files[usize::from(reader.file)].buckets[bucket];
            *bucket = (*bucket).min(state.header[0]);
            own(&mut next, ReaderStep::UnlockAfterCheck);
        }
        ReaderStep::UnlockAfterCheck => {
            next.lock = Lock::Free;
            own(&mut next, ReaderStep::Idle);
        }
    }
    found.push(next);
    Ok(())
}

fn begin_version(world: &World<'_>) -> ReaderStep {
    if world.has(Fault::VersionAfterSnapshot) { ReaderStep::Snapshot } else { ReaderStep::ReadEpoch }
}

fn check(
    world: &World<'_>,
    state: &State,
    at: usize,
    done: u8,
    found: &mut Vec<State>,
) -> Result<(), Broken> {
    let loads = loads(world);
    let mut next = *state;
    let reader = &mut next.readers[at];
    let shared = &state.files[usize::from(reader.file)];
    let answer = reader.answer;
    let holds = match loads[usize::from(done)] {
        Load::Bucket => shared.buckets[world.scenario.bucket(reader.session)] <= answer.counter,
        Load::Clock => {
            reader.clock = shared.clock;
            true
        }
        Load::Header(word) => {
            reader.header[word] = state.header[word];
            true
        }
        Load::Told(word) => {
            let (mixed, told) = shared.told[word];
            let is_bound = mixed == answer.epoch || world.splits_epoch();
            world.has(Fault::CheckIgnoresHeader) || told == reader.header[word] && is_bound
        }
        Load::Epoch => shared.epoch == answer.epoch,
    } && answer.epoch != 0;
    let is_last = usize::from(done) + 1 == loads.len();
    if holds && is_last {
        if answer.snapshot < reader.required {
            return Err(Broken::Stale);
        }
        if reader.clock.max(answer.mark) < reader.required_mark {
            return Err(Broken::StaleClock);
        }
    }
    let step = match (holds, is_last) {
        (true, false) => ReaderStep::Check(done + 1),
        (true, true) => ReaderStep::Idle,
        (false, _) => ReaderStep::Refused,
    };
    *reader = Reader { step, ..*reader };
    if !matches!(step, ReaderStep::Check(_)) {
        (reader.required, reader.required_mark, reader.header, reader.clock) = (0, 0, [0; 2], 0);
    }
    found.push(next);
    Ok(())
}
