//! The documented REST API as a function from request to response, to be mounted in any server.
//!
//! There is no server here: the host owns sockets, TLS, CORS, rate limits and logging. It reads a request (at most
//! [`BODY_MAX`] bytes of body), hands it to [`RestApi::handle`] and writes back the response. The call is synchronous
//! and reaches the disk: an asynchronous host runs it on a thread for blocking work.
//!
//! ```
//! use hellojohn::rest::{RestApi, RestOptions, http::Request};
//! use hellojohn::{CreateSession, Engine};
//!
//! let engine = Engine::open(":memory:")?;
//! let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_abc123".parse()?)?;
//! let api = RestApi::new(tenant, RestOptions::default())?.authenticate_with(|credentials| {
//!     let good = credentials.email() == "ada@example.com" && credentials.password() == "correct horse";
//!     Ok(if good { Some(CreateSession::new("usr_1".parse()?)) } else { None })
//! });
//!
//! let request = Request::post("/v1/auth/sign-in")
//!     .header("content-type", "application/json")
//!     .body(r#"{"email": "ada@example.com", "password": "correct horse"}"#)
//!     .expect("a request");
//! assert_eq!(api.handle(request).status(), 200);
//! # Ok::<(), hellojohn::Error>(())
//! ```
//!
//! Every answer has a fresh `X-Request-Id`; an error's body is `{"error": {code, message, status, request_id}}` and its
//! [`Error`] is in the response's extensions, for the host's log: what broke on our side is not told to clients. Times
//! are RFC 3339 in UTC, in whole seconds, rounded down. [`OPENAPI`] describes all of it.
//!
//! A HEAD is answered like a GET without its body, an OPTIONS with `Allow`. `X-Forwarded-For` is never read: the host
//! says where a request comes from, with [`ClientAddress`].

mod admin;
mod auth;
mod authorize;
mod cookies;
mod host;
#[cfg(test)]
mod openapi;
mod options;
mod percent;
mod request;
mod response;
mod routes;
mod sessions;
mod sign_in;
mod time;
mod tokens;

use std::fmt;
use std::sync::Arc;

use ::http::{Method, Request, Response};

use self::auth::Caller;
pub use self::authorize::{AuthorizeOptions, MissingToken, Verification, authorize};
pub use self::cookies::{CookieOptions, SameSite};
pub use self::host::{error_response, is_api_path, is_read_only, paths};
pub use self::options::RestOptions;
use self::options::Settings;
use self::request::Call;
use self::response::Answer;
use self::routes::{Endpoint, Resolution};
pub use self::sign_in::{AuthenticateError, Credentials, PendingSignIn};
use crate::engine::{CreateSession, Tenant};
use crate::error::{Error, ErrorCode};
use crate::model::client::IpAddress;

/// The crate whose request and response types are used here.
pub use ::http;

/// The OpenAPI 3.1 description of the API, as JSON.
pub const OPENAPI: &str = include_str!("openapi.json");

/// The longest request body, in bytes; a longer one is answered with 413. A host need not read on past it.
pub const BODY_MAX: usize = 64 * 1024;

/// Where a request comes from, as far as the host knows: an extension of the request, recorded as the address of a
/// sign-in or a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientAddress(pub Option<IpAddress>);

/// Checks credentials; see [`RestApi::authenticate_with`].
type Authenticate = dyn Fn(&Credentials) -> Result<Option<CreateSession>, AuthenticateError> + Send + Sync;

/// One tenant's REST API. Clones share everything; all of them may be used from any thread.
#[derive(Clone)]
pub struct RestApi {
    api: Arc<Api>,
    authenticate: Option<Arc<Authenticate>>,
}

/// What requests share.
struct Api {
    tenant: Tenant,
    settings: Settings,
}

impl fmt::Debug for RestApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestApi").field("tenant", self.api.tenant.id()).finish_non_exhaustive()
    }
}

/// What [`RestApi::begin`] came to.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// The answer.
    Answer(Response<Vec<u8>>),
    /// A sign-in that waits for the host's word.
    Authenticate(Box<PendingSignIn>),
}

impl RestApi {
    /// The API of this tenant. Its secret key is the one that the tenant was opened with, also after
    /// [`Tenant::change_secret_key`] on this handle or a clone of it.
    ///
    /// # Errors
    /// `validation_error` for options that do not fit together.
    pub fn new(tenant: Tenant, options: RestOptions) -> Result<Self, Error> {
        Ok(RestApi { api: Arc::new(Api { tenant, settings: Settings::of(options)? }), authenticate: None })
    }

