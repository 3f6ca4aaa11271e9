//! The one table of errors (SPEC 6) and the types that carry a row of it.

use std::fmt;
use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

macro_rules! error_table {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal, $name:literal, $status:literal;)*) => {
        /// What went wrong, one row of the table in SPEC 6. The same rows answer at every API surface: [`as_str`](Self::as_str)
        /// is the `code` in Node and REST, [`http_status`](Self::http_status) the REST status,
        /// [`number`](Self::number) the `HJ_ERR_…` constant in C.
        ///
        /// ```
        /// use hellojohn::ErrorCode;
        ///
        /// let code = ErrorCode::SessionRevoked;
        /// assert_eq!((code.as_str(), code.http_status()), ("session_revoked", 401));
        /// assert!(code.is_verification_refusal() && ErrorCode::ALL.contains(&code));
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode { $($(#[doc = $doc])+ $variant,)* }

        impl ErrorCode {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The code as text: `session_revoked`.
            pub fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $name,)* }
            }

            /// The HTTP status that REST answers with.
            pub fn http_status(self) -> u16 {
                match self { $(ErrorCode::$variant => $status,)* }
            }

            /// The number in the C header; never reused, never 0.
            pub fn number(self) -> i32 {
                match self { $(ErrorCode::$variant => $number,)* }
            }

            /// What the row says; for the generators of the bindings.
            #[doc(hidden)]
            pub fn doc(self) -> &'static str {
                match self { $(ErrorCode::$variant => concat!($($doc, "\n"),+),)* }
            }

            /// Whether a verification with this error found that the token or session is not good (`valid: false`), rather
            /// than that it could not find out.
            pub fn is_verification_refusal(self) -> bool {
                matches!(
                    self,
                    ErrorCode::MissingToken
                        | ErrorCode::InvalidToken
                        | ErrorCode::TokenExpired
                        | ErrorCode::SessionExpired
                        | ErrorCode::SessionRevoked
                        | ErrorCode::SessionNotFound
                )
            }
        }
    };
}

