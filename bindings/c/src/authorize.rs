//! `hj_rest_authorize`: who a request to a route of the host's own comes from, by its header or by the cookies of a browser.

use hellojohn_core::rest::http::header::SET_COOKIE;
use hellojohn_core::rest::http::{Request, Response};
use hellojohn_core::rest::{Authorization, AuthorizeOptions, MissingToken, RequestAuth, error_response};
use hellojohn_core::{Error, RequiredAuth};

use crate::abi::{OptionStruct, require_object};
use crate::error::hj_error;
use crate::guard::call;
use crate::mounted_api::refuse_non_http;
use crate::response::hj_response;
use crate::rest::{hj_rest, hj_rest_request, read_request};
use crate::session::hj_session;
use crate::status::hj_status;
use crate::tenant::require_auth::hj_required_auth;

/// Which requests may pass; everything is optional. See "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_authorize_options {
    /// sizeof(hj_authorize_options).
    pub struct_size: usize,
    /// How the user must have authenticated; NULL: in any way.
    pub required: *const hj_required_auth,
    /// Whether a request without a user passes; false by default. A bad bearer token is refused all the same, and cookies that sign
    /// no user in count as none.
    pub optional: bool,
    /// Whether you send the header lines of the response with your own, whatever that is; false by default. Then the cookies of a
    /// page whose access token has expired are renewed. A host that loses them signs its users out.
    pub renew: bool,
}

// SAFETY: repr(C), starts with its size; zero is NULL and false.
unsafe impl OptionStruct for hj_authorize_options {
    const FIRST_SIZE: usize = size_of::<Self>();
}

impl hj_authorize_options {
    /// # Safety
    /// Sections "Option structs" and "Strings" of the contract hold for the structs and their texts.
    unsafe fn read_all(options: *const Self) -> Result<AuthorizeOptions, Error> {
        // SAFETY: the caller keeps "Option structs" and "Strings"; NULL stands for the defaults.
        let (given, required): (Self, RequiredAuth) = unsafe {
            let given = <Self as OptionStruct>::read(options)?;
            (given, hj_required_auth::read(given.required)?)
        };
        let missing = if given.optional { MissingToken::Allow } else { MissingToken::Reject };
        Ok(AuthorizeOptions::default().missing_token(missing).required(required).renew(given.renew))
    }
}

/// Authorises a request to a route of your own: by its Authorization header, else by its cookies, where the "cookie" of the hj_rest has
/// an "access". docs/COOKIES.md has the rules for them. The body of the request does not count. The call reaches the disk.
///
/// `response` is given whenever the call returns HJ_OK. If its status is 200, the request may pass: add the header lines of the response to
/// your own response (with `renew`; else there are none). Any other status is a refusal: send the response as it is. `session` (may be
/// NULL) is the session of the user, as it is now; NULL for a refusal, for a request without a user that may pass, and for a
/// CORS preflight, in which browsers send no credentials.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for what only the host can get wrong, as hj_rest_handle does.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_rest_authorize(
    rest: *const hj_rest,
    request: *const hj_rest_request,
    options: *const hj_authorize_options,
    session: *mut *mut hj_session,
    response: *mut *mut hj_response,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([session, response], error, || {
        let response = response.require("response")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings", and passes as many headers as it says.
        let (rest, method, request, options) = unsafe {
            let (rest, request) = (require_object(rest, "rest")?, hj_rest_request::read(request)?);
            let method = request.method.read_bytes("method")?;
            (rest, method, read_request(request)?, hj_authorize_options::read_all(options)?)
        };
        let Some(request) = request else {
            response.give(hj_response::new(refuse_non_http(method == Some(b"HEAD"))));
            return Ok(());
        };
        let (parts, _): (_, &[u8]) = Request::into_parts(request);
        let Authorization { auth, headers, .. } = rest.mounted.api.authorize(&parts, &options);
        // A session that cannot be read is a refusal with the cookies: without them the browser would present a used token next.
        let found = auth.and_then(|auth| {
            if let (Some(RequestAuth { session_id, .. }), true) = (auth, session.is_wanted()) {
                session.give(hj_session::new(&rest.mounted.tenant.get(session_id)?));
            }
            Ok(())
        });
        let mut answer = match found {
            Ok(()) => {
                let mut passed = Response::new(Vec::new());
                *passed.headers_mut() = headers;
                passed
            }
            Err(refused) => {
                let mut refusal = error_response(refused);
                for cookie in headers.get_all(SET_COOKIE) {
                    refusal.headers_mut().append(SET_COOKIE, cookie.clone());
                }
                refusal
            }
        };
        if method == Some(b"HEAD") {
            answer.body_mut().clear();
        }
        response.give(hj_response::new(answer));
        Ok(())
    })
}
