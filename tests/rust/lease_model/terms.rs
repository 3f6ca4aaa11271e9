//! The steps by which longer and shorter leases are agreed on, and a standby that takes over.

use crate::model::{Fault, Lowering, Mode, Opening, State, Terms};
use crate::steps::Steps;

/// The lease that the process asks for that plays no other part.
const LONGER: u8 = 2;

impl Steps<'_> {
    /// Opening asks for the process's lease.
    pub(crate) fn open(&mut self, index: usize) {
        let wanted = match self.scenario.modes[index] {
            Mode::Lease(length) => length,
            _ => 0,
        };
        self.raise(wanted, self.state.processes[index].opening, move |next, opening| {
            next.processes[index].opening = opening;
            next.processes[index].wait_at_opening = next.terms.wait;
        });
    }

    /// In the turn of the writers, has calls wait; then, when that is known to be durable, allows the lease.
    fn raise(&mut self, wanted: u8, opening: Opening, set: impl Fn(&mut State, Opening)) {
        let allow = |terms: &mut Terms| terms.lease = terms.lease.max(wanted);
        let has_wait = |terms: &mut Terms| {
            terms.wait = terms.wait.max(wanted);
            terms.change += 1;
        };
        let (terms, is_free) = (self.state.terms, !self.state.turn_is_taken);
        match opening {
            Opening::Closed if terms.lease >= wanted => self.step(|next| set(next, Opening::Open)),
            Opening::Closed if self.has(Fault::RaiseNotOrdered) => self.step(|next| {
                has_wait(&mut next.terms);
                allow(&mut next.terms);
                set(next, Opening::Open);
            }),
            Opening::Closed if is_free => self.step(|next| {
                next.turn_is_taken = true;
                set(next, Opening::HasTurn);
            }),
            Opening::HasTurn => {
                let at_once = self.has(Fault::RaisedAtOnce);
                self.step(|next| {
                    next.turn_is_taken = false;
                    has_wait(&mut next.terms);
                    if at_once {
                        allow(&mut next.terms);
                    }
                    set(next, Opening::Raised(next.terms.change));
                });
            }
            // A failover may have taken it back.
            Opening::Raised(change) if self.state.standby.change >= change || self.state.has_failed_over => {
                let is_unchanged = terms.change == change || self.has(Fault::RaiseIgnoresLower);
                if is_unchanged && is_free {
                    self.step(|next| {
                        allow(&mut next.terms);
                        set(next, Opening::Open);
                    });
                } else if !is_unchanged {
                    self.step(|next| set(next, Opening::Closed));
                }
            }
            _ => {}
        }
    }

    /// The standby gets what it does not have yet, or takes over without that.
    pub(crate) fn fail_over(&mut self) {
        if !self.scenario.fails_over {
            return;
        }
        let state = *self.state;
        if state.standby != state.terms {
            self.step(|next| next.standby = next.terms);
        }
        self.raise(LONGER, state.other, |next, opening| next.other = opening);
        if !state.has_failed_over && !state.turn_is_taken {
            self.step(|next| {
                next.terms = next.standby;
                next.has_failed_over = true;
            });
        }
    }

    /// An operator shortens the leases, on a machine that does not sleep.
    pub(crate) fn lower(&mut self) {
        let Some(target) = self.scenario.lowers_to else { return };
        if self.state.turn_is_taken {
            return;
        }
        let now = self.state.now;
        match self.state.lowering {
            Lowering::None => {
                let at_once = self.has(Fault::LowerDoesNotWait);
                self.step(|next| {
                    let terms = &mut next.terms;
                    terms.lease = terms.lease.min(target);
                    terms.change += 1;
                    next.lowering = Lowering::Waits { wait: terms.wait, since: now, change: terms.change };
                    if at_once {
                        terms.wait = terms.lease;
                    }
                });
            }
            Lowering::Waits { wait, since, change } if now - since >= wait => {
                let ignores = self.has(Fault::LowerIgnoresRaise);
                self.step(|next| {
                    let terms = &mut next.terms;
                    if ignores {
                        terms.wait = target;
                    } else if terms.change == change {
                        terms.wait = terms.lease;
                    }
                    next.lowering = Lowering::Done;
                });
            }
            _ => {}
        }
    }
}
