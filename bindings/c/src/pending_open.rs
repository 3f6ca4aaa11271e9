//! `hj_pending_open`: an engine or a tenant that is being opened and was not waited for yet.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hellojohn_core::{Error, SecretKey, Tenant, TenantId};

use crate::abi::{OptionStruct, hj_str, require_object};
use crate::begun::{Begun, hj_completion};
use crate::engine::{hj_engine, hj_open_options, read_builder};
use crate::error::hj_error;
use crate::guard::call;
use crate::status::hj_status;
use crate::tenant::hj_tenant;
use crate::threads::Threads;
use crate::unwind;

/// An opening that was begun: hj_engine_begin_open or hj_engine_begin_tenant. The database is opened when the answer is waited for,
/// or once there is a completion.
pub struct hj_pending_open(Begun<OpenAnswer>);

enum OpenAnswer {
    Engine(Box<hj_engine>),
    Tenant(Tenant),
}

impl hj_pending_open {
    fn new(
        threads: &Arc<Threads>,
        open: impl FnOnce() -> Result<OpenAnswer, Error> + Send + 'static,
    ) -> Self {
        hj_pending_open(Begun::new("opening", threads, |threads| &threads.openings, open))
    }
}

/// Begins a hj_engine_open, without waiting for the disk or a server.
///
/// `options` may be NULL. From HJ_OK on, `observer_data` are the library's: `observer_free` gets them also if the engine cannot be
/// opened and if the opening is freed. An opening that is freed while a thread of the library is at it is carried out, and the
/// engine closes at once. Fails with HJ_ERR_VALIDATION_ERROR for an option that cannot be read; every other error comes from
/// hj_pending_open_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_engine_begin_open(
    database: hj_str,
    options: *const hj_open_options,
    opening: *mut *mut hj_pending_open,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([opening], error, || {
        let opening = opening.require("opening")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let (path, (builder, observer)) = unsafe {
            let options = OptionStruct::read(options)?;
            (database.require_text("database")?.to_owned(), read_builder(options)?)
        };
        if let Some(observer) = observer {
            observer.store(true, Ordering::Release);
        }
        let threads = Threads::new();
        // The opening is the only handle, and freeing it must not wait: its thread keeps the threads as long as it runs.
        let own = Arc::clone(&threads);
        opening.give(hj_pending_open::new(&threads, move || {
            Ok(OpenAnswer::Engine(Box::new(hj_engine::open(builder, &path, own)?)))
        }));
        Ok(())
    })
}

/// Begins a hj_engine_tenant, without waiting for the disk or a server, and without stretching the key on this thread.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from hj_pending_open_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_engine_begin_tenant(
    engine: *const hj_engine,
    tenant_id: hj_str,
    secret_key: hj_str,
    opening: *mut *mut hj_pending_open,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([opening], error, || {
        let opening = opening.require("opening")?;
        // SAFETY: the caller keeps "Objects" and "Strings".
        let ((engine, threads), id, key): (_, TenantId, SecretKey) = unsafe {
            (
                hj_engine::require_with_threads(engine)?,
                tenant_id.require("tenant_id")?,
                secret_key.require("secret_key")?,
            )
        };
        let engine = engine.clone();
        opening
            .give(hj_pending_open::new(threads, move || Ok(OpenAnswer::Tenant(engine.tenant(&id, &key)?))));
        Ok(())
    })
}

/// Waits for what is opened, once: the output and the errors are those of the call that was begun, and the other output stays
/// NULL.
///
/// `engine` and `tenant` may be NULL; what is opened then is freed at once. Fails as hj_engine_open or hj_engine_tenant does, and
/// with HJ_ERR_VALIDATION_ERROR for an opening that was waited for before.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_pending_open_wait(
    opening: *const hj_pending_open,
    engine: *mut *mut hj_engine,
    tenant: *mut *mut hj_tenant,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([engine, tenant], error, || {
        // SAFETY: the caller keeps "Objects".
        let opening = unsafe { require_object(opening, "opening")? };
        match opening.0.wait()? {
            OpenAnswer::Engine(opened) => engine.give(*opened),
            OpenAnswer::Tenant(opened) => tenant.give(hj_tenant::new(opened, opening.0.threads())),
        }
        Ok(())
    })
}

/// Has a thread of the library open the engine or the tenant and call `completion` once with `user_data` then, so that
/// hj_pending_open_wait does not wait. "Event loops" at the top of this header says what a completion may do.
///
/// Fails as hj_pending_read_notify does.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_pending_open_notify(
    opening: *const hj_pending_open,
    completion: hj_completion,
    user_data: *mut c_void,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller keeps "Objects".
        unsafe { require_object(opening, "opening")? }.0.notify(completion, user_data)
    })
}

/// Frees an opening, waited for or not; NULL is allowed. What was opened and not taken is freed with it. Its completion is not
/// called any more once this has returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_pending_open_free(opening: *mut hj_pending_open) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(opening) }
}