    /// Offers sign-in, with this function to check credentials; see [`PendingSignIn::finish`] for its answers. Without
    /// one a sign-in is answered with 404.
    ///
    /// To tell nobody which addresses have an account, it should take as long for unknown ones as for wrong passwords.
    #[must_use]
    pub fn authenticate_with(
        self,
        authenticate: impl Fn(&Credentials) -> Result<Option<CreateSession>, AuthenticateError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        RestApi { authenticate: Some(Arc::new(authenticate)), ..self }
    }

    /// Answers a request.
    pub fn handle<B: AsRef<[u8]>>(&self, request: Request<B>) -> Response<Vec<u8>> {
        match (self.begin(request), &self.authenticate) {
            (Step::Answer(response), _) => response,
            (Step::Authenticate(pending), Some(authenticate)) => {
                let outcome = authenticate(pending.credentials());
                pending.finish(outcome)
            }
            (Step::Authenticate(pending), None) => pending.not_offered(),
        }
    }

    /// Answers a request, or stops where a sign-in needs the host's word: for hosts that check credentials
    /// asynchronously. The function of [`authenticate_with`](Self::authenticate_with) is not called.
    pub fn begin<B: AsRef<[u8]>>(&self, request: Request<B>) -> Step {
        let (parts, body) = request.into_parts();
        let request_id = response::request_id(self.api.tenant.random());
        let answer = match self.api.step(&parts, body.as_ref(), &request_id) {
            Ok(Progress::SignIn(pending)) => return Step::Authenticate(pending),
            Ok(Progress::Done(answer)) => answer,
            Err(error) => Answer::error(error),
        };
        Step::Answer(answer.into_response(&request_id, parts.method == Method::HEAD))
    }
}

enum Progress {
    Done(Answer),
    SignIn(Box<PendingSignIn>),
}

impl Api {
    /// Limits, route, tenant, caller, query, body, operation: in this order, so that nobody learns more than they may.
    fn step(
        self: &Arc<Self>,
        parts: &::http::request::Parts,
        body: &[u8],
        request_id: &str,
    ) -> Result<Progress, Error> {
        let (route, id) = match routes::resolve(&parts.method, parts.uri.path()) {
            Resolution::Route(route, id) => (route, id),
            Resolution::Options(allow) => {
                return Ok(Progress::Done(Answer::no_content().with_allow(&allow)));
            }
            Resolution::MethodNotAllowed(allow) => {
                let error = Error::new(ErrorCode::MethodNotAllowed, format!("this path has {allow}"));
                return Ok(Progress::Done(Answer::error(error).with_allow(&allow)));
            }
            Resolution::NotFound => return Err(Error::new(ErrorCode::NotFound, "no such path")),
        };
        request::within_limits(parts, body)?;
        let (tenant, settings) = (&self.tenant, &self.settings);
        auth::same_tenant(parts, tenant)?;
        let caller = auth::authenticate(tenant, parts, route.access)?;
        let call = Call { route, parts, body, id };
        let query = call.query()?;
        let object = call.object()?;
        let answer = match route.endpoint {
            Endpoint::ListSessions => sessions::list(tenant, &caller, &query),
            Endpoint::RevokeSessions => sessions::revoke_many(tenant, &caller, &query),
            Endpoint::ReadSession => sessions::read(tenant, &caller, &call),
            Endpoint::RevokeSession => sessions::revoke(tenant, &caller, &call),
            Endpoint::Verify => sessions::verify(tenant, object),
            Endpoint::SignIn => {
                let pending = sign_in::begin(self, request_id, &call, object)?;
                return Ok(Progress::SignIn(Box::new(pending)));
            }
            Endpoint::Refresh => tokens::refresh(settings, tenant, &call, object),
            Endpoint::SignOut => tokens::sign_out(settings, tenant, &call, object),
            Endpoint::ReadConfig => admin::read_config(tenant),
            Endpoint::ChangeConfig => admin::change_config(tenant, &object),
            Endpoint::Stats => admin::stats(tenant),
            Endpoint::Jwks => admin::jwks(tenant).map_err(auth::hide_tenant_key_error),
        };
        match caller {
            Caller::User(_) => answer.map_err(auth::hide_tenant_key_error),
            Caller::SecretKey | Caller::Anybody => answer,
        }
        .map(Progress::Done)
    }
}
