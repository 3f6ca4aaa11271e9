//! Whether a user has authenticated as a route requires (SPEC 21).

use crate::clock::Timestamp;
use crate::model::factor::{FactorMethod, Factors};
use crate::model::required_auth::RequiredAuth;

/// Whether a user with these factors may pass. Without an `auth_time` nothing is known to be recent.
pub(crate) fn is_met(
    required: &RequiredAuth,
    auth_time: Option<Timestamp>,
    factors: &Factors,
    now: Timestamp,
) -> bool {
    let is_recent = |at: Timestamp| required.max_age.is_none_or(|max_age| now <= at.after(max_age));
    let methods = required.factors.as_slice();
    if methods.is_empty() {
        return required.max_age.is_none() || auth_time.is_some_and(is_recent);
    }
    let is_passed = |method: &FactorMethod| {
        factors.as_slice().iter().any(|factor| factor.method == *method && is_recent(factor.at))
    };
    methods.iter().all(is_passed)
}
