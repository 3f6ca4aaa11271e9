//! Signing in, refreshing, updating: what hands out tokens.

use engine::{ClientInfo, CreateSession, Error, Identity, IdentityPatch, RefreshRequest, SessionId};

use super::{hj_tenant, tenant};
use crate::abi::{Options, Slot, hj_str};
use crate::error::hj_error;
use crate::grant::hj_grant;
use crate::guard::guard;
use crate::status::hj_status;

/// What a call says about a second factor: one of HJ_MFA_….
pub type hj_mfa = i32;

/// Nothing: not passed at a sign-in, unchanged in an update.
pub const HJ_MFA_UNSAID: hj_mfa = 0;
/// A second factor was passed.
pub const HJ_MFA_VERIFIED: hj_mfa = 1;
/// No second factor was passed, or it is taken back.
pub const HJ_MFA_NOT_VERIFIED: hj_mfa = 2;

fn mfa_verified(said: hj_mfa) -> Result<Option<bool>, Error> {
    match said {
        HJ_MFA_UNSAID => Ok(None),
        HJ_MFA_VERIFIED => Ok(Some(true)),
        HJ_MFA_NOT_VERIFIED => Ok(Some(false)),
        _ => Err(Error::validation("mfa_verified", "must be one of HJ_MFA_…")),
    }
}

/// What is known about a sign-in besides the user; everything is optional. See "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_create_options {
    /// sizeof(hj_create_options).
    pub struct_size: usize,
    /// The User-Agent header; more than 1024 bytes are cut.
    pub user_agent: hj_str,
    /// The IPv4 or IPv6 address.
    pub ip_address: hj_str,
    /// The country as two letters (ISO 3166-1 alpha-2).
    pub country: hj_str,
    /// "desktop", "mobile", "tablet", "bot" or "unknown"; by default derived from the user agent.
    pub device_type: hj_str,
    /// The host's own fingerprint of the device, at most 255 bytes.
    pub device_fingerprint: hj_str,
    /// How long this session lasts ("24h", "30d"), instead of the tenant's session_duration.
    pub duration: hj_str,
    /// The organisation that is active, at most 255 bytes.
    pub org_id: hj_str,
    /// The user's role, at most 255 bytes.
    pub role: hj_str,
    /// The user's e-mail address, at most 320 bytes.
    pub email: hj_str,
    /// The host's own claims: a JSON object of at most 4096 bytes, put at the top level of every access token.
    pub claims_json: hj_str,
    /// Whether a second factor was passed.
    pub mfa_verified: hj_mfa,
}

// SAFETY: repr(C), starts with its size; zero is "not given" and HJ_MFA_UNSAID.
unsafe impl Options for hj_create_options {
    const NAME: &'static str = "options";
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Signs a user in on a device: a new session with its first tokens. The host has checked the credentials. In the same
/// transaction the user's oldest sessions above max_sessions_per_user are revoked; the new one never is.
///
/// `user_id` is 1 to 255 bytes; `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR naming the field: nothing is
/// created then.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_create(
    tenant: *const hj_tenant,
    user_id: hj_str,
    options: *const hj_create_options,
    grant: *mut *mut hj_grant,
    error: *mut *mut hj_error,
) -> hj_status {
    // SAFETY: the caller promises NULL or writable outputs ("Outputs").
    let (grant, error) = unsafe { (Slot::clear(grant), Slot::clear(error)) };
    guard(error, || {
        let grant = grant.required("grant")?;
        // SAFETY: the caller promises NULL or a live tenant ("Objects").
        let tenant = unsafe { self::tenant(tenant) }?;
        // SAFETY: the caller promises NULL or a struct of `struct_size` bytes ("Option structs").
        let options = unsafe { Options::read(options) }?;
        // SAFETY: the caller promises readable texts ("Strings").
        let request = unsafe { sign_in(user_id, options) }?;
        grant.give(hj_grant::new(&tenant.create(request)?));
        Ok(())
    })
}

/// The sign-in of this user with these options.
///
/// # Safety
/// All texts are readable ("Strings").
pub(crate) unsafe fn sign_in(user_id: hj_str, options: hj_create_options) -> Result<CreateSession, Error> {
    // SAFETY: readable texts, as the caller of this function promises.
    unsafe {
        Ok(CreateSession {
            user_id: user_id.required("user_id")?,
            client: ClientInfo {
                user_agent: options.user_agent.parse("user_agent")?,
                ip_address: options.ip_address.parse("ip_address")?,
                country: options.country.parse("country")?,
                device_type: options.device_type.parse("device_type")?,
                device_fingerprint: options.device_fingerprint.parse("device_fingerprint")?,
            },
            identity: Identity {
                org_id: options.org_id.parse("org_id")?,
                role: options.role.parse("role")?,
                mfa_verified: mfa_verified(options.mfa_verified)?.unwrap_or_default(),
                email: options.email.parse("email")?,
                claims: options.claims_json.parse("claims")?.unwrap_or_default(),
            },
            duration: options.duration.parse("duration")?,
        })
    }
}

/// Where a refresh comes from; everything is optional. See "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_refresh_options {
    /// sizeof(hj_refresh_options).
    pub struct_size: usize,
    /// The address that it came from, recorded as last seen.
    pub ip_address: hj_str,
    /// The User-Agent header that it came with, recorded as last seen.
    pub user_agent: hj_str,
}

