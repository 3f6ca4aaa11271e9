//! Reading events.

use hellojohn_core::{Error, EventQuery};

use super::hj_tenant;
use super::query::read_limit;
use crate::abi::{OptionStruct, hj_str, require_object};
use crate::error::hj_error;
use crate::event_page::hj_event_page;
use crate::guard::call;
use crate::status::hj_status;

/// Which events to list; everything is optional. See "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_events_options {
    /// sizeof(hj_events_options).
    pub struct_size: usize,
    /// Only events with a higher number: hj_event_page_next_after of the page before. 0, the default, means all.
    pub after: u64,
    /// Only events of these types, separated by commas: "session.created,session.ended". By default every type.
    pub types: hj_str,
    /// Only events about sessions of this user.
    pub user_id: hj_str,
    /// Only events about this session.
    pub session_id: hj_str,
    /// At most this many events, 1 to 100; a larger number means 100, and a negative one is refused. 0 is "not given" and
    /// means the default of 20, so a host that passes on a number of its user must refuse a 0 itself.
    pub limit: i64,
}

// SAFETY: repr(C), starts with its size; zero is "not given" and 0.
unsafe impl OptionStruct for hj_events_options {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Lists events, oldest first, a page at a time. Events are recorded while the setting event_retention is set.
///
/// One call looks at no more than 1,000 events. Where few of many events match, a page may be short or even empty and have
/// more after it: hj_event_page_has_more.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR, and with HJ_ERR_SESSION_NOT_FOUND for a session id that is
/// none.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_events(
    tenant: *const hj_tenant,
    options: *const hj_events_options,
    page: *mut *mut hj_event_page,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([page], error, || {
        let page = page.require("page")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let (tenant, query) =
            unsafe { (hj_tenant::require(tenant)?, read_query(OptionStruct::read(options)?)?) };
        page.give(hj_event_page::new(tenant.events(&query)?));
        Ok(())
    })
}

/// # Safety
/// Section "Strings" of the contract holds for all texts.
unsafe fn read_query(options: hj_events_options) -> Result<EventQuery, Error> {
    let limit = read_limit(options.limit)?;
    // SAFETY: the caller keeps "Strings".
    unsafe {
        let types = options.types.read_text("types")?;
        Ok(EventQuery::default()
            .after(options.after)
            .types(
                types.map(|types| EventQuery::read_types(types.split(','))).transpose()?.unwrap_or_default(),
            )
            .user_id(options.user_id.parse("user_id")?)
            .session_id(options.session_id.parse("session_id")?)
            .limit(limit))
    }
}

/// Whether there may be events that this page has not looked at. false is certain and takes no read of the database: a
/// reader that follows the events asks this a few times a second, and lists again when it is true.
///
/// `page` must not be NULL; `may_have` may.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_may_have_events_after(
    tenant: *const hj_tenant,
    page: *const hj_event_page,
    may_have: *mut bool,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([may_have], error, || {
        // SAFETY: the caller keeps "Objects".
        let (tenant, page) = unsafe { (hj_tenant::require(tenant)?, require_object(page, "page")?) };
        may_have.put(tenant.may_have_events_after(&page.page)?);
        Ok(())
    })
}

/// Seals the events that are not sealed yet, in small transactions: each gets a hash that chains it to the event before it,
/// and the active signing key signs the hash of the last one. `sealed` may be NULL and counts them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_seal_events(
    tenant: *const hj_tenant,
    sealed: *mut u64,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([sealed], error, || {
        // SAFETY: the caller keeps "Objects".
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        sealed.put(tenant.seal_events()?.sealed);
        Ok(())
    })
}

/// Seals the tenant's events and writes those after number `after` (0 for all that are kept) into a new file as a signed log
/// of JSON Lines, which hj_verify_event_log checks. The file has mode 0600 and is on disk when the call returns. `events` may
/// be NULL and counts the events in the log.
///
/// Fails with HJ_ERR_STORAGE_IO when there is a file already or it cannot be written, and with HJ_ERR_VALIDATION_ERROR for
/// the number of an event that is not kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_export_events(
    tenant: *const hj_tenant,
    after: u64,
    path: hj_str,
    events: *mut u64,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([events], error, || {
        // SAFETY: the caller keeps "Objects" and "Strings".
        let (tenant, path) = unsafe { (hj_tenant::require(tenant)?, path.read_text("path")?) };
        let path = path.ok_or_else(|| Error::validation("path", "is required"))?;
        events.put(tenant.export_events_to(after, path)?);
        Ok(())
    })
}
