//! `hj_rest`: the documented REST API, request in, response out.

use std::ffi::c_void;

use hellojohn_core::rest::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use hellojohn_core::rest::{ClientAddress, RestApi, RestOptions, Step, error_response};
use hellojohn_core::{Error, ErrorCode};

use crate::abi::{OptionStruct, hj_str, require_object};
use crate::error::hj_error;
use crate::guard::call;
use crate::response::hj_response;
use crate::sign_in::{hj_authenticate, hj_sign_in};
use crate::status::hj_status;
use crate::tenant::hj_tenant;
use crate::unwind;

/// The documented REST API of one tenant, to be mounted in any HTTP server: the host owns sockets, TLS, CORS, rate limits
/// and logging. May be used from any thread, also by several at once.
pub struct hj_rest {
    api: RestApi,
    authenticate: hj_authenticate,
    user_data: *mut c_void,
}

/// The longest body of a request, in bytes; a longer one is answered with 413. A host need not keep more of it than one
/// byte over this.
pub const HJ_REST_BODY_MAX: usize = 65536;

/// How the REST API behaves; see "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_rest_options {
    /// sizeof(hj_rest_options).
    pub struct_size: usize,
    /// A JSON object with "cookie" (true, false, or an object with the optional "name", "domain", "path", "same_site",
    /// "secure", "allowed_origins") and "longest_requested_session" (a duration); by default no cookie is set, and a
    /// client cannot stretch the tenant's session_duration. Given "cookie", refresh tokens travel only in an HttpOnly
    /// cookie.
    pub settings_json: hj_str,
    /// Checks the credentials of a sign-in; default NULL: a sign-in is answered with 404.
    pub authenticate: hj_authenticate,
    /// What `authenticate` is called with. It stays the host's, and is to be good until the hj_rest is freed.
    pub user_data: *mut c_void,
}

// SAFETY: repr(C), starts with its size; zero is "not given" and NULL.
unsafe impl OptionStruct for hj_rest_options {
    const NAME: &'static str = "options";
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Makes the REST API of a tenant. It outlives the handle that it is made from, and knows the secret key that the handle
/// has, also after hj_tenant_change_secret_key on that handle.
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
        // SAFETY: the caller promises NULL or a live tenant ("Objects").
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        // SAFETY: the caller promises NULL or a struct of `struct_size` bytes ("Option structs").
        let options: hj_rest_options = unsafe { OptionStruct::read(options) }?;
        // SAFETY: the caller promises readable text ("Strings").
        let settings: Option<RestOptions> = unsafe { options.settings_json.parse("settings_json") }?;
        rest.give(hj_rest {
            api: RestApi::new(tenant.clone(), settings.unwrap_or_default())?,
            authenticate: options.authenticate,
            user_data: options.user_data,
        });
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

/// A request as the client sent it; see "Option structs". Unlike other strings these need not be UTF-8: they are the
/// client's bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_rest_request {
    /// sizeof(hj_rest_request).
    pub struct_size: usize,
    /// The method, such as "GET". Required.
    pub method: hj_str,
    /// Path and query as they were sent, nothing decoded: "/v1/sessions?user_id=usr_1". Required.
    pub target: hj_str,
    /// The header lines as they were sent: one that came twice stands here twice. May be NULL when there are none.
    pub headers: *const hj_header,
    /// How many header lines.
    pub header_count: usize,
    /// The body; not given counts as empty.
    pub body: hj_str,
    /// The IPv4 or IPv6 address of the client, recorded with its session: that of the socket, or what a proxy of your
    /// own reports. No header is believed in this. Optional.
    pub client_address: hj_str,
}

