//! Changing what the access tokens of a session carry.

use hellojohn_core::{Error, IdentityPatch, SessionId};

use super::hj_tenant;
use super::mfa::{self, hj_mfa};
use crate::abi::{OptionStruct, hj_str};
use crate::error::hj_error;
use crate::grant::hj_grant;
use crate::guard::call;
use crate::pending_write::{WriteAnswer, hj_pending_write};
use crate::status::hj_status;

/// For `clear` of hj_update_options: leave the organisation.
pub const HJ_CLEAR_ORG_ID: u32 = 1;
/// For `clear` of hj_update_options: clear the role.
pub const HJ_CLEAR_ROLE: u32 = 2;
/// For `clear` of hj_update_options: clear the host's own claims.
pub const HJ_CLEAR_CLAIMS: u32 = 4;

/// What to change in a session; a member that is not given changes nothing. See "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_update_options {
    /// sizeof(hj_update_options).
    pub struct_size: usize,
    /// Another organisation.
    pub org_id: hj_str,
    /// Another role.
    pub role: hj_str,
    /// Other claims of the host; they replace all former ones.
    pub claims_json: hj_str,
    /// Whether a second factor was passed.
    pub mfa_verified: hj_mfa,
    /// What to clear: a sum of HJ_CLEAR_…. A field cannot be given and cleared at once.
    pub clear: u32,
    /// A method that the user has just passed, such as "otp": a name of RFC 8176 or the host's own, 1 to 64 letters, digits and
    /// "_.:/-". With another kind of factor before it, mfa_verified becomes true, unless `mfa_verified` says otherwise.
    pub factor: hj_str,
}

// SAFETY: repr(C), starts with its size; zero is "not given", HJ_MFA_UNSAID and "clear nothing".
unsafe impl OptionStruct for hj_update_options {
    // The size up to the last member of the first release, with the padding at the end.
    const FIRST_SIZE: usize =
        (std::mem::offset_of!(Self, clear) + size_of::<u32>()).next_multiple_of(align_of::<Self>());
}

/// Changes what the access tokens of a live session carry (step-up, organisation switch, role, own claims) and issues a
/// new access token with the change. Access tokens issued before stay good until they expire; the refresh token stays
/// as it is.
///
/// `options` may be NULL (the call then only issues a fresh access token), and so may `grant`. Fails with
/// HJ_ERR_SESSION_NOT_FOUND, HJ_ERR_SESSION_REVOKED, HJ_ERR_SESSION_EXPIRED, HJ_ERR_VALIDATION_ERROR, and changes
/// nothing then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_update(
    tenant: *const hj_tenant,
    session_id: hj_str,
    options: *const hj_update_options,
    grant: *mut *mut hj_grant,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([grant], error, || {
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let (tenant, id, patch): (_, SessionId, _) = unsafe {
            let (tenant, options) = (hj_tenant::require(tenant)?, OptionStruct::read(options)?);
            (tenant, session_id.require("session_id")?, read_patch(options)?)
        };
        let updated = tenant.update(id, patch)?;
        if grant.is_wanted() {
            grant.give(hj_grant::from_update(&updated));
        }
        Ok(())
    })
}

/// Begins a hj_tenant_update, without waiting for the disk.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR naming the field, and with
/// HJ_ERR_SESSION_NOT_FOUND for a text that is no session id; every other error comes from hj_pending_write_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_update(
    tenant: *const hj_tenant,
    session_id: hj_str,
    options: *const hj_update_options,
    write: *mut *mut hj_pending_write,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([write], error, || {
        let write = write.require("write")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let ((tenant, threads), id, patch): (_, SessionId, _) = unsafe {
            let (tenant, options) = (hj_tenant::require_with_threads(tenant)?, OptionStruct::read(options)?);
            (tenant, session_id.require("session_id")?, read_patch(options)?)
        };
        let begun = tenant.begin_update(id, patch);
        write.give(hj_pending_write::new(threads, || {
            Ok(WriteAnswer::Grant(Box::new(hj_grant::from_update(&begun.wait()?))))
        }));
        Ok(())
    })
}

/// # Safety
/// Section "Strings" of the contract holds for all texts.
unsafe fn read_patch(options: hj_update_options) -> Result<IdentityPatch, Error> {
    if options.clear & !(HJ_CLEAR_ORG_ID | HJ_CLEAR_ROLE | HJ_CLEAR_CLAIMS) != 0 {
        return Err(Error::validation("clear", "must be a sum of HJ_CLEAR_…"));
    }
    let cleared = |bit| options.clear & bit != 0;
    // SAFETY: the caller keeps "Strings".
    unsafe {
        Ok(IdentityPatch::default()
            .org_id(read_change(options.org_id.parse("org_id")?, cleared(HJ_CLEAR_ORG_ID), "org_id")?)
            .role(read_change(options.role.parse("role")?, cleared(HJ_CLEAR_ROLE), "role")?)
            .mfa_verified(mfa::read(options.mfa_verified)?)
            .factor(options.factor.parse("factor")?)
            .claims(
                read_change(options.claims_json.parse("claims")?, cleared(HJ_CLEAR_CLAIMS), "claims")?
                    .map(Option::unwrap_or_default),
            ))
    }
}

/// A field of an update: unchanged, cleared or given.
fn read_change<T>(given: Option<T>, cleared: bool, field: &str) -> Result<Option<Option<T>>, Error> {
    match (given, cleared) {
        (Some(_), true) => Err(Error::validation(field, "cannot be given and cleared at once")),
        (Some(value), false) => Ok(Some(Some(value))),
        (None, true) => Ok(Some(None)),
        (None, false) => Ok(None),
    }
}
