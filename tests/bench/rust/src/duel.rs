//! Two sides do the same work in turns, as in `duel.mjs`.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::Fallible;

/// How long a row takes.
pub struct Pace {
    pub rounds: usize,
    pub round_time: Duration,
    pub most_calls: usize,
}

/// Microseconds per call of both sides.
#[derive(Serialize)]
pub struct Round {
    pub ours: f64,
    pub theirs: f64,
}

/// Does this many calls and proves that they did their work: how long the calls took, without the proof.
pub type Side<'a> = dyn FnMut(usize) -> Fallible<Duration> + 'a;

/// How many calls are under way at once where many are.
pub const CALLERS: usize = 64;

pub fn duel(pace: &Pace, ours: &mut Side<'_>, theirs: &mut Side<'_>) -> Fallible<Vec<Round>> {
    let our_calls = warm_up(pace, ours)?;
    let their_calls = warm_up(pace, theirs)?;
    let mut rounds = Vec::new();
    for round in 0..pace.rounds {
        let (our_time, their_time);
        if round % 2 == 0 {
            our_time = play(ours, our_calls)?;
            their_time = play(theirs, their_calls)?;
        } else {
            their_time = play(theirs, their_calls)?;
            our_time = play(ours, our_calls)?;
        }
        rounds.push(Round { ours: our_time, theirs: their_time });
    }
    Ok(rounds)
}

/// Runs the side until its caches are warm: how many calls make a round.
fn warm_up(pace: &Pace, side: &mut Side<'_>) -> Fallible<usize> {
    let fitting = |per_call: f64| {
        let calls = (pace.round_time.as_secs_f64() * 1e6 / per_call) as usize;
        calls.clamp(CALLERS, pace.most_calls) / CALLERS * CALLERS
    };
    let first = fitting(play(side, CALLERS)?);
    Ok(fitting(play(side, first)?))
}

fn play(side: &mut Side<'_>, calls: usize) -> Fallible<f64> {
    Ok(side(calls)?.as_secs_f64() * 1e6 / calls as f64)
}

/// The calls one after another.
pub fn in_turn<I, A>(inputs: &[I], mut call: impl FnMut(&I) -> Fallible<A>) -> Fallible<(Duration, Vec<A>)> {
    let mut answers = Vec::with_capacity(inputs.len());
    let start = Instant::now();
    for input in inputs {
        answers.push(call(input)?);
    }
    Ok((start.elapsed(), answers))
}

/// The calls by so many threads at once, each with its share of them.
pub fn at_once<I: Sync, A: Send>(
    inputs: &[I],
    callers: usize,
    call: impl Fn(&I) -> Fallible<A> + Sync,
) -> Fallible<(Duration, Vec<A>)> {
    let shares: Vec<&[I]> = inputs.chunks(inputs.len().div_ceil(callers)).collect();
    let ready = Barrier::new(shares.len() + 1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = shares
            .into_iter()
            .map(|share| {
                let (ready, call) = (&ready, &call);
                scope.spawn(move || {
                    ready.wait();
                    share.iter().map(call).collect::<Fallible<Vec<A>>>()
                })
            })
            .collect();
        ready.wait();
        let start = Instant::now();
        let mut answers = Vec::with_capacity(inputs.len());
        for thread in threads {
            answers.extend(thread.join().map_err(|_| "a caller panicked")??);
        }
        Ok((start.elapsed(), answers))
    })
}
