//! Why a session is over, or what will end it.

use super::hj_tenant;
use crate::abi::hj_str;
use crate::error::hj_error;
use crate::explanation::hj_explanation;
use crate::guard::call;
use crate::status::hj_status;

/// Tells why a session is over; of an active one, what will end it and when, and how its refresh tokens would be answered, if
/// nothing else happened to the session. Changes nothing. The user's active sessions are looked at to find its rank.
///
/// Fails with HJ_ERR_SESSION_NOT_FOUND.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_explain(
    tenant: *const hj_tenant,
    session_id: hj_str,
    explanation: *mut *mut hj_explanation,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([explanation], error, || {
        let explanation = explanation.require("explanation")?;
        // SAFETY: the caller keeps "Objects" and "Strings".
        let (tenant, id) = unsafe { (hj_tenant::require(tenant)?, session_id.require("session_id")?) };
        explanation.give(hj_explanation::new(&tenant.explain(id)?));
        Ok(())
    })
}
