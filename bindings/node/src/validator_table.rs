//! The cache validators of the answers that JavaScript caches. JavaScript knows each by its number.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hellojohn::{CacheValidator, Error, Tenant};

/// How many answers about tokens, about sessions and about requests, each, one JavaScript object caches.
pub(crate) const ANSWER_CACHE_MAX: u32 = 4096;

/// One validator for each answer that JavaScript can hold.
const CAPACITY: i64 = 3 * ANSWER_CACHE_MAX as i64;

/// The validators of the last answers, oldest replaced first.
#[derive(Default)]
pub(crate) struct ValidatorTable(Mutex<State>);

#[derive(Default)]
struct State {
    /// JavaScript's numbers are exact up to 2^53, which no process reaches.
    next_number: i64,
    rows: Vec<(i64, CacheValidator)>,
}

impl ValidatorTable {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a validator in place of the oldest and returns its number.
    pub(crate) fn keep(&self, validator: CacheValidator) -> i64 {
        let mut state = self.state();
        let number = state.next_number;
        state.next_number += 1;
        match state.rows.get_mut((number % CAPACITY) as usize) {
            Some(oldest) => *oldest = (number, validator),
            None => state.rows.push((number, validator)),
        }
        number
    }

    /// Whether the validator with this number is still here and says that its answer is fresh. `or_leased`: also one that goes by a time
    /// for which a verification may be remembered.
    pub(crate) fn is_fresh(&self, number: i64, or_leased: bool, tenant: &Tenant) -> Result<bool, Error> {
        let state = self.state();
        let row = usize::try_from(number % CAPACITY).ok().and_then(|index| state.rows.get(index));
        match row {
            Some((kept, validator)) if *kept == number && (or_leased || !validator.is_leased()) => {
                tenant.is_fresh(validator)
            }
            _ => Ok(false),
        }
    }
}
