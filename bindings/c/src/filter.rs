//! `hj_session_filter`: which sessions a call is about.

use hellojohn_core::{Error, SessionFilter};
use serde_json::{Map, Value};

use crate::abi::{OptionStruct, hj_str};
use crate::tenant::mfa::{self, hj_mfa};

/// Which sessions a call is about: those for which every given member holds. See "Option structs".
///
/// A text that is given must have a value: an empty one is refused, as are members that no session can satisfy together.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_session_filter {
    /// sizeof(hj_session_filter).
    pub struct_size: usize,
    /// Sessions of this user.
    pub user_id: hj_str,
    /// "active", "expired", "revoked" or "all"; by default "active", or "all" if `end_reason` is given.
    pub status: hj_str,
    /// Sessions that signed in from one of these countries: "ES" or "ES,PT".
    pub country: hj_str,
    /// All but those; also sessions whose country is not known.
    pub not_country: hj_str,
    /// Sessions that signed in from this address or network: "203.0.113.9", "203.0.113.0/24", "2001:db8::/32".
    pub ip_address: hj_str,
    /// All but those; also sessions whose address is not known.
    pub not_ip_address: hj_str,
    /// Sessions on devices of this type: "desktop", "mobile", "tablet", "bot" or "unknown".
    pub device_type: hj_str,
    /// Sessions whose user agent at sign-in contains this text, whatever the case of its letters; 1 to 1024 bytes.
    pub user_agent: hj_str,
    /// Sessions in this organisation.
    pub org_id: hj_str,
    /// Sessions with this role.
    pub role: hj_str,
    /// Sessions that ended for this reason, such as "sign_out".
    pub end_reason: hj_str,
    /// Sessions that signed in after this time, not at it, in milliseconds since the epoch; NULL for any time.
    pub created_after_at_ms: *const i64,
    /// Sessions that signed in before this time, not at it; NULL for any time.
    pub created_before_at_ms: *const i64,
    /// Sessions that were last active after this time, not at it; NULL for any time.
    pub last_active_after_at_ms: *const i64,
    /// Sessions that were last active before this time, not at it; NULL for any time.
    pub last_active_before_at_ms: *const i64,
    /// Sessions with a second factor (HJ_MFA_VERIFIED) or without one (HJ_MFA_NOT_VERIFIED); HJ_MFA_UNSAID for both.
    pub mfa_verified: hj_mfa,
}

// SAFETY: repr(C), starts with its size; zero is "not given", NULL and HJ_MFA_UNSAID.
unsafe impl OptionStruct for hj_session_filter {
    const NAME: &'static str = "filter";
    const FIRST_SIZE: usize = size_of::<Self>();
}

impl hj_session_filter {
    /// The filter that the host gave; every active session for NULL. `user_id` and `status` are those that stand beside it.
    ///
    /// # Safety
    /// Sections "Option structs" and "Strings" of the contract hold for the filter and its texts; each pointer to a time is
    /// NULL or good for reading one until the call returns.
    pub(crate) unsafe fn read(
        filter: *const Self,
        user_id: hj_str,
        status: hj_str,
    ) -> Result<SessionFilter, Error> {
        // SAFETY: the caller keeps "Option structs".
        let given: Self = unsafe { OptionStruct::read(filter) }?;
        // Through the JSON form, whose errors name the member.
        let mut members = Map::new();
        let texts = [
            ("user_id", user_id),
            ("status", status),
            ("user_id", given.user_id),
            ("status", given.status),
            ("country", given.country),
            ("not_country", given.not_country),
            ("ip_address", given.ip_address),
            ("not_ip_address", given.not_ip_address),
            ("device_type", given.device_type),
            ("user_agent", given.user_agent),
            ("org_id", given.org_id),
            ("role", given.role),
            ("end_reason", given.end_reason),
        ];
        for (name, text) in texts {
            // SAFETY: the caller keeps "Strings".
            let Some(text) = unsafe { text.read_text(name) }? else { continue };
            if members.insert(name.to_owned(), text.into()).is_some() {
                return Err(Error::validation(name, "must not be given twice"));
            }
        }
        let times = [
            ("created_after", given.created_after_at_ms),
            ("created_before", given.created_before_at_ms),
            ("last_active_after", given.last_active_after_at_ms),
            ("last_active_before", given.last_active_before_at_ms),
        ];
        for (name, time) in times {
            // SAFETY: NULL or good for reading, as the caller promises.
            if let Some(time) = unsafe { time.as_ref() } {
                members.insert(name.to_owned(), (*time).into());
            }
        }
        if let Some(is_verified) = mfa::read(given.mfa_verified)? {
            members.insert("mfa_verified".to_owned(), Value::Bool(is_verified));
        }
        SessionFilter::from_json(members)
    }
}
