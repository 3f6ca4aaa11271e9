//! Written by `make generate` from core's schema; do not edit.

use hellojohn_core::{ClientHints, ClientInfo, CreateSession, Error, Identity, SessionActor, SignInFactors};

use crate::abi::{OptionStruct, hj_str};
use crate::tenant::mfa::{self, HJ_MFA_UNSAID, hj_mfa};

/// What the host knows about a sign-in besides the user; everything is optional. See "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_create_options {
    /// sizeof(hj_create_options).
    pub struct_size: usize,
    /// The "User-Agent" header; at most 1024 bytes are kept.
    pub user_agent: hj_str,
    /// The IPv4 or IPv6 address that the sign-in came from.
    pub ip_address: hj_str,
    /// The country that the host derived from the address: two letters (ISO 3166-1 alpha-2).
    pub country: hj_str,
    /// The kind of device; by default derived from the user agent and the client hints. One of "desktop",
    /// "mobile", "tablet", "bot" or "unknown".
    pub device_type: hj_str,
    /// The host's own fingerprint of the device, at most 255 bytes.
    pub device_fingerprint: hj_str,
    /// How long this session lasts, such as "24h", instead of the tenant's session duration.
    pub duration: hj_str,
    /// The organisation that is active in the session, at most 255 bytes.
    pub org_id: hj_str,
    /// The user's role, at most 255 bytes.
    pub role: hj_str,
    /// The user's e-mail address, at most 320 bytes.
    pub email: hj_str,
    /// The host's own claims: a JSON object of at most 4096 bytes, put at the top level of every access
    /// token.
    pub claims_json: hj_str,
    /// Whether a second factor was passed.
    pub mfa_verified: hj_mfa,
    /// The "Sec-CH-UA-Mobile" header: "?1" or "?0".
    pub sec_ch_ua_mobile: hj_str,
    /// The "Sec-CH-UA-Platform" header, such as ""Android"", quotes included.
    pub sec_ch_ua_platform: hj_str,
    /// The "Sec-CH-UA-Form-Factors" header, such as ""Tablet"", quotes included.
    pub sec_ch_ua_form_factors: hj_str,
    /// The methods that the user has passed: names of RFC 8176 ("pwd", "otp", …) or the host's own, at most
    /// 8. Two kinds of them make the session "mfa_verified", unless that is said. As text with commas:
    /// "pwd,otp".
    pub factors: hj_str,
    /// Who acts for the user, if another person does, 1 to 255 bytes. Such a session lasts
    /// "max_actor_duration" at most, and no cap knows it.
    pub actor_user_id: hj_str,
    /// Why that person acts for the user, 1 to 255 bytes; must be given with "actor_user_id".
    pub actor_reason: hj_str,
}

// SAFETY: repr(C), starts with its size; zero is "not given" and HJ_MFA_UNSAID.
unsafe impl OptionStruct for hj_create_options {
    // The size up to the last member of the first release, with the padding at the end.
    const FIRST_SIZE: usize =
        (std::mem::offset_of!(Self, mfa_verified) + size_of::<hj_mfa>()).next_multiple_of(align_of::<Self>());
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
        Ok(CreateSession::new(user_id.require("user_id")?)
            .client(
                ClientInfo::default()
                    .user_agent(options.user_agent.parse("user_agent")?)
                    .ip_address(options.ip_address.parse("ip_address")?)
                    .country(options.country.parse("country")?)
                    .device_type(options.device_type.parse("device_type")?)
                    .device_fingerprint(options.device_fingerprint.parse("device_fingerprint")?),
            )
            .hints(
                ClientHints::default()
                    .sec_ch_ua_mobile(options.sec_ch_ua_mobile.parse("sec_ch_ua_mobile")?)
                    .sec_ch_ua_platform(options.sec_ch_ua_platform.parse("sec_ch_ua_platform")?)
                    .sec_ch_ua_form_factors(options.sec_ch_ua_form_factors.parse("sec_ch_ua_form_factors")?),
            )
            .factors(
                SignInFactors::new(options.factors.parse("factors")?.unwrap_or_default())
                    .mfa_decided(options.mfa_verified != HJ_MFA_UNSAID),
            )
            .identity(
                Identity::default()
                    .org_id(options.org_id.parse("org_id")?)
                    .role(options.role.parse("role")?)
                    .mfa_verified(mfa::read(options.mfa_verified)?.unwrap_or_default())
                    .email(options.email.parse("email")?)
                    .claims(options.claims_json.parse("claims")?.unwrap_or_default()),
            )
            .actor(read_actor(options)?)
            .duration(options.duration.parse("duration")?))
    }
}

/// # Safety
/// Section "Strings" of the contract holds for all texts.
unsafe fn read_actor(options: hj_create_options) -> Result<Option<SessionActor>, Error> {
    // SAFETY: the caller keeps "Strings".
    unsafe {
        Ok(
            match (options.actor_user_id.parse("actor_user_id")?, options.actor_reason.parse("actor_reason")?)
            {
                (None, None) => None,
                (Some(user_id), Some(reason)) => Some(SessionActor::new(user_id, reason)),
                (None, Some(_)) => {
                    return Err(Error::validation("actor_user_id", "is required with a reason"));
                }
                (Some(_), None) => {
                    return Err(Error::validation("actor_reason", "is required with an actor"));
                }
            },
        )
    }
}