error_table! {
    /// A value that the caller gave is of the wrong type, empty, too long or out of range.
    ValidationError = 1, "validation_error", 422;
    /// No token was given where one is needed.
    MissingToken = 2, "missing_token", 401;
    /// Not an access token of this tenant: malformed, forged, or signed by a key that is gone.
    InvalidToken = 3, "invalid_token", 401;
    /// A genuine access token past its `exp`.
    TokenExpired = 4, "token_expired", 401;
    /// Not a refresh token of this tenant; the call had no effect.
    RefreshTokenInvalid = 5, "refresh_token_invalid", 401;
    /// A refresh token that was used before; its session has been ended.
    RefreshTokenReused = 6, "refresh_token_reused", 401;
    /// A refresh token newer than the database, which was restored from a backup.
    RefreshTokenAhead = 7, "refresh_token_ahead", 401;
    /// The session reached its end or its idle time-out.
    SessionExpired = 8, "session_expired", 401;
    /// The session was revoked.
    SessionRevoked = 9, "session_revoked", 401;
    /// No such session in this tenant.
    SessionNotFound = 10, "session_not_found", 404;
    /// The secret key is not this tenant's.
    InvalidApiKey = 11, "invalid_api_key", 401;
    /// The request names another tenant.
    TenantMismatch = 12, "tenant_mismatch", 403;
    /// The caller may not do this.
    InsufficientPermissions = 13, "insufficient_permissions", 403;
    /// The host refused the user's credentials.
    InvalidCredentials = 14, "invalid_credentials", 401;
    /// No such thing (a key, a path).
    NotFound = 15, "not_found", 404;
    /// The path exists, the method does not.
    MethodNotAllowed = 16, "method_not_allowed", 405;
    /// The request itself cannot be read.
    BadRequest = 17, "bad_request", 400;
    /// The request body is over the limit.
    PayloadTooLarge = 18, "payload_too_large", 413;
    /// The engine was closed.
    EngineClosed = 19, "engine_closed", 503;
    /// Another writer held the database for longer than the busy time-out.
    StorageBusy = 20, "storage_busy", 503;
    /// The disk is full; nothing was changed.
    StorageFull = 21, "storage_full", 507;
    /// The operating system failed a file operation; nothing was acknowledged.
    StorageIo = 22, "storage_io", 500;
    /// The file is not a database of this engine, or is damaged.
    StorageCorrupt = 23, "storage_corrupt", 500;
    /// The file or its folder cannot be written.
    StorageReadOnly = 24, "storage_read_only", 500;
    /// The file was written by a newer release.
    StorageTooNew = 25, "storage_too_new", 500;
    /// The process forked after it had used the library: the child can use neither its parent's engines nor, before `exec`,
    /// one of its own.
    Forked = 26, "forked", 500;
    /// A fault of the engine or of the machine's clock or entropy.
    Internal = 27, "internal", 500;
    /// Too many sign-ins have failed for the account or from the address; the error says after how many seconds to try
    /// again.
    TooManyRequests = 28, "too_many_requests", 429;
    /// The machine's clock was set ahead by more than `max_clock_jump` while this process ran: nothing was decided by it.
    ClockJump = 29, "clock_jump", 503;
    /// The user must authenticate again, or with other factors; the error says with which, and how long ago that may have been.
    ReauthenticationRequired = 30, "reauthentication_required", 401;
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error of every fallible call: a [code](ErrorCode) to branch on and one English line for a developer.
///
/// The line never contains a token, an address, SQL or a secret. Where the operating system or the database caused the
/// error, [`source`](std::error::Error::source) gives theirs, for the host's log: it may name files. Two errors are equal
/// when code and line are.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// use hellojohn::{Error, ErrorCode};
///
/// let error: Error = tenant.refresh("rt_none", Default::default()).unwrap_err();
/// assert_eq!(error.code(), ErrorCode::RefreshTokenInvalid);
/// eprintln!("{}", error.detail());
/// assert_eq!((error.field(), error.retry_after_secs()), (None, None));
/// assert!(error.required_authentication().is_none());
///
/// // One of the host's own, for a function that answers as the engine does.
/// let own = Error::new(ErrorCode::Internal, "the user table is down").caused_by(std::io::Error::other("refused"));
/// assert!(std::error::Error::source(&own).is_some());
/// assert_eq!(Error::validation("plan", "must be pro or free").detail(), "plan: must be pro or free");
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Error {
    code: ErrorCode,
    detail: Box<str>,
    field: Option<Box<str>>,
    retry_after_secs: Option<u64>,
    reauthentication: Option<Arc<Reauthentication>>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// How a user must authenticate before a call is made again.
///
/// ```
/// let required = hellojohn::Reauthentication::new(Some(300), vec!["otp".to_owned()]);
/// assert_eq!(required.max_age_secs, Some(300));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reauthentication {
    /// For how many seconds a factor counts after it was passed: `max_age` of RFC 9470.
    #[serde(rename = "max_age")]
    pub max_age_secs: Option<u64>,
    /// The methods that must be passed, all of them.
    pub factors: Vec<String>,
}

impl Reauthentication {
    /// With these methods, not longer ago than this.
    pub fn new(max_age_secs: Option<u64>, factors: Vec<String>) -> Self {
        Reauthentication { max_age_secs, factors }
    }
}

impl Error {
    /// An error of this code with a line of detail.
    pub fn new(code: ErrorCode, detail: impl Into<Box<str>>) -> Self {
        Error {
            code,
            detail: detail.into(),
            field: None,
            retry_after_secs: None,
            reauthentication: None,
            source: None,
        }
    }

    /// A `validation_error` that names the field first.
    pub fn validation(field: &str, problem: impl fmt::Display) -> Self {
        let named = Some(field.into());
        Error { field: named, ..Error::new(ErrorCode::ValidationError, format!("{field}: {problem}")) }
    }

    /// The field, setting or argument that a `validation_error` is about, with which its detail begins.
    ///
    /// ```
    /// let refused = "".parse::<hellojohn::UserId>().unwrap_err();
    /// assert_eq!(refused.field(), Some("user_id"));
    /// ```
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// The same error with the one that caused it as its source.
    #[must_use]
    pub fn caused_by(self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Error { source: Some(Arc::new(cause)), ..self }
    }

    /// The same error for a caller that may succeed after this many seconds.
    pub(crate) fn retry_after(self, secs: u64) -> Self {
        Error { retry_after_secs: Some(secs), ..self }
    }

    /// After how many seconds the same call may succeed, for `too_many_requests`: the value of REST's `Retry-After`.
    pub fn retry_after_secs(&self) -> Option<u64> {
        self.retry_after_secs
    }

    /// How the user must authenticate, for `reauthentication_required`.
    pub fn required_authentication(&self) -> Option<&Reauthentication> {
        self.reauthentication.as_deref()
    }

    /// The row of the table.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// One line for a developer.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The line as a client may read it: the detail of a failure of the server is for the host alone.
    pub(crate) fn public_detail(&self) -> &str {
        match self.code.http_status() {
            500.. => "the request could not be completed; the operator can tell more from its id",
            _ => &self.detail,
        }
    }
}

/// As the REST API writes it, without the id of the request: `code`, `message`, `status`; with `max_age` (seconds or null) and `factors`
/// where the user must authenticate again. The message of a status from 500 on does not tell the detail.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("code", self.code.as_str())?;
        members.serialize_entry("message", self.public_detail())?;
        members.serialize_entry("status", &self.code.http_status())?;
        if let Some(required) = self.required_authentication() {
            members.serialize_entry("max_age", &required.max_age_secs)?;
            members.serialize_entry("factors", &required.factors)?;
        }
        members.end()
    }
}

