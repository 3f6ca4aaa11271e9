//! Verification for what needs a recent or a further factor.

use hellojohn_core::{Error, LocalVerification, RequiredAuth};
use zeroize::Zeroizing;

use super::hj_tenant;
use crate::abi::{OptionStruct, hj_str};
use crate::claims::hj_claims;
use crate::error::hj_error;
use crate::guard::call;
use crate::pending_read::{ReadAnswer, hj_pending_read};
use crate::session::hj_session;
use crate::status::hj_status;
use crate::verified::{give_ended, give_verified};

/// How a user must have authenticated; everything is optional. See "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_required_auth {
    /// sizeof(hj_required_auth).
    pub struct_size: usize,
    /// For how long a factor counts after it was passed, such as "5m"; without `factors`, any of them.
    pub max_age: hj_str,
    /// The methods that must have been passed, all of them, such as "pwd,otp".
    pub factors: hj_str,
    /// Whether a session in which another person acts for the user is refused; false by default.
    pub refuse_actor: bool,
    /// The role that the user must have; not given: any role, or none.
    pub role: hj_str,
    /// Whether a second factor must have been passed; false by default.
    pub mfa: bool,
}

// SAFETY: repr(C), starts with its size; zero is "not given".
unsafe impl OptionStruct for hj_required_auth {
    const NAME: &'static str = "required";
    const FIRST_SIZE: usize = std::mem::offset_of!(Self, role);
}

impl hj_required_auth {
    /// # Safety
    /// Sections "Option structs" and "Strings" of the contract hold for the struct and its texts.
    pub(crate) unsafe fn read(required: *const Self) -> Result<RequiredAuth, Error> {
        // SAFETY: the caller keeps "Option structs" and "Strings".
        unsafe {
            let given: Self = OptionStruct::read(required)?;
            let factors = given.factors.parse("factors")?.unwrap_or_default();
            // Through the JSON form, whose errors name the member.
            let max_age = given.max_age.read_text("max_age")?.map(|text| ("max_age".to_owned(), text.into()));
            Ok(RequiredAuth::from_json(max_age.into_iter().collect())?
                .factors(factors)
                .refuse_actor(given.refuse_actor)
                .mfa(given.mfa)
                .role(given.role.parse("role")?))
        }
    }
}

/// Verifies an access token as hj_tenant_verify_access_token does, and that its user has authenticated as required. A factor
/// that hj_tenant_update has added counts at once, also for a token that was issued before.
///
/// `required` (NULL: nothing is), `session` and `claims` may be NULL. Fails as hj_tenant_verify_access_token, and with
/// HJ_ERR_REAUTHENTICATION_REQUIRED: hj_error_max_age_s and hj_error_factors then tell what is required; with
/// HJ_ERR_INSUFFICIENT_PERMISSIONS for a person who acts for the user where that is refused, and for another role.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_require_auth(
    tenant: *const hj_tenant,
    token: hj_str,
    required: *const hj_required_auth,
    session: *mut *mut hj_session,
    claims: *mut *mut hj_claims,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([session, claims], error, || {
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let (tenant, token, required) = unsafe {
            let tenant = hj_tenant::require(tenant)?;
            (tenant, token.read_token("token")?, hj_required_auth::read(required)?)
        };
        let verified =
            tenant.require_auth(token, &required).map_err(|refused| give_ended(refused, session))?;
        give_verified(&verified, session, claims);
        Ok(())
    })
}

/// Begins a hj_tenant_require_auth.
///
/// `required` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from
/// hj_pending_read_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_require_auth(
    tenant: *const hj_tenant,
    token: hj_str,
    required: *const hj_required_auth,
    read: *mut *mut hj_pending_read,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([read], error, || {
        let read = read.require("read")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let ((tenant, threads), token, required) = unsafe {
            let tenant = hj_tenant::require_with_threads(tenant)?;
            (tenant, token.read_token("token")?, hj_required_auth::read(required)?)
        };
        let (tenant, token) = (tenant.clone(), Zeroizing::new(token.to_owned()));
        read.give(hj_pending_read::new(threads, move || {
            Ok(ReadAnswer::Access(tenant.require_auth(&token, &required)?))
        }));
        Ok(())
    })
}

/// Verifies an access token as hj_tenant_verify_locally does, without a look at its session, and that its user had
/// authenticated as required when it was issued. A token of an earlier release tells no times: it is refused where a `max_age`
/// is required.
///
/// `required` and `claims` may be NULL. Fails as hj_tenant_verify_locally, and with HJ_ERR_REAUTHENTICATION_REQUIRED
/// or HJ_ERR_INSUFFICIENT_PERMISSIONS.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_require_auth_locally(
    tenant: *const hj_tenant,
    token: hj_str,
    required: *const hj_required_auth,
    claims: *mut *mut hj_claims,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([claims], error, || {
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let (tenant, token, required) = unsafe {
            let tenant = hj_tenant::require(tenant)?;
            (tenant, token.read_token("token")?, hj_required_auth::read(required)?)
        };
        let verified = tenant.require_auth_locally(token, &LocalVerification::default(), &required)?;
        if claims.is_wanted() {
            claims.give(hj_claims::new(&verified));
        }
        Ok(())
    })
}
