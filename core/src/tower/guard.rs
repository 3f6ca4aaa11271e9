//! A guard for routes of the host's own, and how they learn of the user who has passed it.

use std::fmt;
use std::future::Future;
use std::mem;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{Either, Full};
use tower_layer::Layer;
use tower_service::Service;

use super::client_address::AddressSource;
use super::off_thread::run_blocking;
use crate::error::{Error, ErrorCode};
use crate::rest::http::header::SET_COOKIE;
use crate::rest::http::request::Parts;
use crate::rest::http::{Extensions, HeaderMap, Request, Response, StatusCode};
use crate::rest::{Authorization, AuthorizeOptions, MissingToken, RequestAuth, RestApi, error_response};

/// Lets only requests pass to a service whose user may, puts the user where [`current_user`] and [`find_user`] find it, and sends the
/// cookies that were renewed with the response. A CORS preflight is answered with 204 and no header, unless anonymous requests may pass:
/// what answers preflights belongs in front. Clones share everything.
///
/// ```
/// use hellojohn::{RequiredAuth, rest::AuthorizeOptions, tower::AuthLayer};
///
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let api = hellojohn::rest::RestApi::new(tenant, hellojohn::rest::RestOptions::default())?;
/// // Admins who have passed a second factor in the last five minutes.
/// let required = RequiredAuth::default().role(Some("admin".parse()?)).mfa(true).max_age(Some("5m".parse()?));
/// let layer = AuthLayer::new(api, AuthorizeOptions::default().required(required));
/// // tonic: Server::builder().layer(layer).add_service(…); axum: Router::new().route(…).route_layer(layer)
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Clone)]
pub struct AuthLayer {
    api: RestApi,
    options: Arc<AuthorizeOptions>,
    address: AddressSource,
}

impl AuthLayer {
    /// A guard by the `Authorization` header and, where the API has
    /// [`CookieOptions::access`](field@crate::rest::CookieOptions::access), by the cookies of a browser, which it renews on the way.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let api = hellojohn::rest::RestApi::new(tenant, hellojohn::rest::RestOptions::default())?;
    /// use hellojohn::{rest::{AuthorizeOptions, MissingToken}, tower::AuthLayer};
    ///
    /// let visitors = AuthLayer::new(api, AuthorizeOptions::default().missing_token(MissingToken::Allow));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn new(api: RestApi, options: AuthorizeOptions) -> Self {
        AuthLayer { api, options: Arc::new(options.renew(true)), address: AddressSource::default() }
    }

    /// How the address of a client is found: see [`RestService::client_address`](super::RestService::client_address).
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let api = hellojohn::rest::RestApi::new(tenant, hellojohn::rest::RestOptions::default())?;
    /// # let layer = hellojohn::tower::AuthLayer::new(api, hellojohn::rest::AuthorizeOptions::default());
    /// // Behind a proxy of your own that sets this header itself.
    /// let layer = layer.client_address(|request| request.headers.get("x-real-ip")?.to_str().ok()?.parse().ok());
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[must_use]
    pub fn client_address(self, find: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static) -> Self {
        AuthLayer { address: AddressSource::new(find), ..self }
    }

    /// Who the request comes from; its parts come back.
    async fn authorize(&self, mut parts: Parts) -> Result<(Parts, Authorization), Error> {
        self.address.note(&mut parts);
        let (api, options) = (self.api.clone(), Arc::clone(&self.options));
        let work = move || {
            let found = api.authorize(&parts, &options);
            (parts, found)
        };
        run_blocking(self.api.tenant(), work).await
    }
}

impl fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AuthLayer { api, options, .. } = self;
        f.debug_struct("AuthLayer").field("api", api).field("options", options).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService { inner, guard: self.clone() }
    }
}

