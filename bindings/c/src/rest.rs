//! `hj_rest`: the documented REST API; a request goes in, a response comes out.

use std::ffi::c_void;
use std::sync::Arc;

use hellojohn_core::Error;
use hellojohn_core::rest::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use hellojohn_core::rest::{ClientAddress, RestApi, RestOptions};
use zeroize::Zeroizing;

use crate::abi::{OptionStruct, hj_str, require_object};
use crate::error::hj_error;
use crate::guard::call;
use crate::mounted_api::{MountedApi, refuse_non_http};
use crate::pending_response::hj_pending_response;
use crate::response::hj_response;
use crate::sign_in::hj_authenticate;
use crate::status::hj_status;
use crate::tenant::hj_tenant;
use crate::threads::Threads;
use crate::unwind;

/// The documented REST API of one tenant, for any HTTP server: the host owns sockets, TLS, CORS, logging and rate limits
/// but the one of failed sign-ins (hj_open_options). Any number of threads may use it at once.
pub struct hj_rest {
    pub(crate) mounted: Arc<MountedApi>,
    threads: Arc<Threads>,
}

/// The longest body of a request, in bytes; the API answers a longer one with 413. A host need not keep more than one
/// byte above this limit.
pub const HJ_REST_BODY_MAX: usize = 65536;

/// How the REST API behaves; see "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_rest_options {
    /// sizeof(hj_rest_options).
    pub struct_size: usize,
    /// A JSON object with these members, all optional:
    ///
    /// "cookie" (true, false, or an object with the optional "name", "domain", "path", "same_site" ("lax", "strict",
    /// "none"), "secure", "partitioned", "allowed_origins", "former" (objects with the optional "name", "domain", "path",
    /// "partitioned"), "access" (true, false, or an object with the optional "name")): with it, refresh tokens travel only in an HttpOnly cookie; by default no cookie is set. Its
    /// default is __Host-hj_refresh for the path "/". "former" lists cookies of former options, which are read too and
    /// then cleared. "access" adds a cookie of the access token, __Host-hj_access, for pages that a server renders:
    /// hj_rest_authorize reads it.
    ///
    /// "longest_requested_session" (a duration): by default a client cannot ask for longer than the tenant's
    /// session_duration.
    ///
    /// "mount_path" (such as "/api"): what stands in front of /v1 where clients see the API, if you strip it from the
    /// targets. A cookie's "path" must lead there.
    ///
    /// "admin" (true or false): false leaves out the routes that need the secret key (404) and refuses the key on the
    /// others.
    ///
    /// "public_revocations" (true or false): true lets every caller read /v1/revocations, without the secret key.
    ///
    /// "trailing_slash" (true or false): true lets paths end in one "/".
    ///
    /// "dashboard" (true or false): true serves the pages for operators under /dashboard/. They sign in with the secret key, so
    /// they need "admin". Serve them over HTTPS.
    pub settings_json: hj_str,
    /// Checks the credentials of a sign-in; default NULL: the API answers a sign-in with 404.
    pub authenticate: hj_authenticate,
    /// What the API passes to `authenticate`. It stays the host's, and must be good until the hj_rest is freed; if
    /// requests are begun, until the last handle of the engine is.
    pub user_data: *mut c_void,
}

// SAFETY: repr(C), starts with its size; zero is "not given" and NULL.
unsafe impl OptionStruct for hj_rest_options {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Makes the REST API of a tenant. It outlives the tenant handle that you pass, and accepts the secret key that the
/// handle has, also after hj_tenant_change_secret_key on that handle.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR naming the setting.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_rest(
    tenant: *const hj_tenant,
    options: *const hj_rest_options,
    rest: *mut *mut hj_rest,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([rest], error, || {
        let rest = rest.require("rest")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let (tenant, options, settings): (_, hj_rest_options, Option<RestOptions>) = unsafe {
            let (tenant, options) =
                (hj_tenant::require_with_threads(tenant)?, hj_rest_options::read(options)?);
            (tenant, options, options.settings_json.parse("settings_json")?)
        };
        let (tenant, threads) = tenant;
        let mounted = MountedApi {
            api: RestApi::new(tenant.clone(), settings.unwrap_or_default())?,
            tenant: tenant.clone(),
            authenticate: options.authenticate,
            user_data: options.user_data,
        };
        rest.give(hj_rest { mounted: Arc::new(mounted), threads: Arc::clone(threads) });
        Ok(())
    })
}

/// One header line.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_header {
    /// The name, in any case.
    pub name: hj_str,
    /// The value; not given counts as empty.
    pub value: hj_str,
}

/// A request as the client sent it; see "Option structs". Unlike other strings, those of a request need not be UTF-8:
/// they are the client's bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_rest_request {
    /// sizeof(hj_rest_request).
    pub struct_size: usize,
    /// The method, such as "GET". Required.
    pub method: hj_str,
    /// Path and query as the client sent them, nothing decoded: "/v1/sessions?user_id=usr_1". Required.
    pub target: hj_str,
    /// The header lines as the client sent them: a line that came twice stands here twice. May be NULL if there are
    /// none.
    pub headers: *const hj_header,
    /// How many header lines.
    pub header_count: usize,
    /// The body; not given counts as empty.
    pub body: hj_str,
    /// The IPv4 or IPv6 address of the client, recorded with its session: the address of the socket, or the one that a
    /// proxy of your own reports. The API takes it from no header. Optional.
    pub client_address: hj_str,
}

