//! Whether calls that overlapped can have happened one after the other (Wing and Gong 1993; states that were seen before are
//! not searched again, as Lowe 2017 has it).

use std::collections::HashSet;

use crate::history::Recorded;
use crate::model::{Rules, UserModel};

/// As many calls of one user as fit into a mask.
pub const CALLS_MAX: usize = 64;

/// The calls of a user. Those that had not returned when the history was cut may have happened or not.
pub struct UserHistory {
    pub calls: Vec<Recorded>,
    pub is_open: Vec<bool>,
}

impl UserHistory {
    pub fn new(calls: Vec<Recorded>) -> Self {
        assert!(calls.len() <= CALLS_MAX, "{} calls of a user", calls.len());
        let is_open = vec![false; calls.len()];
        UserHistory { calls, is_open }
    }

    /// Whether some order of the calls, in which each lies between its invocation and its return, has these answers.
    pub fn is_linearizable(&self, rules: Rules) -> bool {
        let complete =
            (0..self.calls.len()).filter(|at| !self.is_open[*at]).fold(0_u64, |mask, at| mask | 1 << at);
        let mut seen = HashSet::new();
        let mut stack = vec![(0_u64, UserModel::default())];
        while let Some((done, model)) = stack.pop() {
            if done & complete == complete {
                return true;
            }
            if !seen.insert((done, model.clone())) {
                continue;
            }
            let left = |at: &usize| done & 1 << *at == 0;
            // What returned before a call began comes before it.
            let horizon = (0..self.calls.len())
                .filter(left)
                .filter(|at| !self.is_open[*at])
                .map(|at| self.calls[at].returned)
                .min()
                .unwrap_or(u64::MAX);
            for at in (0..self.calls.len()).filter(left) {
                let one = &self.calls[at];
                if one.invoked <= horizon
                    && let Some(next) = model.after(rules, &one.call, &one.answer)
                {
                    stack.push((done | 1 << at, next));
                }
            }
        }
        false
    }

    /// The history up to this moment.
    fn until(&self, moment: u64) -> Self {
        let calls: Vec<Recorded> = self.calls.iter().filter(|one| one.invoked <= moment).cloned().collect();
        let is_open = calls.iter().map(|one| one.returned > moment).collect();
        UserHistory { calls, is_open }
    }

    fn without(&self, position: usize) -> Self {
        let mut rest = UserHistory { calls: self.calls.clone(), is_open: self.is_open.clone() };
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
            format!("{}{}", one.line(start), if *is_open { " (had not returned)" } else { "" })
        };
        self.calls.iter().zip(&self.is_open).map(line).collect::<Vec<_>>().join("\n")
    }
}