impl From<Reauthentication> for Error {
    /// `reauthentication_required`.
    fn from(required: Reauthentication) -> Self {
        let reauthentication = Some(Arc::new(required));
        let detail = "the user must authenticate again, or with other factors";
        Error { reauthentication, ..Error::new(ErrorCode::ReauthenticationRequired, detail) }
    }
}

impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        (self.code, &self.detail) == (other.code, &other.detail)
    }
}

impl Eq for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// A rule's "no". The transaction around it commits, because a refusal may have changed state (an idle session was found
/// ended, a refresh token was reused). There is deliberately no conversion between this and [`Failure`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal(Error);

impl Refusal {
    pub(crate) fn new(code: ErrorCode, detail: impl Into<Box<str>>) -> Self {
        Refusal(Error::new(code, detail))
    }

    /// Refuses with an error that was found while reading the caller's input.
    pub(crate) fn because(error: Error) -> Self {
        Refusal(error)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        refusal.0
    }
}

/// Something broke (disk, memory, clock). The transaction around it rolls back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure(Error);

impl Failure {
    pub(crate) fn new(code: ErrorCode, detail: impl Into<Box<str>>) -> Self {
        Failure(Error::new(code, detail))
    }

    pub(crate) fn internal(detail: impl Into<Box<str>>) -> Self {
        Failure::new(ErrorCode::Internal, detail)
    }

    /// Impossible data in our own tables.
    pub(crate) fn corrupt(detail: impl Into<Box<str>>) -> Self {
        Failure::new(ErrorCode::StorageCorrupt, detail)
    }

    /// The error that a caller would get.
    pub(crate) fn as_error(&self) -> &Error {
        &self.0
    }

    /// The same failure, its line continued by a remark.
    pub(crate) fn and_that(self, remark: &str) -> Self {
        let detail = format!("{}; {remark}", self.0.detail).into();
        Failure(Error { detail, ..self.0 })
    }

    /// The same failure with the error that caused it as its source.
    pub(crate) fn caused_by(self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Failure(self.0.caused_by(cause))
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        failure.0
    }
}

/// Why an operation inside a transaction gave no answer, and with it what becomes of the transaction: the only place
/// where the two meet. `?` turns a [`Refusal`] or a [`Failure`] into it and neither into the other.
#[derive(Debug)]
pub(crate) enum OpError {
    /// A rule said no: the transaction commits.
    Refused(Refusal),
    /// Something broke: the transaction rolls back.
    Failed(Failure),
}

impl From<Refusal> for OpError {
    fn from(refusal: Refusal) -> Self {
        OpError::Refused(refusal)
    }
}

impl From<Failure> for OpError {
    fn from(failure: Failure) -> Self {
        OpError::Failed(failure)
    }
}

/// Outside a transaction nothing depends on the difference any more.
impl From<OpError> for Error {
    fn from(error: OpError) -> Error {
        match error {
            OpError::Refused(refusal) => refusal.0,
            OpError::Failed(failure) => failure.0,
        }
    }
}

#[cfg(test)]
mod tests;
