//! Authorisation of requests for pages that the host renders: by the `Authorization` header, else by the cookies of the browser.

use http::HeaderMap;
use http::header::{CACHE_CONTROL, HeaderValue, SET_COOKIE};
use http::request::Parts;

use super::access_cookie::AccessTokens;
use super::api::RestApi;
use super::auth::to_credential_error;
use super::authorize::{
    AuthorizeOptions, CheckedToken, Credentials, MissingToken, Verification, check_token, find_user,
    read_credentials,
};
use super::cookie_jar::CookieJar;
use super::cookie_refresh::refresh_by_cookie;
use super::csrf::{may_renew, require_own_page};
use super::request_auth::RequestAuth;
use crate::engine::{CacheValidator, LocalVerification, Tenant};
use crate::error::{Error, ErrorCode};

/// The outcome of [`RestApi::authorize`].
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let api = hellojohn::rest::RestApi::new(tenant.clone(), hellojohn::rest::RestOptions::default())?;
/// use hellojohn::rest::{AuthorizeOptions, error_response, http::Request};
///
/// let (request, ()) = Request::get("/account").body(()).expect("a request").into_parts();
/// let found = api.authorize(&request, &AuthorizeOptions::default());
/// let response = error_response(found.auth.unwrap_err());
/// assert_eq!((response.status().as_u16(), found.headers.len()), (401, 0));
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Authorization {
    /// The user that the request comes from; `None` for an anonymous request that may pass, and for a CORS preflight. Answer an
    /// error with [`error_response`](super::error_response).
    pub auth: Result<Option<RequestAuth>, Error>,
    /// What the host adds to its response, also to that of an error: `Set-Cookie` for each cookie that was renewed or cleared, and
    /// `Cache-Control: no-store` with them. Empty without [`AuthorizeOptions::renew`](field@AuthorizeOptions::renew).
    pub headers: HeaderMap,
    /// For a host that remembers answers: a request with the same `Authorization` header may pass by the same options, and is the same
    /// user's, for as long as [`Tenant::is_fresh`](crate::Tenant::is_fresh) says so; its other headers must be good ones, and it
    /// must be no CORS preflight. `None` for a refusal, and where a request like this has to be looked at each time: without
    /// a bearer token in that header, with [`Verification::Local`], and with a `max_age`.
    pub validator: Option<CacheValidator>,
}

impl Authorization {
    pub(super) fn new(auth: Result<Option<RequestAuth>, Error>, cookies: Vec<HeaderValue>) -> Self {
        let mut headers = HeaderMap::new();
        if !cookies.is_empty() {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        for cookie in cookies {
            headers.append(SET_COOKIE, cookie);
        }
        Authorization { auth, headers, validator: None }
    }

    pub(super) fn of_token(CheckedToken { auth, validator }: CheckedToken) -> Self {
        Authorization { auth: Ok(Some(auth)), headers: HeaderMap::new(), validator }
    }
}

/// [`authorize`](super::authorize()) for a host that remembers answers: the outcome has the [`validator`](field@Authorization::validator) that
/// [`Tenant::is_fresh`] takes, and no headers.
///
/// ```
/// use hellojohn::rest::{AuthorizeOptions, authorize_cacheable, http::Request};
/// use hellojohn::{CreateSession, Engine};
///
/// let engine = Engine::open(":memory:")?;
/// let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// let grant = tenant.create(CreateSession::new("usr_1".parse()?))?;
/// let credentials = format!("Bearer {}", grant.access_token.expose());
/// let (request, ()) = Request::get("/").header("authorization", credentials).body(()).expect("a request").into_parts();
/// let found = authorize_cacheable(&tenant, &request, &AuthorizeOptions::default());
/// assert_eq!(found.auth?.expect("a user").user_id.as_str(), "usr_1");
/// assert!(found.validator.is_some());
/// # Ok::<(), hellojohn::Error>(())
/// ```
pub fn authorize_cacheable(tenant: &Tenant, parts: &Parts, options: &AuthorizeOptions) -> Authorization {
    match find_user(tenant, parts, options) {
        Ok(Some(checked)) => Authorization::of_token(checked),
        Ok(None) => Authorization::new(Ok(None), Vec::new()),
        Err(error) => Authorization::new(Err(error), Vec::new()),
    }
}

/// What was found without a write.
enum Read {
    Done(Box<Authorization>),
    /// The access token was refused, and the refresh cookie may replace it.
    Renew(Error),
}

impl RestApi {
    /// Authorises a request to a route of the host's own as [`authorize`](super::authorize()) does and, where the API has
    /// [`CookieOptions::access`](field@super::CookieOptions::access), a request without an `Authorization` header by its cookies.
    /// `docs/COOKIES.md` has the rules. It may write: an asynchronous host runs it on a thread for blocking work.
    ///
    /// ```
    /// use hellojohn::rest::{AccessCookieOptions, AuthorizeOptions, CookieOptions, RestApi, RestOptions, http::Request};
    /// use hellojohn::{CreateSession, Engine};
    ///
    /// let engine = Engine::open(":memory:")?;
    /// let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// let cookie = CookieOptions::default().access(Some(AccessCookieOptions::default()));
    /// let api = RestApi::new(tenant.clone(), RestOptions::default().cookie(Some(cookie)))?;
    ///
    /// let grant = tenant.create(CreateSession::new("usr_1".parse()?))?;
    /// let cookies = format!("__Host-hj_access={}", grant.access_token.expose());
    /// let (request, ()) = Request::get("/account").header("cookie", cookies).body(()).expect("a request").into_parts();
    /// let found = api.authorize(&request, &AuthorizeOptions::default().renew(true));
    /// assert_eq!(found.auth?.expect("a user").user_id.as_str(), "usr_1");
    /// assert!(found.headers.is_empty(), "nothing had to be renewed");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn authorize(&self, parts: &Parts, options: &AuthorizeOptions) -> Authorization {
        match self.read_auth(parts, options) {
            Ok(Read::Done(found)) => *found,
            Ok(Read::Renew(refused)) => self.renew(parts, options, refused),
            Err(error) => Authorization::new(Err(error), Vec::new()),
        }
    }

