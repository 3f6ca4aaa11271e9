//! `hj_mfa`: what signing in and updating say about a second factor.

use hellojohn_core::Error;

/// What a call says about a second factor: one of HJ_MFA_….
pub type hj_mfa = i32;

/// Not said: at a sign-in no second factor was passed, an update changes nothing.
pub const HJ_MFA_UNSAID: hj_mfa = 0;
/// A second factor was passed.
pub const HJ_MFA_VERIFIED: hj_mfa = 1;
/// No second factor was passed; an update takes an earlier one back.
pub const HJ_MFA_NOT_VERIFIED: hj_mfa = 2;

pub(crate) fn read(said: hj_mfa) -> Result<Option<bool>, Error> {
    match said {
        HJ_MFA_UNSAID => Ok(None),
        HJ_MFA_VERIFIED => Ok(Some(true)),
        HJ_MFA_NOT_VERIFIED => Ok(Some(false)),
        _ => Err(Error::validation("mfa_verified", "must be one of HJ_MFA_…")),
    }
}