/// A service behind an [`AuthLayer`], which makes it.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let api = hellojohn::rest::RestApi::new(tenant, hellojohn::rest::RestOptions::default())?;
/// use hellojohn::tower::{AuthLayer, AuthService, RestService};
/// use tower::Layer;
///
/// let layer = AuthLayer::new(api.clone(), hellojohn::rest::AuthorizeOptions::default());
/// let guarded: AuthService<RestService> = layer.layer(RestService::new(api));
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct AuthService<S> {
    inner: S,
    guard: AuthLayer,
}

/// The body of a guarded service's responses: its own, or that of a refusal.
///
/// ```
/// use hellojohn::tower::GuardedBody;
/// use http_body_util::{Either, Full};
///
/// let refusal: GuardedBody<String> = Either::Right(Full::default());
/// ```
pub type GuardedBody<B> = Either<B, Full<Bytes>>;

impl<S, B, R> Service<Request<B>> for AuthService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<GuardedBody<R>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The clone may not be ready; the one that was asked is.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let guard = self.guard.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let (mut parts, Authorization { auth, headers, .. }) = match guard.authorize(parts).await {
                Ok(authorized) => authorized,
                Err(error) => return Ok(refuse(error)),
            };
            let mut response = match auth {
                // Nothing but a preflight has no user here.
                Ok(None) if guard.options.missing_token != MissingToken::Allow => no_content(),
                Ok(auth) => {
                    parts.extensions.insert(Checked(auth));
                    inner.call(Request::from_parts(parts, body)).await?.map(Either::Left)
                }
                Err(refused) => refuse(refused),
            };
            add_headers(&headers, response.headers_mut());
            Ok(response)
        })
    }
}

fn no_content<R>() -> Response<GuardedBody<R>> {
    let mut response = Response::new(Either::Right(Full::default()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn refuse<R>(error: Error) -> Response<GuardedBody<R>> {
    error_response(error).map(|body| Either::Right(Full::new(Bytes::from(body))))
}

/// Adds cookies to those of the response. What comes with them, `Cache-Control: no-store`, goes before what the route says: a shared
/// cache would hand the cookies of one user to the next.
fn add_headers(from: &HeaderMap, to: &mut HeaderMap) {
    for (name, value) in from {
        if name == SET_COOKIE {
            to.append(name, value.clone());
        } else {
            to.insert(name, value.clone());
        }
    }
}

/// What the guard has found.
#[derive(Clone)]
struct Checked(Option<RequestAuth>);

/// The user of a request behind an [`AuthLayer`], by the extensions of the request; `None` for an anonymous request that has passed it.
///
/// ```
/// use hellojohn::rest::http::Request;
///
/// fn greet(request: &Request<String>) -> Result<String, hellojohn::Error> {
///     let user = hellojohn::tower::find_user(request.extensions())?;
///     Ok(user.map_or_else(|| "a visitor".to_owned(), |user| user.user_id.to_string()))
/// }
/// # assert!(greet(&Request::new(String::new())).is_err());
/// ```
///
/// # Errors
/// `internal` where no guard stands in front.
pub fn find_user(extensions: &Extensions) -> Result<Option<&RequestAuth>, Error> {
    match extensions.get::<Checked>() {
        Some(Checked(auth)) => Ok(auth.as_ref()),
        None => {
            let problem = "no guard stands in front of this route: add the layer AuthLayer";
            Err(Error::new(ErrorCode::Internal, problem))
        }
    }
}

/// The user of a request behind an [`AuthLayer`], by the extensions of the request.
///
/// ```
/// use hellojohn::rest::http::Request;
///
/// fn account(request: &Request<String>) -> Result<String, hellojohn::Error> {
///     Ok(hellojohn::tower::current_user(request.extensions())?.user_id.to_string())
/// }
/// # assert!(account(&Request::new(String::new())).is_err());
/// ```
///
/// # Errors
/// `missing_token` for an anonymous request that has passed the guard; `internal` where no guard stands in front.
pub fn current_user(extensions: &Extensions) -> Result<&RequestAuth, Error> {
    find_user(extensions)?.ok_or_else(|| Error::new(ErrorCode::MissingToken, "the request has no user"))
}
