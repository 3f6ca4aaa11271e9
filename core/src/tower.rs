//! The REST API as a service of tower, and a guard for the routes of the host as a layer (feature `tower`): for every host that speaks in
//! the types of the `http` crate, such as hyper, tonic or a framework above them. [`hellojohn::axum`](crate::axum) stands on it.
//!
//! Everything that may wait for the disk runs on other threads than the one that polls: on tokio's threads for blocking work inside of a
//! runtime of tokio, else on threads of the engine's own.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use hellojohn::rest::http::{Request, Response};
//! use hellojohn::rest::{AuthorizeOptions, RestApi, RestOptions};
//! use hellojohn::tower::{AuthLayer, RestService, current_user};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # let engine = hellojohn::Engine::open(":memory:")?;
//! # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
//! # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
//! # let bearer = format!("Bearer {}", grant.access_token.expose());
//! let api = RestApi::new(tenant, RestOptions::default())?;
//!
//! // A route of the application's own, behind the guard.
//! let account = ServiceBuilder::new().layer(AuthLayer::new(api.clone(), AuthorizeOptions::default())).service(
//!     service_fn(async |request: Request<String>| {
//!         let user = current_user(request.extensions()).map(|user| user.user_id.to_string());
//!         Ok::<_, Infallible>(Response::new(user.unwrap_or_default()))
//!     }),
//! );
//! // The documented API, for the paths that `RestOptions::is_api_path` names.
//! let rest = RestService::new(api);
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let request = Request::get("/account").header("authorization", &bearer).body(String::new()).unwrap();
//! assert_eq!(account.oneshot(request).await.unwrap().status(), 200);
//! let request = Request::get("/v1/sessions").header("authorization", &bearer).body(String::new()).unwrap();
//! assert_eq!(rest.oneshot(request).await.unwrap().status(), 200);
//! # });
//! # Ok::<(), hellojohn::Error>(())
//! ```
//!
//! A client of gRPC reads the status of a refused request as the code that gRPC's mapping of HTTP gives it: 401 as `UNAUTHENTICATED`,
//! 403 as `PERMISSION_DENIED`, 429 and 503 as `UNAVAILABLE`.

mod client_address;
mod guard;
mod off_thread;
mod rest_service;
#[cfg(test)]
mod tests;

pub use self::guard::{AuthLayer, AuthService, GuardedBody, current_user, find_user};
pub use self::rest_service::RestService;