    /// [`authorize`](Self::authorize) for a host that reads and writes on different threads: `None` where cookies have to be
    /// renewed, which writes. Then ask `authorize`.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// # let api = hellojohn::rest::RestApi::new(tenant, hellojohn::rest::RestOptions::default())?;
    /// use hellojohn::rest::{AuthorizeOptions, http::Request};
    ///
    /// let bearer = format!("Bearer {}", grant.access_token.expose());
    /// let (request, ()) = Request::get("/account").header("authorization", bearer).body(()).expect("a request").into_parts();
    /// let found = api.authorize_by_reading(&request, &AuthorizeOptions::default()).expect("no cookie is to be renewed");
    /// assert!(found.auth?.is_some());
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn authorize_by_reading(&self, parts: &Parts, options: &AuthorizeOptions) -> Option<Authorization> {
        match self.read_auth(parts, options) {
            Ok(Read::Done(found)) => Some(*found),
            Ok(Read::Renew(_)) => None,
            Err(error) => Some(Authorization::new(Err(error), Vec::new())),
        }
    }

    fn read_auth(&self, parts: &Parts, options: &AuthorizeOptions) -> Result<Read, Error> {
        let (tenant, api) = (&self.state.tenant, &self.state.options);
        let Some(access_cookie) = api.access_cookie() else {
            return Ok(Read::Done(Box::new(authorize_cacheable(tenant, parts, options))));
        };
        let done = |auth: Option<RequestAuth>| Read::Done(Box::new(Authorization::new(Ok(auth), Vec::new())));
        match read_credentials(tenant, parts)? {
            Credentials::Preflight => return Ok(done(None)),
            Credentials::Token(token) => {
                let checked = check_token(tenant, token, options)?.of_request(parts);
                return Ok(Read::Done(Box::new(Authorization::of_token(checked))));
            }
            Credentials::None => {}
        }
        let cookie = api.cookie();
        let (tokens, jar) = (AccessTokens::read(access_cookie, parts), CookieJar::read(cookie, parts));
        if !tokens.is_empty() || jar.has_cookies() {
            require_own_page(cookie, parts)?;
        }
        let verify = |token: &str| match options.verification {
            Verification::Store => match tenant.verify_access_token(token) {
                Ok(verified) => Ok(verified.claims.clone()),
                Err(refused) => Err(to_credential_error(refused.error)),
            },
            Verification::Local => tenant.verify_locally(token, &LocalVerification::default()),
        };
        let refused = match tokens.pick(verify).and_then(|token| check_token(tenant, token, options)) {
            Ok(checked) => return Ok(done(Some(checked.auth))),
            Err(error) if !is_of_a_cookie(&error) => return Err(error),
            Err(error) => error,
        };
        if !jar.has_cookies() {
            return refuse(options, refused).map(done);
        }
        // Without a window of reuse, two requests at once would end the session.
        if options.renew && may_renew(cookie, parts) && tenant.config()?.refresh_reuse_window.as_secs() > 0 {
            return Ok(Read::Renew(refused));
        }
        // The refresh token proves who the user is without being used up.
        match jar.inspect(tenant).map_err(to_credential_error)?.good_session {
            Some(session) => {
                let session = tenant.require_auth_of_session(session, &options.required);
                let session = session.map_err(|refused| to_credential_error(refused.error))?;
                Ok(done(Some(RequestAuth::of_session(&session))))
            }
            None => refuse(options, refused).map(done),
        }
    }

    /// Replaces the cookies. `refused` is what the access token came to.
    fn renew(&self, parts: &Parts, options: &AuthorizeOptions, refused: Error) -> Authorization {
        let (tenant, cookie) = (&self.state.tenant, self.state.options.cookie());
        let jar = CookieJar::read(cookie, parts);
        let refreshed = match refresh_by_cookie(tenant, cookie, &jar, parts) {
            Ok(refreshed) => refreshed,
            Err(error) => return Authorization::new(Err(error), Vec::new()),
        };
        let auth = match refreshed.outcome {
            Ok(grant) => tenant
                .require_of_session(&grant.session, &options.required)
                .map(|()| Some(RequestAuth::of_session(&grant.session))),
            Err(error) if error.code() == ErrorCode::RefreshTokenInvalid => refuse(options, refused),
            Err(error) if is_of_a_cookie(&error) => refuse(options, error),
            Err(error) => Err(error),
        };
        Authorization::new(auth, refreshed.cookies)
    }
}

/// Whether an error says that a cookie signs no user in. The browser sends it by itself, so that it counts as none where anonymous
/// requests pass.
fn is_of_a_cookie(error: &Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::MissingToken
            | ErrorCode::InvalidToken
            | ErrorCode::TokenExpired
            | ErrorCode::SessionExpired
            | ErrorCode::SessionRevoked
            | ErrorCode::RefreshTokenReused
            | ErrorCode::RefreshTokenAhead
    )
}

fn refuse(options: &AuthorizeOptions, error: Error) -> Result<Option<RequestAuth>, Error> {
    match options.missing_token {
        MissingToken::Allow => Ok(None),
        MissingToken::Reject => Err(error),
    }
}

#[cfg(test)]
mod tests;
