//! What a verification hands out.

use hellojohn_core::{Error, VerifiedAccess, VerifyError};

use crate::abi::Output;
use crate::claims::hj_claims;
use crate::session::hj_session;

/// Hands out the session as it is now, and what the token says.
pub(crate) fn give_verified(
    verified: &VerifiedAccess,
    session: Output<*mut hj_session>,
    claims: Output<*mut hj_claims>,
) {
    if claims.is_wanted() {
        let mut said = hj_claims::new(&verified.claims);
        said.outdated = verified.outdated;
        claims.give(said);
    }
    if session.is_wanted() {
        session.give(hj_session::new(&verified.session));
    }
}

/// Hands out the ended session of a failed verification; what remains is the error.
pub(crate) fn give_ended(failed: VerifyError, session: Output<*mut hj_session>) -> Error {
    if let (Some(ended), true) = (&failed.session, session.is_wanted()) {
        session.give(hj_session::new(ended));
    }
    failed.error
}
