//! The REST API as a service.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tower_service::Service;

use super::client_address::AddressSource;
use super::off_thread::run_blocking;
use crate::error::{Error, ErrorCode};
use crate::rest::http::request::Parts;
use crate::rest::http::{Request, Response};
use crate::rest::{BODY_MAX, RestApi, error_response};

/// Answers the requests of the REST API: a [`Service`] over the types of the `http` crate, that is always ready and never fails. The
/// [`Error`] of a failed request is in the response's extensions, for the host's log. Clones share everything.
///
/// A path that is none of the API's is answered with 404: route to the service what
/// [`RestOptions::is_api_path`](crate::rest::RestOptions::is_api_path) names.
///
/// ```
/// use hellojohn::rest::http::Request;
/// use hellojohn::rest::{RestApi, RestOptions};
/// use hellojohn::tower::RestService;
/// use tower::ServiceExt;
///
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// let service = RestService::new(RestApi::new(tenant, RestOptions::default())?);
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let request = Request::get("/.well-known/jwks.json").body(String::new()).unwrap();
/// assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
/// # });
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Clone)]
pub struct RestService {
    api: RestApi,
    address: AddressSource,
}

impl RestService {
    /// The API as a service.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// use hellojohn::{rest::{RestApi, RestOptions}, tower::RestService};
    ///
    /// let service = RestService::new(RestApi::new(tenant, RestOptions::default())?);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn new(api: RestApi) -> Self {
        RestService { api, address: AddressSource::default() }
    }

    /// How the address of a client is found, for a host that does not put a [`ClientAddress`](crate::rest::ClientAddress) into the
    /// extensions of each request: what its server has put there of the connection or, behind a proxy of your own, the header in which
    /// the proxy reports it. Sign-ins and refreshes record it.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// use std::net::SocketAddr;
    ///
    /// use hellojohn::{rest::{RestApi, RestOptions}, tower::RestService};
    ///
    /// let service = RestService::new(RestApi::new(tenant, RestOptions::default())?)
    ///     .client_address(|request| request.extensions.get::<SocketAddr>().map(SocketAddr::ip));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[must_use]
    pub fn client_address(self, find: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static) -> Self {
        RestService { address: AddressSource::new(find), ..self }
    }
}

impl fmt::Debug for RestService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestService").field("api", &self.api).finish_non_exhaustive()
    }
}

impl<B> Service<Request<B>> for RestService
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        self.address.note(&mut parts);
        let api = self.api.clone();
        Box::pin(async move {
            let answered = match read_body(body).await {
                Ok(body) => {
                    let tenant = api.tenant().clone();
                    run_blocking(&tenant, move || api.handle(Request::from_parts(parts, body))).await
                }
                Err(unreadable) => Err(unreadable),
            };
            Ok(answered.unwrap_or_else(error_response).map(|body| Full::new(Bytes::from(body))))
        })
    }
}

/// The whole body. One over the limit is not read on: what is too long already stands for it, which the API answers with 413.
async fn read_body<B>(body: B) -> Result<Bytes, Error>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match Limited::new(body, BODY_MAX).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Ok(Bytes::from(vec![0; BODY_MAX + 1])),
        Err(error) => {
            let problem = "the body of the request could not be read";
            Err(Error::new(ErrorCode::BadRequest, problem).caused_by(Unreadable(error)))
        }
    }
}

/// Why a body could not be read.
#[derive(Debug)]
struct Unreadable(Box<dyn std::error::Error + Send + Sync>);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Unreadable {}
