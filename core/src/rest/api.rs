//! The REST API of one tenant: from a request to its response.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use http::{Method, Request, Response};

use super::auth::{self, Caller};
use super::dashboard;
use super::options::{CheckedOptions, RestOptions};
use super::request::{self, ApiRequest, ApiState, Query};
use super::request_head::require_within_limits;
use super::response::{ApiResponse, mint_request_id, set_request_id};
use super::routes::{self, Outcome, Resolution};
use super::sign_in::{AuthenticateError, Credentials, PendingSignIn};
use crate::engine::{CreateSession, Tenant};
use crate::error::{Error, ErrorCode};
use crate::model::session_actor::SessionActor;

/// Checks credentials; see [`RestApi::authenticate_with`].
type Authenticate = dyn Fn(&Credentials) -> Result<Option<CreateSession>, AuthenticateError> + Send + Sync;

/// One tenant's REST API. Clones share everything; all of them may be used from any thread.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// use hellojohn::rest::{RestApi, RestOptions, http::Request};
///
/// let api = RestApi::new(tenant, RestOptions::default())?
///     .authenticate_with(|credentials| match (credentials.email(), credentials.password()) {
///         ("ada@example.com", "correct horse") => Ok(Some(hellojohn::CreateSession::new("usr_ada".parse()?))),
///         _ => Ok(None),
///     });
/// let request = Request::post("/v1/auth/sign-in")
///     .header("content-type", "application/json")
///     .body(r#"{"email": "ada@example.com", "password": "correct horse"}"#)
///     .expect("a request");
/// assert_eq!(api.handle(request).status(), 200);
/// // For a program that has opened the tenant with its key.
/// let request = Request::get("/v1/admin/stats").body("").expect("a request");
/// assert_eq!(api.handle_as_key_holder(request).status(), 200);
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Clone)]
pub struct RestApi {
    pub(super) state: Arc<ApiState>,
    authenticate: Option<Arc<Authenticate>>,
}

impl fmt::Debug for RestApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestApi").field("tenant", self.state.tenant.id()).finish_non_exhaustive()
    }
}

/// The outcome of [`RestApi::begin`].
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let api = hellojohn::rest::RestApi::new(tenant.clone(), hellojohn::rest::RestOptions::default())?;
/// use hellojohn::rest::{Step, http::Request};
///
/// let request = Request::post("/v1/auth/sign-in")
///     .header("content-type", "application/json")
///     .body(r#"{"email": "ada@example.com", "password": "correct horse"}"#)
///     .expect("a request");
/// let response = match api.begin(request) {
///     Step::Answer(response) => response,
///     Step::Authenticate(pending) => pending.finish(Ok(None)), // the password was wrong
///     _ => unreachable!("there are two steps"),
/// };
/// assert_eq!(response.status(), 401);
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// The response.
    Answer(Response<Vec<u8>>),
    /// A sign-in that waits until the host has checked the credentials.
    Authenticate(Box<PendingSignIn>),
}

impl RestApi {
    /// The API of this tenant. Its secret key is the one that the tenant was opened with, also after
    /// [`Tenant::change_secret_key`] on this handle or a clone of it.
    ///
    /// # Errors
    /// `validation_error` for options that do not fit together.
    pub fn new(tenant: Tenant, options: RestOptions) -> Result<Self, Error> {
        let state = ApiState { tenant, options: CheckedOptions::new(&options)? };
        Ok(RestApi { state: Arc::new(state), authenticate: None })
    }

    /// Offers sign-in, with this function to check credentials; see [`PendingSignIn::finish`] for what it returns. Without
    /// one a sign-in is answered with 404.
    ///
    /// The function should take as long for an unknown address as for a wrong password: a difference would tell an
    /// attacker which addresses have an account.
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

    /// Whose sessions they are.
    #[cfg(feature = "tower")]
    pub(crate) fn tenant(&self) -> &Tenant {
        &self.state.tenant
    }

