//! The revocation list.

use super::hj_tenant;
use crate::error::hj_error;
use crate::guard::call;
use crate::revocation_list::hj_revocation_list;
use crate::status::hj_status;

/// The sessions that ended while access tokens of them may still be alive, as a signed list for verifiers that do not ask the
/// engine: what was added after the number `since`, or the list from its beginning for 0 and for a number that is not known.
/// One call looks at no more than 1,000 entries: hj_revocation_list_has_more.
///
/// Fails with HJ_ERR_VALIDATION_ERROR while the setting revocation_list is false.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_revocations(
    tenant: *const hj_tenant,
    since: u64,
    list: *mut *mut hj_revocation_list,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([list], error, || {
        let list = list.require("list")?;
        // SAFETY: the caller keeps "Objects".
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        list.give(hj_revocation_list::new(&tenant.revocations(since)?));
        Ok(())
    })
}
