//! Reading sessions: one, or a page of them.

use hellojohn_core::{Error, Limit, ListQuery};

use super::hj_tenant;
use crate::abi::{OptionStruct, hj_str};
use crate::error::hj_error;
use crate::filter::hj_session_filter;
use crate::guard::call;
use crate::page::hj_page;
use crate::pending_count::{CountAnswer, hj_pending_count};
use crate::pending_read::{ReadAnswer, hj_pending_read};
use crate::session::hj_session;
use crate::status::hj_status;

/// Reads a session; an ended one too, until it is purged.
///
/// Fails with HJ_ERR_SESSION_NOT_FOUND.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_get(
    tenant: *const hj_tenant,
    session_id: hj_str,
    session: *mut *mut hj_session,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([session], error, || {
        let session = session.require("session")?;
        // SAFETY: the caller keeps "Objects" and "Strings".
        let (tenant, id) = unsafe { (hj_tenant::require(tenant)?, session_id.require("session_id")?) };
        session.give(hj_session::new(&tenant.get(id)?));
        Ok(())
    })
}

/// Begins a hj_tenant_get.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read, and with HJ_ERR_SESSION_NOT_FOUND for a text that is no session id;
/// every other error comes from hj_pending_read_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_get(
    tenant: *const hj_tenant,
    session_id: hj_str,
    read: *mut *mut hj_pending_read,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([read], error, || {
        let read = read.require("read")?;
        // SAFETY: the caller keeps "Objects" and "Strings".
        let ((tenant, threads), id) =
            unsafe { (hj_tenant::require_with_threads(tenant)?, session_id.require("session_id")?) };
        let begun = tenant.begin_get(id);
        read.give(hj_pending_read::new(threads, || Ok(ReadAnswer::Session(Box::new(begun.wait()?)))));
        Ok(())
    })
}

/// Which sessions to list; everything is optional. See "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_list_options {
    /// sizeof(hj_list_options).
    pub struct_size: usize,
    /// Only this user's; by default the whole tenant's.
    pub user_id: hj_str,
    /// "active" (the default), "expired", "revoked" or "all".
    pub status: hj_str,
    /// Where to continue: hj_page_next_cursor of the page before. A cursor works only for the list that it came from.
    pub cursor: hj_str,
    /// At most this many sessions, 1 to 100; a larger number means 100, and a negative one is refused. 0 is "not given"
    /// and means the default of 20, so a host that passes on a number of its user must refuse a 0 itself.
    pub limit: i64,
    /// What the sessions must be besides; NULL for no more. `user_id` and `status` may be given here or there.
    pub filter: *const hj_session_filter,
}

// SAFETY: repr(C), starts with its size; zero is "not given", 0 and NULL.
unsafe impl OptionStruct for hj_list_options {
    // The size up to the last member of the first release.
    const FIRST_SIZE: usize = std::mem::offset_of!(Self, limit) + size_of::<i64>();
}

/// Lists sessions, newest first, a page at a time. The cursor stays good while sessions come and go.
///
/// One call looks at no more than 1,000 sessions. Where few of many sessions match, a page may be short or even empty and
/// have a cursor all the same: only a page without a cursor is the last. The active sessions of a user are found without a
/// look at those whose end is written down.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR, also for a cursor of another list.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_list(
    tenant: *const hj_tenant,
    options: *const hj_list_options,
    page: *mut *mut hj_page,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([page], error, || {
        let page = page.require("page")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let (tenant, query) =
            unsafe { (hj_tenant::require(tenant)?, read_query(OptionStruct::read(options)?)?) };
        page.give(hj_page::new(&tenant.list(&query)?));
        Ok(())
    })
}

/// Begins a hj_tenant_list.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from
/// hj_pending_read_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_list(
    tenant: *const hj_tenant,
    options: *const hj_list_options,
    read: *mut *mut hj_pending_read,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([read], error, || {
        let read = read.require("read")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let ((tenant, threads), query) =
            unsafe { (hj_tenant::require_with_threads(tenant)?, read_query(OptionStruct::read(options)?)?) };
        let begun = tenant.begin_list(query);
        read.give(hj_pending_read::new(threads, || Ok(ReadAnswer::Page(begun.wait()?))));
        Ok(())
    })
}

/// Counts the sessions that the filter admits; every active session for NULL. The call looks at each session of the filter's
/// user or of the tenant, 1,000 in one read transaction: the count of a large tenant is of slightly different instants.
///
/// Fails with HJ_ERR_VALIDATION_ERROR naming the member.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_count(
    tenant: *const hj_tenant,
    filter: *const hj_session_filter,
    count: *mut u64,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([count], error, || {
        let count = count.require("count")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let (tenant, filter) = unsafe {
            (hj_tenant::require(tenant)?, hj_session_filter::read(filter, hj_str::NONE, hj_str::NONE)?)
        };
        count.put(tenant.count(&filter)?);
        Ok(())
    })
}

/// Begins a hj_tenant_count, without waiting for the disk.
///
/// `filter` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from
/// hj_pending_count_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_count(
    tenant: *const hj_tenant,
    filter: *const hj_session_filter,
    counting: *mut *mut hj_pending_count,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([counting], error, || {
        let counting = counting.require("counting")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let ((tenant, threads), filter) = unsafe {
            (
                hj_tenant::require_with_threads(tenant)?,
                hj_session_filter::read(filter, hj_str::NONE, hj_str::NONE)?,
            )
        };
        let tenant = tenant.clone();
        counting.give(hj_pending_count::new(threads, move || Ok(CountAnswer::Count(tenant.count(&filter)?))));
        Ok(())
    })
}

/// How many rows a page has at most; 0 for the default.
pub(super) fn read_limit(rows: i64) -> Result<Limit, Error> {
    if rows == 0 { Ok(Limit::default()) } else { Limit::new(rows) }
}

/// # Safety
/// Section "Strings" of the contract holds for all texts, section "Option structs" for the filter.
unsafe fn read_query(options: hj_list_options) -> Result<ListQuery, Error> {
    let limit = read_limit(options.limit)?;
    // SAFETY: the caller keeps "Strings" and "Option structs".
    unsafe {
        Ok(ListQuery::default()
            .filter(hj_session_filter::read(options.filter, options.user_id, options.status)?)
            .limit(limit)
            .cursor(options.cursor.parse("cursor")?))
    }
}