// SAFETY: repr(C), starts with its size; zero is "not given", NULL and 0.
unsafe impl OptionStruct for hj_rest_request {
    const NAME: &'static str = "request";
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Answers a request. The call reaches the disk.
///
/// Whatever the client sent and whatever happened, HJ_OK comes with a response to send: bytes that are not HTTP get a
/// 400, a failure inside a 500. Fails with HJ_ERR_VALIDATION_ERROR for what only the host can get wrong: a NULL, a
/// method or target that is not given, a `client_address` that is none.
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
        // SAFETY: the caller promises NULL or a live object ("Objects").
        let rest = unsafe { require_object(rest, "rest") }?;
        // SAFETY: the caller promises NULL or a struct of `struct_size` bytes ("Option structs").
        let request = unsafe { OptionStruct::read(request) }?;
        // SAFETY: the caller promises readable bytes ("Strings").
        let method = unsafe { request.method.read_bytes("method") }?;
        // SAFETY: the caller promises readable bytes ("Strings") and as many headers as it says.
        let answer = match unsafe { received(request) }? {
            Some(request) => match rest.api.begin(request) {
                Step::Answer(answer) => answer,
                Step::Authenticate(pending) => match rest.authenticate {
                    Some(authenticate) => {
                        // SAFETY: the host promises a function that takes this pointer ("hj_authenticate").
                        let ask = |sign_in| unsafe { authenticate(rest.user_data, sign_in) };
                        let word = hj_sign_in::ask(pending.credentials(), ask);
                        pending.finish(word)
                    }
                    None => pending.not_offered(),
                },
                _ => return Err(Error::new(ErrorCode::Internal, "a step that this door does not know")),
            },
            None => {
                let mut answer = error_response(Error::new(ErrorCode::BadRequest, "the request is not HTTP"));
                if method == Some(b"HEAD") {
                    // A client would read a body after the answer to a HEAD as the next answer.
                    answer.body_mut().clear();
                }
                answer
            }
        };
        response.give(hj_response::new(answer));
        Ok(())
    })
}

/// The request, or nothing when its bytes are not HTTP.
///
/// # Safety
/// All views are readable ("Strings"), and so are `header_count` headers.
unsafe fn received<'a>(request: hj_rest_request) -> Result<Option<Request<&'a [u8]>>, Error> {
    let required =
        |bytes: Option<&'a [u8]>, name| bytes.ok_or_else(|| Error::validation(name, "is required"));
    // SAFETY: readable views, as the caller of this function promises.
    let (method, target, body, address) = unsafe {
        (
            required(request.method.read_bytes("method")?, "method")?,
            required(request.target.read_bytes("target")?, "target")?,
            request.body.read_bytes("body")?.unwrap_or_default(),
            request.client_address.parse("client_address")?,
        )
    };
    // SAFETY: as many readable headers, as the caller of this function promises.
    let Some(headers) = unsafe { header_lines(&request) }? else { return Ok(None) };
    let (Ok(method), Ok(target)) = (Method::from_bytes(method), Uri::try_from(target)) else {
        return Ok(None);
    };
    let mut received = Request::new(body);
    *received.method_mut() = method;
    *received.uri_mut() = target;
    *received.headers_mut() = headers;
    received.extensions_mut().insert(ClientAddress(address));
    Ok(Some(received))
}

/// The headers, or nothing when one of them is not HTTP or there are more than can be kept.
///
/// # Safety
/// `headers` is NULL or points to `header_count` headers whose views are readable ("Strings").
unsafe fn header_lines(request: &hj_rest_request) -> Result<Option<HeaderMap>, Error> {
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
        // SAFETY: readable views, as the caller of this function promises.
        let (name, value) =
            unsafe { (line.name.read_bytes("header name")?, line.value.read_bytes("header value")?) };
        let name = name.ok_or_else(|| Error::validation("header name", "is required"))?;
        // What the host got wrong in a later one is still to be told.
        headers = headers.and_then(|mut headers| {
            let name = HeaderName::from_bytes(name).ok()?;
            let value = HeaderValue::from_bytes(value.unwrap_or_default()).ok()?;
            headers.try_append(name, value).ok()?;
            Some(headers)
        });
    }
    Ok(headers)
}

/// Frees a REST API; NULL is allowed. Not from inside its own `authenticate`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_rest_free(rest: *mut hj_rest) {
    // SAFETY: the caller promises NULL or an object that nobody uses any more ("Objects").
    unsafe { unwind::free(rest) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_limit_is_that_of_the_core() {
        assert_eq!(super::HJ_REST_BODY_MAX, hellojohn_core::rest::BODY_MAX);
    }
}
