//! Whether calls that overlapped can have happened one after the other (Wing and Gong 1993; states that were seen before are
//! not searched again, as Lowe 2017 has it).

use std::collections::{BTreeSet, HashSet};

use super::history::{Answer, Call, Recorded};
use super::model::{Rules, UserModel};

/// As many calls of one user as fit into a mask.
pub const CALLS_MAX: usize = 128;

/// How many states a search looks at before it gives up: many more than a history of a campaign has needed.
const STATES_MAX: usize = 2_000_000;

/// The calls of a user. Those whose outcome is not known, and those that had not returned when the history was cut, may have
/// happened or not, and the former also later than they returned.
pub struct UserHistory {
    /// In any order.
    pub calls: Vec<Recorded>,
    /// Whether each may have happened or not.
    pub is_open: Vec<bool>,
    /// Sessions that answers show, and that no answered sign-in has made.
    orphans: Vec<String>,
}

impl UserHistory {
    /// A whole history. Calls that did not happen, and reads without an answer, say nothing and are left out.
    pub fn new(mut calls: Vec<Recorded>) -> Self {
        calls.retain(|one| match one.answer {
            Answer::NotDone => false,
            Answer::Unknown => !one.call.only_reads(),
            _ => true,
        });
        assert!(calls.len() <= CALLS_MAX, "{} calls of a user", calls.len());
        let is_open = calls.iter().map(|one| one.answer == Answer::Unknown).collect();
        let orphans = orphans_of(&calls);
        UserHistory { calls, is_open, orphans }
    }

    /// Whether some order of the calls, in which each lies between its invocation and its return, has these answers.
    ///
    /// # Panics
    /// If the search has looked at too many states to be worth going on.
    pub fn is_linearizable(&self, rules: Rules) -> bool {
        let complete =
            (0..self.calls.len()).filter(|at| !self.is_open[*at]).fold(0_u128, |mask, at| mask | 1 << at);
        let mut seen = HashSet::new();
        let mut stack = vec![(0_u128, UserModel::default())];
        while let Some((done, model)) = stack.pop() {
            if done & complete == complete {
                return true;
            }
            if !seen.insert((done, model.clone())) {
                continue;
            }
            assert!(seen.len() < STATES_MAX, "the search gave up, under {rules:?}:\n{}", self.lines());
            let left = |at: &usize| done & 1 << *at == 0;
            // What returned before a call began comes before it.
            let horizon = (0..self.calls.len())
                .filter(left)
                .filter(|at| !self.is_open[*at])
                .map(|at| self.calls[at].returned)
                .min()
                .unwrap_or(u64::MAX);
            // The last to be pushed is tried first: calls that are known to have happened.
            let (open, known): (Vec<usize>, Vec<usize>) =
                (0..self.calls.len()).filter(left).partition(|at| self.is_open[*at]);
            for at in open.into_iter().chain(known) {
                let one = &self.calls[at];
                if one.invoked <= horizon {
                    let next = model.after(rules, &one.call, &one.answer, &self.orphans);
                    stack.extend(next.into_iter().map(|next| (done | 1 << at, next)));
                }
            }
        }
        false
    }

    /// The history up to this moment.
    fn until(&self, moment: u64) -> Self {
        let calls: Vec<Recorded> = self.calls.iter().filter(|one| one.invoked <= moment).cloned().collect();
        let is_open =
            calls.iter().map(|one| one.returned > moment || one.answer == Answer::Unknown).collect();
        UserHistory { calls, is_open, orphans: self.orphans.clone() }
    }

    fn without(&self, position: usize) -> Self {
        let mut rest = UserHistory {
            calls: self.calls.clone(),
            is_open: self.is_open.clone(),
            orphans: self.orphans.clone(),
        };
        rest.calls.remove(position);
        rest.is_open.remove(position);
        rest
    }

    /// A part of a history without an order that has none either: cut as early as possible, without the reads that it can do
    /// without.
    pub fn shrink(&self, rules: Rules) -> Self {
        let mut moments: Vec<u64> = self.calls.iter().map(|one| one.returned).collect();
        moments.sort_unstable();
        let cut =
            moments.into_iter().map(|moment| self.until(moment)).find(|cut| !cut.is_linearizable(rules));
        let mut small = cut.expect("the whole history has no order");
        let mut position = small.calls.len();
        while position > 0 {
            position -= 1;
            if small.calls[position].is_read() {
                let rest = small.without(position);
                if !rest.is_linearizable(rules) {
                    small = rest;
                }
            }
        }
        small
    }

    /// The history for a reader.
    pub fn lines(&self) -> String {
        let start = self.calls.iter().map(|one| one.invoked).min().unwrap_or(0);
        let line = |(one, is_open): (&Recorded, &bool)| {
            format!("{}{}", one.line(start), if *is_open { " (may have happened)" } else { "" })
        };
        self.calls.iter().zip(&self.is_open).map(line).collect::<Vec<_>>().join("\n")
    }
}

fn orphans_of(calls: &[Recorded]) -> Vec<String> {
    let mut orphans = BTreeSet::new();
    for one in calls {
        match &one.answer {
            Answer::Listed(ids) => orphans.extend(ids.iter().cloned()),
            Answer::ListedAll(all) => orphans.extend(all.iter().map(|(id, _)| id.clone())),
            Answer::Created { evicted, .. } => orphans.extend(evicted.iter().cloned()),
            _ => {}
        }
    }
    for one in calls {
        if let (Call::Create, Answer::Created { session, .. }) = (&one.call, &one.answer) {
            orphans.remove(session);
        }
    }
    orphans.into_iter().collect()
}
