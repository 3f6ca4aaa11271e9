//! The REST API as a router of axum, and guards for the routes of the host (feature `axum`).
//!
//! Everything that may wait for the disk runs on tokio's threads for blocking work: no call here blocks the runtime.
//!
//! ```
//! use axum::{Router, middleware, routing::get};
//! use hellojohn::axum::{AuthGuard, CurrentUser, require_auth, router};
//! use hellojohn::rest::{AccessCookieOptions, AuthorizeOptions, CookieOptions, RestApi, RestOptions};
//!
//! # let engine = hellojohn::Engine::open(":memory:")?;
//! # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
//! let cookie = CookieOptions::default().access(Some(AccessCookieOptions::default()));
//! let api = RestApi::new(tenant, RestOptions::default().cookie(Some(cookie)))?;
//!
//! async fn account(CurrentUser(user): CurrentUser) -> String {
//!     format!("signed in as {}", user.user_id)
//! }
//!
//! let guard = AuthGuard::new(api.clone(), AuthorizeOptions::default());
//! let app: Router = Router::new()
//!     .route("/account", get(account))
//!     .route_layer(middleware::from_fn_with_state(guard, require_auth))
//!     .merge(router(api));
//! # Ok::<(), hellojohn::Error>(())
//! ```
//!
//! The address of a client is that of its connection, where the application is served with
//! `into_make_service_with_connect_info::<SocketAddr>()`; behind a proxy of your own, put the one that the proxy reports into the request's
//! extensions, as a [`ClientAddress`].

use std::net::SocketAddr;
use std::sync::Arc;

use ::axum::Router;
use ::axum::body::{Body, Bytes, to_bytes};
use ::axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use ::axum::middleware::Next;
use ::axum::response::{IntoResponse, Response};
use ::axum::routing::any;

use crate::error::{Error, ErrorCode};
use crate::rest::http::StatusCode;
use crate::rest::http::header::SET_COOKIE;
use crate::rest::http::request::Parts;
use crate::rest::{
    Authorization, AuthorizeOptions, BODY_MAX, ClientAddress, MissingToken, RequestAuth, RestApi,
    error_response,
};

/// The routes of the REST API. Merge them into an application, or nest them under a path that
/// [`RestOptions::mount_path`](field@crate::rest::RestOptions::mount_path) names. The [`Error`] of a failed request is in the response's
/// extensions, for the host's log.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// use hellojohn::rest::{RestApi, RestOptions};
///
/// let api = RestApi::new(tenant, RestOptions::default().mount_path(Some("/auth".into())))?;
/// let app: axum::Router = axum::Router::new().nest("/auth", hellojohn::axum::router(api));
/// # Ok::<(), hellojohn::Error>(())
/// ```
pub fn router<S: Clone + Send + Sync + 'static>(api: RestApi) -> Router<S> {
    let mounted = api.mounted_paths();
    let router = mounted.iter().fold(Router::new(), |router, path| router.route(path, any(answer)));
    router.with_state(api)
}

async fn answer(State(api): State<RestApi>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    note_address(&mut parts);
    // A body over the limit is not read on; the API then answers 413.
    let too_long = |_| Bytes::from(vec![0; BODY_MAX + 1]);
    let body = to_bytes(body, BODY_MAX).await.unwrap_or_else(too_long);
    let answered = run_blocking(move || api.handle(Request::from_parts(parts, body))).await;
    answered.unwrap_or_else(error_response).map(Body::from)
}

/// What [`require_auth`] lets pass. Clones share everything.
#[derive(Debug, Clone)]
pub struct AuthGuard {
    api: RestApi,
    options: Arc<AuthorizeOptions>,
}

impl AuthGuard {
    /// A guard by the `Authorization` header and, where the API has
    /// [`CookieOptions::access`](field@crate::rest::CookieOptions::access), by the cookies of a browser, which it renews on the way.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let api = hellojohn::rest::RestApi::new(tenant, hellojohn::rest::RestOptions::default())?;
    /// use hellojohn::{RequiredAuth, axum::AuthGuard, rest::AuthorizeOptions};
    ///
    /// // Admins who have passed a second factor in the last five minutes.
    /// let required = RequiredAuth::default().role(Some("admin".parse()?)).mfa(true).max_age(Some("5m".parse()?));
    /// let guard = AuthGuard::new(api, AuthorizeOptions::default().required(required));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn new(api: RestApi, options: AuthorizeOptions) -> Self {
        AuthGuard { api, options: Arc::new(options.renew(true)) }
    }
}

