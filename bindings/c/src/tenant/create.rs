//! Signing a user in.

use hellojohn_core::{ClientInfo, CreateSession, Error, Identity};

use super::hj_tenant;
use super::mfa::{self, hj_mfa};
use crate::abi::{OptionStruct, hj_str};
use crate::error::hj_error;
use crate::grant::hj_grant;
use crate::guard::call;
use crate::status::hj_status;

/// What the host knows about a sign-in besides the user; everything is optional. See "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_create_options {
    /// sizeof(hj_create_options).
    pub struct_size: usize,
    /// The User-Agent header; cut after 1024 bytes.
    pub user_agent: hj_str,
    /// The IPv4 or IPv6 address.
    pub ip_address: hj_str,
    /// The country as two letters (ISO 3166-1 alpha-2).
    pub country: hj_str,
    /// "desktop", "mobile", "tablet", "bot" or "unknown"; by default the engine derives it from the user agent.
    pub device_type: hj_str,
    /// The host's own fingerprint of the device, at most 255 bytes.
    pub device_fingerprint: hj_str,
    /// How long this session lasts ("24h", "30d"), instead of the tenant's session_duration.
    pub duration: hj_str,
    /// The active organisation, at most 255 bytes.
    pub org_id: hj_str,
    /// The user's role, at most 255 bytes.
    pub role: hj_str,
    /// The user's e-mail address, at most 320 bytes.
    pub email: hj_str,
    /// The host's own claims: a JSON object of at most 4096 bytes, which every access token carries at its top level.
    pub claims_json: hj_str,
    /// Whether a second factor was passed.
    pub mfa_verified: hj_mfa,
}

// SAFETY: repr(C), starts with its size; zero is "not given" and HJ_MFA_UNSAID.
unsafe impl OptionStruct for hj_create_options {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Signs a user in on a device: creates a session with its first tokens. The host has checked the credentials before.
/// The same transaction revokes the user's oldest sessions above max_sessions_per_user, but never the new one.
///
/// `user_id` is 1 to 255 bytes; `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR naming the field, and
/// creates nothing then.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_create(
    tenant: *const hj_tenant,
    user_id: hj_str,
    options: *const hj_create_options,
    grant: *mut *mut hj_grant,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([grant], error, || {
        let grant = grant.require("grant")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let (tenant, request) =
            unsafe { (hj_tenant::require(tenant)?, read_request(user_id, OptionStruct::read(options)?)?) };
        grant.give(hj_grant::new(&tenant.create(request)?));
        Ok(())
    })
}

/// The sign-in of this user with these options.
///
/// # Safety
/// Section "Strings" of the contract holds for all texts.
pub(crate) unsafe fn read_request(
    user_id: hj_str,
    options: hj_create_options,
) -> Result<CreateSession, Error> {
    // SAFETY: the caller keeps "Strings".
    unsafe {
        Ok(CreateSession {
            user_id: user_id.require("user_id")?,
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
                mfa_verified: mfa::read(options.mfa_verified)?.unwrap_or_default(),
                email: options.email.parse("email")?,
                claims: options.claims_json.parse("claims")?.unwrap_or_default(),
            },
            duration: options.duration.parse("duration")?,
        })
    }
}