// SAFETY: repr(C), starts with its size; zero is "not given".
unsafe impl Options for hj_refresh_options {
    const NAME: &'static str = "options";
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Exchanges the session's live refresh token for its successor and a fresh access token, and moves last_active_at. For
/// refresh_reuse_window the former token answers with the same successor, so that parallel tabs and lost answers
/// converge; later it ends the session.
///
/// `options` may be NULL. Fails with HJ_ERR_MISSING_TOKEN, HJ_ERR_REFRESH_TOKEN_INVALID (no effect at all),
/// HJ_ERR_SESSION_EXPIRED, HJ_ERR_SESSION_REVOKED, HJ_ERR_REFRESH_TOKEN_REUSED (the session has been ended),
/// HJ_ERR_REFRESH_TOKEN_AHEAD.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_refresh(
    tenant: *const hj_tenant,
    refresh_token: hj_str,
    options: *const hj_refresh_options,
    grant: *mut *mut hj_grant,
    error: *mut *mut hj_error,
) -> hj_status {
    // SAFETY: the caller promises NULL or writable outputs ("Outputs").
    let (grant, error) = unsafe { (Slot::clear(grant), Slot::clear(error)) };
    guard(error, || {
        let grant = grant.required("grant")?;
        // SAFETY: the caller promises NULL or a live tenant ("Objects").
        let tenant = unsafe { self::tenant(tenant) }?;
        // SAFETY: the caller promises NULL or a struct of `struct_size` bytes ("Option structs").
        let options: hj_refresh_options = unsafe { Options::read(options) }?;
        // SAFETY: the caller promises readable texts ("Strings").
        let (token, request) = unsafe {
            let request = RefreshRequest {
                ip_address: options.ip_address.parse("ip_address")?,
                user_agent: options.user_agent.parse("user_agent")?,
            };
            (refresh_token.token("refresh_token")?, request)
        };
        grant.give(hj_grant::new(&tenant.refresh(token, request)?));
        Ok(())
    })
}

/// For `clear` of hj_update_options: leave the organisation.
pub const HJ_CLEAR_ORG_ID: u32 = 1;
/// For `clear` of hj_update_options: clear the role.
pub const HJ_CLEAR_ROLE: u32 = 2;
/// For `clear` of hj_update_options: clear the host's own claims.
pub const HJ_CLEAR_CLAIMS: u32 = 4;

/// What to change of a session; what is not given stays as it is. See "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_update_options {
    /// sizeof(hj_update_options).
    pub struct_size: usize,
    /// Another organisation.
    pub org_id: hj_str,
    /// Another role.
    pub role: hj_str,
    /// Other claims of the host, as a whole.
    pub claims_json: hj_str,
    /// Whether a second factor was passed.
    pub mfa_verified: hj_mfa,
    /// What to clear: a sum of HJ_CLEAR_…. A field cannot be given and cleared at once.
    pub clear: u32,
}

// SAFETY: repr(C), starts with its size; zero is "not given", HJ_MFA_UNSAID and "clear nothing".
unsafe impl Options for hj_update_options {
    const NAME: &'static str = "options";
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// A field of an update: unchanged, cleared or given.
fn change<T>(given: Option<T>, cleared: bool, field: &str) -> Result<Option<Option<T>>, Error> {
    match (given, cleared) {
        (Some(_), true) => Err(Error::validation(field, "cannot be given and cleared at once")),
        (Some(value), false) => Ok(Some(Some(value))),
        (None, true) => Ok(Some(None)),
        (None, false) => Ok(None),
    }
}

/// # Safety
/// All texts are readable ("Strings").
unsafe fn patch(options: hj_update_options) -> Result<IdentityPatch, Error> {
    if options.clear & !(HJ_CLEAR_ORG_ID | HJ_CLEAR_ROLE | HJ_CLEAR_CLAIMS) != 0 {
        return Err(Error::validation("clear", "must be a sum of HJ_CLEAR_…"));
    }
    let cleared = |bit| options.clear & bit != 0;
    // SAFETY: readable texts, as the caller of this function promises.
    unsafe {
        Ok(IdentityPatch {
            org_id: change(options.org_id.parse("org_id")?, cleared(HJ_CLEAR_ORG_ID), "org_id")?,
            role: change(options.role.parse("role")?, cleared(HJ_CLEAR_ROLE), "role")?,
            mfa_verified: mfa_verified(options.mfa_verified)?,
            claims: change(options.claims_json.parse("claims")?, cleared(HJ_CLEAR_CLAIMS), "claims")?
                .map(Option::unwrap_or_default),
        })
    }
}

/// Changes what the access tokens of a live session carry (step-up, organisation switch, role, own claims) and issues one
/// that says so at once. Access tokens issued before stay good until they expire; the refresh token stays as it is.
///
/// `options` may be NULL (only the fresh access token is wanted), and so may `grant`. Fails with
/// HJ_ERR_SESSION_NOT_FOUND, HJ_ERR_SESSION_REVOKED, HJ_ERR_SESSION_EXPIRED, HJ_ERR_VALIDATION_ERROR: nothing is changed
/// then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_update(
    tenant: *const hj_tenant,
    session_id: hj_str,
    options: *const hj_update_options,
    grant: *mut *mut hj_grant,
    error: *mut *mut hj_error,
) -> hj_status {
    // SAFETY: the caller promises NULL or writable outputs ("Outputs").
    let (grant, error) = unsafe { (Slot::clear(grant), Slot::clear(error)) };
    guard(error, || {
        // SAFETY: the caller promises NULL or a live tenant ("Objects").
        let tenant = unsafe { self::tenant(tenant) }?;
        // SAFETY: the caller promises NULL or a struct of `struct_size` bytes ("Option structs").
        let options = unsafe { Options::read(options) }?;
        // SAFETY: the caller promises readable texts ("Strings").
        let (id, patch): (SessionId, _) = unsafe { (session_id.required("session_id")?, patch(options)?) };
        let updated = tenant.update(id, patch)?;
        if grant.is_wanted() {
            grant.give(hj_grant::of_update(&updated));
        }
        Ok(())
    })
}
