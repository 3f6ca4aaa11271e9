//! `hj_sign_in`: the host's word on credentials.

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

/// A sign-in over REST that waits for the host's word. It lives until the hj_authenticate that got it returns, belongs to
/// that call and is used by one thread at a time. Its credentials are wiped from memory afterwards. The getters answer
/// NULL for NULL.
pub struct hj_sign_in {
    texts: Texts,
    email: TextOffset,
    password: TextOffset,
    credentials: Zeroizing<Vec<u8>>,
    word: Result<Option<CreateSession>, AuthenticateError>,
}

/// The host's check of credentials. It looks at the sign-in and says one of three things:
///
/// hj_sign_in_accept: they are this user's, who is signed in; hj_sign_in_fail: it cannot say, the client gets a 500;
/// nothing: they are nobody's, the client gets a 401 that tells no more. To tell nobody which addresses have an account,
/// take as long for unknown ones as for wrong passwords.
///
/// It is called by hj_rest_handle, on the thread of that call and with no lock held, so it may take its time and make any
/// call of this library but freeing the hj_rest; several threads may be in it at once. It must return: no exception and
/// no longjmp may leave it.
pub type hj_authenticate = Option<unsafe extern "C" fn(user_data: *mut c_void, sign_in: *mut hj_sign_in)>;

impl hj_sign_in {
    /// What the host says about the credentials. No user has a NUL in address or password, so the host is not asked about
    /// one: read as a C string, it would not be what the client sent.
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
            credentials: closed_json(credentials)?,
            word: Ok(None),
        };
        authenticate(&raw mut sign_in);
        std::mem::replace(&mut sign_in.word, Ok(None))
    }
}

impl Drop for hj_sign_in {
    fn drop(&mut self) {
        self.texts.wipe();
    }
}

/// The credentials as JSON with a closing NUL, in a buffer that never grew, so that no copy stays behind.
fn closed_json(credentials: &Credentials) -> Result<Zeroizing<Vec<u8>>, AuthenticateError> {
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
    // SAFETY: the caller promises NULL or the sign-in that waits ("Objects").
    unsafe { get(sign_in, |sign_in| sign_in.texts.c_str(sign_in.email)) }
}

/// The password; never empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_sign_in_password(sign_in: *const hj_sign_in) -> *const c_char {
    // SAFETY: the caller promises NULL or the sign-in that waits ("Objects").
    unsafe { get(sign_in, |sign_in| sign_in.texts.c_str(sign_in.password)) }
}

/// All that the client sent but its session_options, as a JSON object: "email", "password" and whatever else, such as a
/// one-time code. Do not log it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_sign_in_credentials_json(sign_in: *const hj_sign_in) -> *const c_char {
    // SAFETY: the caller promises NULL or the sign-in that waits ("Objects").
    unsafe { get(sign_in, |sign_in| sign_in.credentials.as_ptr().cast()) }
}

/// Says that the credentials are this user's; everything is copied. The session opens after hj_authenticate has returned,
/// with the address and user agent of the request where the options have none. The last word counts.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR naming the field: the client gets a 500 then, unless another
/// word follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_sign_in_accept(
    sign_in: *mut hj_sign_in,
    user_id: hj_str,
    options: *const hj_create_options,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller promises NULL or the sign-in that waits, on one thread at a time ("Objects").
        let sign_in = unsafe { sign_in.as_mut() };
        let sign_in = sign_in.ok_or_else(|| Error::validation("sign_in", "must not be NULL"))?;
        sign_in.word = Err(AuthenticateError);
        // SAFETY: the caller promises NULL or a struct of `struct_size` bytes ("Option structs").
        let options = unsafe { OptionStruct::read(options) }?;
        // SAFETY: the caller promises readable texts ("Strings").
        sign_in.word = Ok(Some(unsafe { create::read_request(user_id, options) }?));
        Ok(())
    })
}

/// Says that the host cannot tell whether the credentials are good, because its user store is down, say: the client gets
/// a 500 without the reason. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_sign_in_fail(sign_in: *mut hj_sign_in) {
    // SAFETY: the caller promises NULL or the sign-in that waits, on one thread at a time ("Objects").
    if let Some(sign_in) = unsafe { sign_in.as_mut() } {
        sign_in.word = Err(AuthenticateError);
    }
}
