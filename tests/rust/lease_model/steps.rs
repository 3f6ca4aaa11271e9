//! Every step that may come next.

use crate::model::{Answer, Broken, Call, Fault, Mode, Opening, Scenario, State, Trip};

/// A state that may come next, or an acceptance, which changes nothing.
pub(crate) enum Next {
    State(State),
    Accepted(Result<(), Broken>),
}

pub(crate) fn next(state: &State, scenario: &Scenario, fault: Option<Fault>) -> Vec<Next> {
    let mut steps = Steps { state, scenario, fault, found: Vec::new() };
    if state.now < scenario.until {
        steps.tick();
    }
    steps.lower();
    steps.fail_over();
    for index in 0..2 {
        steps.sleep(index);
        if !state.processes[index].sleeps {
            steps.open(index);
            if state.processes[index].opening == Opening::Open {
                steps.verify(index);
                steps.accept(index);
                steps.end(index);
            }
        }
    }
    steps.found
}

pub(crate) struct Steps<'a> {
    pub(crate) state: &'a State,
    pub(crate) scenario: &'a Scenario,
    fault: Option<Fault>,
    found: Vec<Next>,
}

impl Steps<'_> {
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    pub(crate) fn step(&mut self, change: impl FnOnce(&mut State)) {
        let mut next = *self.state;
        change(&mut next);
        if !self.scenario.fails_over {
            next.standby = next.terms;
        }
        self.found.push(Next::State(next));
    }

    fn tick(&mut self) {
        self.step(|next| {
            next.now += 1;
            for process in &mut next.processes {
                process.slept += u8::from(process.sleeps);
            }
        });
    }

    fn sleep(&mut self, index: usize) {
        let process = self.state.processes[index];
        if index == 1 && self.scenario.sleeps && (process.sleeps || process.slept == 0) {
            self.step(|next| next.processes[index].sleeps = !process.sleeps);
        }
    }

    /// The clock of the process's leases.
    fn clock(&self, index: usize) -> u8 {
        let slept = self.state.processes[index].slept;
        self.state.now - if self.has(Fault::ClockStopsInSleep) { slept } else { 0 }
    }

    /// The clock that measures waiting; it stands still in sleep.
    fn waiting_clock(&self, index: usize) -> u8 {
        self.state.now - self.state.processes[index].slept
    }

    fn verify(&mut self, index: usize) {
        let process = self.state.processes[index];
        let (length, is_bounded) = match self.scenario.modes[index] {
            Mode::Store => return,
            Mode::Lease(length) => (length, !self.has(Fault::LeaseIgnoresDatabase)),
            Mode::Stale(length) => (length, false),
        };
        let clock = self.clock(index);
        match process.trip {
            Trip::None => {
                let answer = Answer { start: clock, own: process.own, ..Answer::default() };
                self.step(|next| next.processes[index].trip = Trip::Sent(answer));
            }
            Trip::Sent(answer) => {
                if self.state.ended_at.is_some() || self.state.now >= self.scenario.expires_at {
                    return self.step(|next| next.processes[index].trip = Trip::None);
                }
                let length = if is_bounded { length.min(self.state.terms.lease) } else { length };
                let answer = Answer { length, told: self.state.now, told_since: answer.start, ..answer };
                self.step(|next| next.processes[index].trip = Trip::Answered(answer));
            }
            Trip::Answered(mut answer) => {
                if self.has(Fault::InstantAfterTrip) {
                    answer.start = clock;
                }
                if self.has(Fault::ClockFromAnswer) {
                    answer.told_since = clock;
                }
                self.step(|next| {
                    next.processes[index].remembered = Some(answer);
                    next.processes[index].trip = Trip::None;
                });
            }
        }
    }

    fn accept(&mut self, index: usize) {
        let process = self.state.processes[index];
        let Some(answer) = process.remembered else { return };
        let passed = self.clock(index) - answer.start;
        let runs = passed < answer.length || (self.has(Fault::LengthIncluded) && passed == answer.length);
        let is_own = answer.own == process.own || self.has(Fault::OwnEndForgetsNothing);
        let since_told = self.clock(index) - answer.told_since;
        let latest = answer.told + if self.has(Fault::ClockStandsStill) { 0 } else { since_told };
        if !runs || !is_own || latest >= self.scenario.expires_at {
            return;
        }
        let has_returned = |other: usize| self.state.processes[other].call == Call::Returned;
        let outcome = match self.scenario.modes[index] {
            _ if self.state.now >= self.scenario.expires_at => Err(Broken::AcceptedAfterExpiry),
            Mode::Stale(_) if has_returned(index) => Err(Broken::AcceptedAfterEnd),
            Mode::Stale(length) if self.state.ended_at.is_some_and(|at| self.state.now >= at + length) => {
                Err(Broken::StaleForTooLong)
            }
            Mode::Lease(_) if has_returned(0) || has_returned(1) => Err(Broken::AcceptedAfterEnd),
            _ => Ok(()),
        };
        self.found.push(Next::Accepted(outcome));
    }

    fn end(&mut self, index: usize) {
        let process = self.state.processes[index];
        let clock = self.waiting_clock(index);
        match process.call {
            Call::None if self.scenario.ends[index] && !self.state.turn_is_taken => {
                let wait = match self.fault {
                    Some(Fault::WaitReadAtOpening) => process.wait_at_opening,
                    _ => self.state.terms.wait,
                };
                let found = self.state.ended_at.is_some();
                self.step(|next| {
                    next.turn_is_taken = true;
                    next.processes[index].call = Call::HasTurn { wait, began: clock, found };
                });
            }
            Call::HasTurn { wait, found: true, .. } => {
                let wait = if self.has(Fault::FoundEndedDoesNotWait) { 0 } else { wait };
                let own = u8::from(!self.has(Fault::FoundEndForgetsNothing));
                self.step(|next| {
                    next.turn_is_taken = false;
                    next.processes[index].own += own;
                    next.processes[index].call = Call::Waits { wait, since: clock };
                });
            }
            Call::HasTurn { wait, began, found: false } => {
                let early = u8::from(self.has(Fault::OwnEndForgetsEarly));
                self.step(|next| {
                    next.processes[index].own += early;
                    next.processes[index].call = Call::Sent { wait, began };
                });
            }
            Call::Sent { wait, began } => {
                self.commit(index, Call::Committed { wait, began });
                self.step(|next| {
                    next.processes[index].call = Call::Lost { wait, at: clock, is_committed: false };
                });
            }
            Call::Committed { wait, began } => {
                let since = if self.has(Fault::WaitFromBegin) { began } else { clock };
                let wait = if self.has(Fault::EndDoesNotWait) { 0 } else { wait };
                self.step(|next| {
                    next.processes[index].call = Call::Lost { wait, at: clock, is_committed: true }
                });
                self.know(index, Call::Waits { wait, since });
            }
            Call::Lost { wait, at, is_committed: false } => {
                self.commit(index, Call::Lost { wait, at, is_committed: true });
            }
            Call::Lost { wait, at, is_committed: true } => {
                let since = if self.has(Fault::WaitFromLoss) { at } else { clock };
                self.know(index, Call::Waits { wait, since });
            }
            Call::Waits { wait, since } if clock - since >= wait => {
                self.step(|next| next.processes[index].call = Call::Returned);
            }
            _ => {}
        }
    }

    /// The server commits.
    fn commit(&mut self, index: usize, call: Call) {
        self.step(|next| {
            next.turn_is_taken = false;
            next.standby = next.terms; // or the call would be made again
            next.ended_at = Some(next.now);
            next.processes[index].call = call;
        });
    }

    /// The process knows of its commit.
    fn know(&mut self, index: usize, call: Call) {
        let late = u8::from(!self.has(Fault::OwnEndForgetsEarly));
        self.step(|next| {
            next.processes[index].own += late;
            next.processes[index].call = call;
        });
    }
}
