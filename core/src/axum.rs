//! The REST API as a router of axum, and guards for the routes of the host (feature `axum`).
//!
//! Everything that may wait for the disk runs on tokio's threads for blocking work: no call here blocks the runtime. The parts are those
//! of [`hellojohn::tower`](crate::tower) in the shape of axum.
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
//! extensions, as a [`ClientAddress`](crate::rest::ClientAddress).

use std::net::{IpAddr, SocketAddr};

use ::axum::Router;
use ::axum::body::Body;
use ::axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use ::axum::middleware::Next;
use ::axum::response::{IntoResponse, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::error::Error;
use crate::rest::http::request::Parts;
use crate::rest::{AuthorizeOptions, RequestAuth, RestApi, error_response};
use crate::tower::{AuthLayer, AuthService, RestService, current_user, find_user};

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
    let service = RestService::new(api).client_address(peer_address);
    mounted.iter().fold(Router::new(), |router, path| router.route_service(path, service.clone()))
}

/// The address of the connection.
fn peer_address(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip())
}

/// What [`require_auth`] lets pass. It is a layer, too: `.route_layer(guard)` does the same. Clones share everything.
///
/// ```
/// use axum::{Router, routing::get};
/// use hellojohn::axum::{AuthGuard, CurrentUser};
///
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let api = hellojohn::rest::RestApi::new(tenant, hellojohn::rest::RestOptions::default())?;
/// let guard = AuthGuard::new(api, hellojohn::rest::AuthorizeOptions::default());
/// let account = get(async |CurrentUser(user): CurrentUser| user.user_id.to_string());
/// let app: Router = Router::new().route("/account", account).route_layer(guard);
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct AuthGuard(AuthLayer);

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
        AuthGuard(AuthLayer::new(api, options).client_address(peer_address))
    }
}

impl<S> Layer<S> for AuthGuard {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        self.0.layer(inner)
    }
}

/// A middleware that lets only requests pass whose user may, puts the user where [`CurrentUser`] and [`MaybeUser`] find it, and sends
/// the cookies that were renewed with the response: `middleware::from_fn_with_state(guard, require_auth)`. A CORS preflight is
/// answered with 204 and no header, unless anonymous requests may pass: what answers preflights belongs in front.
///
/// ```
/// use axum::{Router, middleware, routing::get};
/// use hellojohn::axum::{AuthGuard, CurrentUser, require_auth};
///
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let api = hellojohn::rest::RestApi::new(tenant.clone(), hellojohn::rest::RestOptions::default())?;
/// let guard = AuthGuard::new(api, hellojohn::rest::AuthorizeOptions::default());
/// let account = get(async |CurrentUser(user): CurrentUser| user.user_id.to_string());
/// let app: Router =
///     Router::new().route("/account", account).route_layer(middleware::from_fn_with_state(guard, require_auth));
/// # Ok::<(), hellojohn::Error>(())
/// ```
pub async fn require_auth(State(guard): State<AuthGuard>, request: Request, next: Next) -> Response {
    match guard.layer(next).call(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}

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
///
/// ```
/// use axum::extract::FromRequestParts;
/// use axum::response::IntoResponse;
/// use hellojohn::axum::CurrentUser;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let (mut parts, ()) = axum::http::Request::new(()).into_parts();
/// let no_user = CurrentUser::from_request_parts(&mut parts, &()).await.unwrap_err();
/// assert_eq!(no_user.into_response().status(), 500); // no guard stands in front
/// # });
/// ```
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
        find_user(&parts.extensions).map(|user| MaybeUser(user.cloned())).map_err(NoUser)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = NoUser;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NoUser> {
        current_user(&parts.extensions).map(|user| CurrentUser(user.clone())).map_err(NoUser)
    }
}

#[cfg(test)]
mod tests;
