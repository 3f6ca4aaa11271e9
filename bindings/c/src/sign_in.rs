//! `hj_sign_in`: the host's answer to a sign-in over REST.

use std::ffi::{c_char, c_void};
use std::io::{self, Write};

use hellojohn_core::rest::{AuthenticateError, Credentials};
use hellojohn_core::{CreateSession, Error};
use zeroize::Zeroizing;

use crate::abi::{OptionStruct, get, hj_str};
use crate::error::hj_error;
use crate::guard::call;
use crate::status::hj_status;
use crate::tenant::create::{self, hj_create_options};
use crate::texts::{TextOffset, Texts};

/// A sign-in over REST that waits for the host's answer. It belongs to the call of hj_authenticate that got it and
/// lives until that call returns; use it on one thread at a time. The library then wipes its credentials from memory.
/// The getters answer NULL for a NULL sign-in.
pub struct hj_sign_in {
    texts: Texts,
    email: TextOffset,
    password: TextOffset,
    credentials: Zeroizing<Vec<u8>>,
    answer: Result<Option<CreateSession>, AuthenticateError>,
}

/// The host's check of credentials. It reads the sign-in and answers in one of three ways:
///
/// It calls hj_sign_in_accept: the credentials belong to this user, and the API signs the user in. It calls
/// hj_sign_in_fail: the host cannot tell, and the client gets a 500. It calls neither: the credentials belong to no
/// user, and the client gets a 401 without a reason. To hide which addresses have an account, take as long for an
/// unknown address as for a wrong password.
///
/// hj_rest_handle calls it on the thread of its caller and without a lock, so it may take its time and make any call of this
/// library except freeing the hj_rest; several threads may call it at once. It must return: no exception and no longjmp
/// may leave it.
pub type hj_authenticate = Option<unsafe extern "C" fn(user_data: *mut c_void, sign_in: *mut hj_sign_in)>;

impl hj_sign_in {
    /// Asks the host about the credentials. No user has a NUL in address or password, so the host need not answer for
    /// one: as a C string, the text would not be what the client sent.
    pub(crate) fn ask(
        credentials: &Credentials,
        authenticate: impl FnOnce(*mut hj_sign_in),
    ) -> Result<Option<CreateSession>, AuthenticateError> {
        let (email, password) = (credentials.email(), credentials.password());
        if email.contains('\0') || password.contains('\0') {
            return Ok(None);
        }
        let mut texts = Texts::with_capacity(email.len() + password.len() + 2);
        let mut sign_in = hj_sign_in {
            email: texts.add(email),
            password: texts.add(password),
            texts,
            credentials: json_with_nul(credentials)?,
            answer: Ok(None),
        };
        authenticate(&raw mut sign_in);
        std::mem::replace(&mut sign_in.answer, Ok(None))
    }
}

impl Drop for hj_sign_in {
    fn drop(&mut self) {
        self.texts.wipe();
    }
}

/// The credentials as JSON with a closing NUL, in a buffer that never grows, so that no copy stays in memory.
fn json_with_nul(credentials: &Credentials) -> Result<Zeroizing<Vec<u8>>, AuthenticateError> {
    struct Length(usize);
    impl Write for Length {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut length = Length(0);
    serde_json::to_writer(&mut length, credentials.as_object())?;
    let mut text = Zeroizing::new(Vec::with_capacity(length.0 + 1));
    serde_json::to_writer(&mut *text, credentials.as_object())?;
    text.push(0);
    Ok(text)
}

/// The e-mail address as the client sent it; not checked, never empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_sign_in_email(sign_in: *const hj_sign_in) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(sign_in, |sign_in| sign_in.texts.c_str(sign_in.email)) }
}

/// The password; never empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_sign_in_password(sign_in: *const hj_sign_in) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(sign_in, |sign_in| sign_in.texts.c_str(sign_in.password)) }
}

/// All that the client sent except its session_options, as a JSON object: "email", "password" and any other member,
/// such as a one-time code. Do not log it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_sign_in_credentials_json(sign_in: *const hj_sign_in) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(sign_in, |sign_in| sign_in.credentials.as_ptr().cast()) }
}

/// Answers that the credentials belong to this user; the call copies its arguments. The session opens after
/// hj_authenticate has returned, with the address and user agent of the request where the options have none. The last
/// answer counts.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR naming the field: the client then gets a 500, unless
/// another answer follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_sign_in_accept(
    sign_in: *mut hj_sign_in,
    user_id: hj_str,
    options: *const hj_create_options,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller keeps "Objects", and uses a sign-in on one thread at a time.
        let sign_in = unsafe { sign_in.as_mut() };
        let sign_in = sign_in.ok_or_else(|| Error::validation("sign_in", "must not be NULL"))?;
        sign_in.answer = Err(AuthenticateError);
        // SAFETY: the caller keeps "Option structs" and "Strings".
        sign_in.answer = Ok(Some(unsafe { create::read_request(user_id, OptionStruct::read(options)?) }?));
        Ok(())
    })
}

/// Answers that the host cannot tell whether the credentials are good, for example because its user store is down: the
/// client gets a 500 without the reason. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_sign_in_fail(sign_in: *mut hj_sign_in) {
    // SAFETY: the caller keeps "Objects", and uses a sign-in on one thread at a time.
    if let Some(sign_in) = unsafe { sign_in.as_mut() } {
        sign_in.answer = Err(AuthenticateError);
    }
}
