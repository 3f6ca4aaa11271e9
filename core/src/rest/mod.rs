//! The documented REST API as a function from request to response, to be mounted in any server.
//!
//! There is no server here: the host owns sockets, TLS, CORS, logging and rate limits but the one of failed sign-ins
//! ([`SignInLimit`](crate::SignInLimit)). It reads a request (at most
//! [`BODY_MAX`] bytes of body), hands it to [`RestApi::handle`] and writes back the response. The call is synchronous
//! and reaches the disk: an asynchronous host runs it on a thread for blocking work.
//!
//! ```
//! use hellojohn::rest::{RestApi, RestOptions, http::Request};
//! use hellojohn::{CreateSession, Engine};
//!
//! let engine = Engine::open(":memory:")?;
//! let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
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
//! Every response has a fresh `X-Request-Id`; an error's body is `{"error": {code, message, status, request_id}}` and its
//! [`Error`](crate::Error) is in the response's extensions, for the host's log: a client is not told what failed on the
//! server. Times are RFC 3339 in UTC, in whole seconds, rounded down. [`OPENAPI`] describes all of it.
//!
//! A router that mounts the API under a path (`Router::nest` of axum) strips that path from the targets; say it as
//! [`RestOptions::mount_path`](field@RestOptions::mount_path), so that a cookie with a path that does not lead there is refused at once. `docs/COOKIES.md`
//! has what each combination of credentials and cookies comes to.
//!
//! A HEAD is answered like a GET without its body, an OPTIONS with `Allow`. `X-Forwarded-For` is never taken as an address: the host
//! says where a request comes from, with [`ClientAddress`].

mod access_cookie;
mod admin;
mod api;
mod auth;
mod authorization;
mod authorize;
mod cookie_jar;
mod cookie_options;
mod cookie_refresh;
mod cookie_rules;
mod cookies;
mod csrf;
mod dashboard;
mod events;
mod filter;
mod host;
mod options;
mod origin;
mod request;
mod request_auth;
mod request_head;
mod response;
mod revocations;
mod routes;
mod routing;
mod sessions;
mod sign_in;
#[cfg(test)]
mod tests;
mod tokens;

pub use self::access_cookie::AccessCookieOptions;
pub use self::api::{RestApi, Step};
pub use self::authorization::{Authorization, authorize_cacheable};
pub use self::authorize::{AuthorizeOptions, BearerToken, MissingToken, Verification, authorize};
pub use self::cookie_options::{CookieOptions, FormerCookie, SameSite};
pub use self::host::{error_response, is_api_path, paths, work};
pub use self::options::RestOptions;
pub use self::request::ClientAddress;
pub use self::request_auth::RequestAuth;
pub use self::request_head::BODY_MAX;
pub use self::routes::Work;
pub use self::sign_in::{AuthenticateError, Credentials, PendingSignIn};

/// The crate whose request and response types are used here.
pub use ::http;

/// The OpenAPI 3.1 description of the API, as JSON.
///
/// ```
/// let description: serde_json::Value = serde_json::from_str(hellojohn::rest::OPENAPI).expect("it is JSON");
/// assert_eq!(description["openapi"], "3.1.0");
/// ```
pub const OPENAPI: &str = include_str!("openapi.json");
