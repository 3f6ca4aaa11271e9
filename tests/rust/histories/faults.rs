//! Calls on a disk that fails: a call that a failure of the storage answered has happened wholly or not at all.

use std::fmt::Debug;

use hellojohn::{Error, Tenant};

use crate::disk::Fault;

use super::History;
use super::look::Look;
use super::model::{Mistake, Model};
use super::outcome::{AsError, Effect, is_storage_error};
use super::place::Place;

impl History {
    /// Calls a tenant. Nothing comes back if a failure of the storage answered.
    pub(super) fn ask<T: Debug, E: Debug + AsError>(
        &mut self,
        tenant_index: usize,
        call: impl FnOnce(&Tenant) -> Result<T, E>,
    ) -> Option<Result<T, E>> {
        let tenant = self.tenants[tenant_index].clone();
        self.under_faults(false, || call(&tenant))
    }

    /// [`ask`](Self::ask) for work that the engine does in steps.
    pub(super) fn ask_in_steps<T: Debug, E: Debug + AsError>(
        &mut self,
        tenant_index: usize,
        call: impl FnOnce(&Tenant) -> Result<T, E>,
    ) -> Option<Result<T, E>> {
        let tenant = self.tenants[tenant_index].clone();
        self.under_faults(true, || call(&tenant))
    }

    pub(super) fn under_faults<T: Debug, E: Debug + AsError>(
        &mut self,
        is_in_steps: bool,
        call: impl FnOnce() -> Result<T, E>,
    ) -> Option<Result<T, E>> {
        let plan = match &mut self.place {
            Place::FailingDisk(disk) => disk.begin(&mut self.dice, is_in_steps),
            _ => None,
        };
        let answer = call();
        self.record_answer(&answer);
        let Place::FailingDisk(disk) = &mut self.place else { return Some(answer) };
        let faults = disk.heal();
        if let Some(plan) = plan.filter(|_| faults > 0) {
            self.record_call(format!("  {} of {:?} at {}", faults, plan.fault, plan.at));
        }
        let refused_writes = self.model.refuses_writes;
        self.model.refuses_writes |= faults > 0 && plan.is_some_and(|plan| plan.fault == Fault::Sync);
        let Err(error) = &answer else { return Some(answer) };
        let error = error.as_error();
        if !is_storage_error(error) {
            return Some(answer);
        }
        let told = format!("  {}", error.detail());
        assert!(faults > 0 || refused_writes, "the disk is sound: {error:?}");
        let says_what_to_do = error.detail().ends_with("close the database and open it again");
        assert!(faults > 0 || says_what_to_do, "{error:?}");
        self.record_call(told);
        None
    }

    /// After a call that a failure of the storage answered: asks the store whether it happened. It did nothing else.
    pub(super) fn settle(&mut self, effect: impl Fn(&mut Model, &Look) -> bool + 'static) {
        let at = self.model.now.max(self.model.clock);
        let effect: Effect = Box::new(move |model, look| {
            let now = std::mem::replace(&mut model.now, at);
            let is_possible = effect(model, look);
            model.now = now;
            is_possible
        });
        if !self.model.refuses_writes {
            let look = self.look().expect("the disk is sound");
            self.model.see_clock();
            return self.follow(&look, &[effect]);
        }
        // It may come to light when the database is opened again, and not before.
        self.check_nothing_happened();
        if self.model.mistake != Some(Mistake::FailedSync) {
            self.maybe.push(effect);
        }
    }

    /// After a call that cannot have happened.
    pub(super) fn check_nothing_happened(&mut self) {
        match self.look() {
            Ok(look) => {
                self.model.see_clock();
                self.follow(&look, &[]);
            }
            // An end by the clock that the database cannot note is no answer.
            Err(error) => assert!(self.model.refuses_writes && is_storage_error(&error), "{error:?}"),
        }
    }

    pub(super) fn look(&mut self) -> Result<Look, Error> {
        let path = self.place.path();
        let file = path.is_file().then(|| rusqlite::Connection::open(path).expect("the file can be read"));
        Look::take(&self.tenants, file.as_ref())
    }

    /// Makes the model what the store is: what it was, or that with one of these effects.
    pub(super) fn follow(&mut self, look: &Look, effects: &[Effect]) {
        let Some(difference) = self.model.difference(look) else { return };
        let mut differences = vec![format!("nothing happened: {difference}")];
        for effect in effects {
            let mut changed = self.model.clone();
            if !effect(&mut changed, look) {
                differences.push("the call cannot have happened".to_owned());
                continue;
            }
            match changed.difference(look) {
                Some(difference) => differences.push(format!("the call happened: {difference}")),
                None => {
                    self.record_call("  it happened".to_owned());
                    self.model = changed;
                    return;
                }
            }
        }
        panic!("the store is in no state that it may be in\n{}", differences.join("\n"));
    }
}