    /// The paths of this API as a router has them: `{session_id}` stands for one segment, `{*file}` for the rest.
    #[cfg(feature = "axum")]
    pub(crate) fn mounted_paths(&self) -> Vec<String> {
        let routing = self.state.options.routing;
        let mut mounted: Vec<String> = super::host::paths().into_iter().map(str::to_owned).collect();
        if routing.trailing_slash {
            mounted.extend(super::host::paths().into_iter().map(|path| format!("{path}/")));
        }
        if routing.has_dashboard {
            mounted.extend(["/dashboard", "/dashboard/", "/dashboard/{*file}"].map(str::to_owned));
        }
        mounted
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

    /// Answers a request of a caller that the host knows to hold the secret key, because the host itself has opened the tenant
    /// with it: a command line, a page of operators behind a login of its own. What the request has as `Authorization` does
    /// not count. A sign-in is not offered here.
    pub fn handle_as_key_holder<B: AsRef<[u8]>>(&self, request: Request<B>) -> Response<Vec<u8>> {
        match self.answer(request, true) {
            Step::Answer(response) => response,
            Step::Authenticate(pending) => pending.not_offered(),
        }
    }

    /// Answers a request, or stops where a sign-in needs the host to check credentials: for hosts that do so
    /// asynchronously. The function of [`authenticate_with`](Self::authenticate_with) is not called.
    pub fn begin<B: AsRef<[u8]>>(&self, request: Request<B>) -> Step {
        self.answer(request, false)
    }

    fn answer<B: AsRef<[u8]>>(&self, request: Request<B>, holds_key: bool) -> Step {
        let (parts, body) = request.into_parts();
        let request_id = mint_request_id(self.state.tenant.random());
        let response = match self.dispatch(&parts, body.as_ref(), &request_id, holds_key) {
            Ok(Outcome::SignIn(pending)) => return Step::Authenticate(pending),
            Ok(Outcome::File(mut response)) => {
                set_request_id(&mut response, &request_id);
                return Step::Answer(response);
            }
            Ok(Outcome::Response(response)) => response,
            Err(error) => ApiResponse::from_error(error),
        };
        Step::Answer(response.into_http(&request_id, parts.method == Method::HEAD))
    }

    /// Checks route, limits, tenant, caller, query and body, then calls the handler: in this order, so that a caller
    /// learns nothing that it may not know.
    fn dispatch(
        &self,
        parts: &Parts,
        body: &[u8],
        request_id: &str,
        holds_key: bool,
    ) -> Result<Outcome, Error> {
        let (route, path_id) =
            match routes::resolve(self.state.options.routing, &parts.method, parts.uri.path()) {
                Resolution::Route(route, path_id) => (route, path_id),
                Resolution::Dashboard(file) => {
                    return Ok(Outcome::File(dashboard::answer(file, &self.state.tenant, parts)));
                }
                Resolution::Options(allow) => return Ok(ApiResponse::no_content().with_allow(&allow).into()),
                Resolution::MethodNotAllowed(allow) => {
                    let error = Error::new(ErrorCode::MethodNotAllowed, format!("this path has {allow}"));
                    return Ok(ApiResponse::from_error(error).with_allow(&allow).into());
                }
                Resolution::NotFound => return Err(Error::new(ErrorCode::NotFound, "no such path")),
            };
        require_within_limits(parts, body)?;
        auth::require_same_tenant(parts, &self.state.tenant)?;
        let caller = match holds_key {
            true => Caller::SecretKey,
            false => auth::authenticate(&self.state.tenant, &self.state.options, parts, route.access)?,
        };
        let is_user = matches!(caller, Caller::User(_));
        let tenant = match caller {
            Caller::SecretKey => self.state.tenant.with_actor(request::read_actor(parts)?),
            // What a person does who acts for the user is told as theirs.
            Caller::User(ref verified) => {
                let acting = verified.session.actor.as_ref();
                self.state.tenant.with_actor(acting.and_then(SessionActor::to_event_actor))
            }
            Caller::Anonymous => self.state.tenant.clone(),
        };
        let request = ApiRequest {
            state: &self.state,
            tenant,
            request_id,
            parts,
            caller,
            query: Query::parse(parts.uri.query(), route.query)?,
            has_parameters: parts.uri.query().is_some() || !body.is_empty(),
            body: request::parse_body(route.body, parts, body)?,
            path_id,
        };
        let outcome = (route.handle)(request);
        if is_user { outcome.map_err(auth::hide_tenant_key_error) } else { outcome }
    }
}