// SAFETY: repr(C), starts with its size; zero is "not given", NULL and 0.
unsafe impl OptionStruct for hj_rest_request {
    const NAME: &'static str = "request";
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Answers a request. The call reaches the disk.
///
/// Whatever the client sent and whatever happened, the call returns HJ_OK with a response to send: 400 for bytes that
/// are not HTTP, 500 for a failure inside. Fails with HJ_ERR_VALIDATION_ERROR for what only the host can get wrong: a
/// NULL, a method or target that is not given, a `client_address` that is not an address.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_rest_handle(
    rest: *const hj_rest,
    request: *const hj_rest_request,
    response: *mut *mut hj_response,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([response], error, || {
        let response = response.require("response")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings", and passes as many headers as it says.
        let (rest, method, request) = unsafe {
            let (rest, request) = (require_object(rest, "rest")?, hj_rest_request::read(request)?);
            (rest, request.method.read_bytes("method")?, read_request(request)?)
        };
        response.give(hj_response::new(match request {
            Some(request) => rest.mounted.answer(request)?,
            None => refuse_non_http(method == Some(b"HEAD")),
        }));
        Ok(())
    })
}

/// Begins to answer a request; the call copies it and does not reach the disk. A sign-in calls hj_authenticate on the thread that
/// waits for the response: one of the library's, if it has a completion.
///
/// Fails with HJ_ERR_VALIDATION_ERROR as hj_rest_handle does.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_rest_begin_handle(
    rest: *const hj_rest,
    request: *const hj_rest_request,
    pending_response: *mut *mut hj_pending_response,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([pending_response], error, || {
        let pending_response = pending_response.require("pending_response")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings", and passes as many headers as it says.
        let (rest, method, request) = unsafe {
            let (rest, request) = (require_object(rest, "rest")?, hj_rest_request::read(request)?);
            (rest, request.method.read_bytes("method")?, read_request(request)?)
        };
        let (is_head, mounted) = (method == Some(b"HEAD"), Arc::clone(&rest.mounted));
        let request = request.map(|request| request.map(|body| Zeroizing::new(body.to_vec())));
        pending_response.give(hj_pending_response::new(&rest.threads, move || match request {
            Some(request) => {
                let (head, body) = request.into_parts();
                mounted.answer(Request::from_parts(head, body.as_slice()))
            }
            None => Ok(refuse_non_http(is_head)),
        }));
        Ok(())
    })
}

/// The request, or nothing if its bytes are not HTTP.
///
/// # Safety
/// Section "Strings" of the contract holds for all views, and `header_count` headers are readable.
pub(crate) unsafe fn read_request<'a>(request: hj_rest_request) -> Result<Option<Request<&'a [u8]>>, Error> {
    let required =
        |bytes: Option<&'a [u8]>, name| bytes.ok_or_else(|| Error::validation(name, "is required"));
    // SAFETY: the caller keeps "Strings".
    let (method, target, body, address) = unsafe {
        (
            required(request.method.read_bytes("method")?, "method")?,
            required(request.target.read_bytes("target")?, "target")?,
            request.body.read_bytes("body")?.unwrap_or_default(),
            request.client_address.parse("client_address")?,
        )
    };
    // SAFETY: the caller passes as many headers as it says.
    let Some(headers) = unsafe { read_headers(&request) }? else { return Ok(None) };
    let (Ok(method), Ok(target)) = (Method::from_bytes(method), Uri::try_from(target)) else {
        return Ok(None);
    };
    let mut http = Request::new(body);
    *http.method_mut() = method;
    *http.uri_mut() = target;
    *http.headers_mut() = headers;
    http.extensions_mut().insert(ClientAddress(address));
    Ok(Some(http))
}

/// The headers, or nothing if a line is not HTTP or there are more lines than a `HeaderMap` can hold.
///
/// # Safety
/// `headers` is NULL or points to `header_count` headers; section "Strings" of the contract holds for their views.
unsafe fn read_headers(request: &hj_rest_request) -> Result<Option<HeaderMap>, Error> {
    let lines: &[hj_header] = match (request.headers.is_null(), request.header_count) {
        (_, 0) => &[],
        (true, _) => return Err(Error::validation("headers", "have a count but no pointer")),
        (false, count) if count > isize::MAX as usize / size_of::<hj_header>() => {
            return Err(Error::validation("headers", "are more than memory can hold"));
        }
        // SAFETY: not NULL, no larger than an allocation can be; readable as the caller promises.
        (false, count) => unsafe { std::slice::from_raw_parts(request.headers, count) },
    };
    let mut headers = Some(HeaderMap::new());
    for line in lines {
        // SAFETY: the caller keeps "Strings".
        let (name, value) =
            unsafe { (line.name.read_bytes("header name")?, line.value.read_bytes("header value")?) };
        let name = name.ok_or_else(|| Error::validation("header name", "is required"))?;
        // Goes on after a line that is not HTTP: the host must still hear what it got wrong in a later one.
        headers = headers.and_then(|mut headers| {
            let name = HeaderName::from_bytes(name).ok()?;
            let value = HeaderValue::from_bytes(value.unwrap_or_default()).ok()?;
            headers.try_append(name, value).ok()?;
            Some(headers)
        });
    }
    Ok(headers)
}

/// Frees a REST API; NULL is allowed. Not from inside its own `authenticate`. Requests that were begun are answered all the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_rest_free(rest: *mut hj_rest) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(rest) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_limit_is_that_of_the_core() {
        assert_eq!(super::HJ_REST_BODY_MAX, hellojohn_core::rest::BODY_MAX);
    }
}