/// A middleware that lets only requests pass whose user may, puts the user where [`CurrentUser`] and [`MaybeUser`] find it, and sends
/// the cookies that were renewed with the response: `middleware::from_fn_with_state(guard, require_auth)`. A CORS preflight is
/// answered with 204 and no header, unless anonymous requests may pass: what answers preflights belongs in front.
pub async fn require_auth(State(guard): State<AuthGuard>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    note_address(&mut parts);
    let AuthGuard { api, options } = guard;
    let admits_anonymous = options.missing_token == MissingToken::Allow;
    let authorized = run_blocking(move || {
        let found = api.authorize(&parts, &options);
        (parts, found)
    });
    let (mut parts, Authorization { auth, headers, .. }) = match authorized.await {
        Ok(authorized) => authorized,
        Err(error) => return error_response(error).map(Body::from),
    };
    let mut response = match auth {
        // Nothing but a preflight has no user here.
        Ok(None) if !admits_anonymous => StatusCode::NO_CONTENT.into_response(),
        Ok(auth) => {
            parts.extensions.insert(Checked(auth));
            next.run(Request::from_parts(parts, body)).await
        }
        Err(refused) => error_response(refused).map(Body::from),
    };
    for (name, value) in &headers {
        if name == SET_COOKIE {
            response.headers_mut().append(name, value.clone());
        } else if !response.headers().contains_key(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// What [`require_auth`] has found.
#[derive(Clone)]
struct Checked(Option<RequestAuth>);

/// The user of a request behind [`require_auth`]. A request without one is refused: 401 `missing_token` for an anonymous request that has
/// passed the guard, 500 `internal` where no guard stands in front.
///
/// ```
/// use hellojohn::axum::CurrentUser;
///
/// async fn account(CurrentUser(user): CurrentUser) -> String {
///     user.user_id.to_string()
/// }
/// ```
#[derive(Debug, Clone)]
pub struct CurrentUser(pub RequestAuth);

/// The user of a request behind [`require_auth`], or `None` for an anonymous request that has passed it. Refused with 500 `internal` where
/// no guard stands in front.
///
/// ```
/// use hellojohn::axum::MaybeUser;
///
/// async fn home(MaybeUser(user): MaybeUser) -> String {
///     user.map_or_else(|| "a visitor".to_owned(), |user| user.user_id.to_string())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct MaybeUser(pub Option<RequestAuth>);

/// The response to a request whose user an extractor could not tell.
#[derive(Debug)]
pub struct NoUser(Error);

impl IntoResponse for NoUser {
    fn into_response(self) -> Response {
        error_response(self.0).map(Body::from)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MaybeUser {
    type Rejection = NoUser;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NoUser> {
        match parts.extensions.get::<Checked>() {
            Some(Checked(auth)) => Ok(MaybeUser(auth.clone())),
            None => {
                let problem = "no guard stands in front of this route: add the middleware require_auth";
                Err(NoUser(Error::new(ErrorCode::Internal, problem)))
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = NoUser;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, NoUser> {
        let MaybeUser(auth) = MaybeUser::from_request_parts(parts, state).await?;
        let missing = || NoUser(Error::new(ErrorCode::MissingToken, "the request has no user"));
        auth.map(CurrentUser).ok_or_else(missing)
    }
}

/// Notes the address of the connection, unless the host has noted one.
fn note_address(parts: &mut Parts) {
    if parts.extensions.get::<ClientAddress>().is_none()
        && let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<SocketAddr>>()
    {
        let address = ClientAddress(Some(peer.ip().into()));
        parts.extensions.insert(address);
    }
}

/// Runs work that may wait for the disk away from the runtime's own threads.
///
/// # Errors
/// `internal` if it panicked, or if the runtime ends.
async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|_| Error::new(ErrorCode::Internal, "the work for a request did not end"))
}

#[cfg(test)]
mod tests;
