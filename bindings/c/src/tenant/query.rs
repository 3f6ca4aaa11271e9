//! Looking: one session, or a page of them.

use hellojohn_core::{Error, Limit, ListQuery};

use super::hj_tenant;
use crate::abi::{OptionStruct, hj_str};
use crate::error::hj_error;
use crate::guard::call;
use crate::page::hj_page;
use crate::session::hj_session;
use crate::status::hj_status;

/// Looks a session up, ended ones included until they are purged.
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
        // SAFETY: the caller promises NULL or a live tenant ("Objects").
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        // SAFETY: the caller promises readable text ("Strings").
        let found = tenant.get(unsafe { session_id.require("session_id") }?)?;
        session.give(hj_session::new(&found));
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
    /// Where to go on: hj_page_next_cursor of the page before. It works only for the list that gave it out.
    pub cursor: hj_str,
    /// How many at most, 1 to 100; more is clamped to 100. As 0 is "not given", it means the default of 20: a host that
    /// passes on a user's number refuses a 0 itself. A negative one is refused.
    pub limit: i64,
}

// SAFETY: repr(C), starts with its size; zero is "not given" and 0.
unsafe impl OptionStruct for hj_list_options {
    const NAME: &'static str = "options";
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// # Safety
/// All texts are readable ("Strings").
unsafe fn query(options: hj_list_options) -> Result<ListQuery, Error> {
    let limit = match options.limit {
        0 => Limit::default(),
        rows => Limit::new(rows)?,
    };
    // SAFETY: readable texts, as the caller of this function promises.
    unsafe {
        Ok(ListQuery {
            user_id: options.user_id.parse("user_id")?,
            status: options.status.parse("status")?.unwrap_or_default(),
            limit,
            cursor: options.cursor.parse("cursor")?,
        })
    }
}

/// Lists sessions, newest first, a page at a time. The cursor stays good while sessions come and go.
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
        // SAFETY: the caller promises NULL or a live tenant ("Objects").
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        // SAFETY: the caller promises NULL or a struct of `struct_size` bytes ("Option structs").
        let options = unsafe { OptionStruct::read(options) }?;
        // SAFETY: the caller promises readable texts ("Strings").
        let query = unsafe { query(options) }?;
        page.give(hj_page::new(&tenant.list(&query)?));
        Ok(())
    })
}
