//! `hj_response`: the answer to a client of the REST API.

use std::ffi::c_char;
use std::ptr;

use hellojohn_core::Error;
use hellojohn_core::rest::http::Response;
use zeroize::{Zeroize, Zeroizing};

use crate::abi::get;
use crate::error::hj_error;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// The answer to a client of the REST API. It may carry tokens: freeing it wipes them from memory. The getters
/// answer NULL or 0 for a NULL response and past the end.
pub struct hj_response {
    status: i32,
    texts: Texts,
    headers: Vec<(TextOffset, TextOffset)>,
    body: Zeroizing<Vec<u8>>, // with a closing NUL
    error: Option<hj_error>,
}

impl hj_response {
    pub(crate) fn new(response: Response<Vec<u8>>) -> Self {
        let (parts, mut sent) = response.into_parts();
        let lines =
            || parts.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
        let mut texts = Texts::with_capacity(lines().map(|(name, value)| name.len() + value.len() + 2).sum());
        let headers = lines().map(|(name, value)| (texts.add(name), texts.add(value))).collect();
        let mut body = Zeroizing::new(Vec::with_capacity(sent.len() + 1));
        body.extend_from_slice(&sent);
        body.push(0);
        sent.zeroize();
        hj_response {
            status: i32::from(parts.status.as_u16()),
            texts,
            headers,
            body,
            error: parts.extensions.get::<Error>().map(hj_error::new),
        }
    }

    fn text(
        &self,
        index: usize,
        which: impl FnOnce(&(TextOffset, TextOffset)) -> TextOffset,
    ) -> *const c_char {
        self.texts.c_str(self.headers.get(index).map_or(TextOffset::ABSENT, which))
    }
}

impl Drop for hj_response {
    fn drop(&mut self) {
        self.texts.wipe();
    }
}

/// The HTTP status, such as 200.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_response_status(response: *const hj_response) -> i32 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(response, |response| response.status) }
}

/// How many header lines there are. Content-Length is among them only in the answer to a HEAD, because the host cannot
/// know the length there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_response_header_count(response: *const hj_response) -> usize {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(response, |response| response.headers.len()) }
}

/// The name of a header line, in lower case.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_response_header_name(
    response: *const hj_response,
    index: usize,
) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(response, |response| response.text(index, |(name, _)| *name)) }
}

/// The value of a header line.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_response_header_value(
    response: *const hj_response,
    index: usize,
) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(response, |response| response.text(index, |(_, value)| *value)) }
}

/// The body: JSON, or the empty string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_response_body(response: *const hj_response) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(response, |response| response.body.as_ptr().cast()) }
}

/// The length of the body in bytes, without the closing NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_response_body_len(response: *const hj_response) -> usize {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(response, |response| response.body.len().saturating_sub(1)) }
}

/// For the host's log: why the API refused or failed the request, also where the client does not learn it; NULL for a
/// success. It lives inside the response.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_response_error(response: *const hj_response) -> *const hj_error {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(response, |response| response.error.as_ref().map_or(ptr::null(), ptr::from_ref)) }
}

/// Frees a response and wipes it from memory; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_response_free(response: *mut hj_response) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(response) }
}
