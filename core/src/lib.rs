//! Sessions, access tokens and refresh tokens inside your own process, over one SQLite file or a schema of a PostgreSQL server.
//!
//! ```
//! use hellojohn::{CreateSession, Engine, RefreshRequest};
//!
//! let engine = Engine::open(":memory:")?;
//! let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
//!
//! // Sign in: the host has checked the password.
//! let grant = tenant.create(CreateSession::new("usr_1".parse()?))?;
//!
//! // Every request: is this user still signed in? Sees a revocation on the very next call.
//! let verified = tenant.verify_access_token(grant.access_token.expose())?;
//! assert_eq!(verified.claims.user_id.as_str(), "usr_1");
//!
//! // Before the access token expires: exchange the refresh token.
//! let grant = tenant.refresh(grant.refresh_token.expose(), RefreshRequest::default())?;
//!
//! // "Sign out this device".
//! tenant.revoke(grant.session.id)?;
//! assert!(tenant.verify_access_token(grant.access_token.expose()).is_err());
//! # Ok::<(), hellojohn::Error>(())
//! ```
//!
//! The engine is synchronous; every call may be made from any thread. Several processes may share one file. Time never
//! runs backwards for it, and an ended session never becomes active again.
//!
//! A child that a process forks after it has used the library can use neither the parent's engines nor open its own: every
//! call fails with [`ErrorCode::Forked`]. Fork first, or execute a program in the child (as `std::process::Command` does).
//!
//! # In async programs
//!
//! A call that may wait for the disk blocks its thread, so an asynchronous program begins it and awaits the answer: every `begin_…` answers
//! with a [`Pending`], which is a [`Future`]. It works in every runtime and needs none, is cancel-safe, and never blocks
//! the thread that polls it; what is begun at the same time shares a commit. [`Tenant::begin_call`] does the same for calls that have no
//! `begin_…` of their own, and for several in a row. A [`Tenant`] is cheap to clone. [`Tenant::verify_locally`] never waits once the engine
//! is open, and may be called at once.
//!
//! ```
//! use hellojohn::{CreateSession, Tenant};
//!
//! async fn sign_in(tenant: &Tenant, user: &str) -> Result<String, hellojohn::Error> {
//!     let grant = tenant.begin_create(CreateSession::new(user.parse()?)).await?;
//!     let stats = tenant.begin_call(|tenant| tenant.stats()).await?;
//!     println!("{} sessions are active", stats.sessions.active);
//!     Ok(grant.access_token.expose().to_owned())
//! }
//! # let engine = hellojohn::Engine::open(":memory:")?;
//! # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # assert!(!runtime.block_on(sign_in(&tenant, "usr_1"))?.is_empty());
//! # Ok::<(), hellojohn::Error>(())
//! ```
//!
//! With the feature `axum`, `hellojohn::axum` has the REST API as a router, and a guard and extractors for an application's routes; with
//! `tower`, `hellojohn::tower` has the same for every host that speaks in the types of the `http` crate. What waits runs on other threads
//! there, too.
//!
//! # As JSON
//!
//! Every answer is [`Serialize`](serde::Serialize), as the REST API writes it: with the same names, and times as RFC 3339 in whole seconds.
//! A [`Grant`] is written with its tokens. The host's own claims are read and written as types of its own: [`Claims::encode`],
//! [`Claims::decode`], [`Session::own_claims`].
//!
//! The engine logs nothing. [`EngineBuilder::observer`] takes what is told after each operation; with the feature `tracing`,
//! `TracingObserver` makes events of that.

mod clock;
mod duration;
mod engine;
mod error;
mod fork;
#[doc(hidden)]
pub mod in_millis;
mod json;
mod key_wrapping;
mod model;
mod object_reader;
mod percent;
mod random;
pub mod rest;
mod rules;
#[doc(hidden)]
pub mod schema;
mod secret;
mod store;
mod text;
mod token;
mod word_enum;

pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use duration::Duration;
#[cfg(feature = "tracing")]
pub use engine::TracingObserver;
pub use engine::answers::*;
#[cfg(feature = "axum")]
pub mod axum;
#[cfg(feature = "tower")]
pub mod tower;

pub use engine::counts::*;
pub use engine::{
    CacheValidator, CreateSession, Engine, EngineBuilder, EventConsumer, EventLogProblem, EventLogReport,
    EventPage, EventQuery, ImportProblem, ImportReport, ImportRequest, ListQuery, LocalVerification,
    Observer, OperationReport, Pending, PurgeBefore, RefreshRequest, ReplayReport, RestorePolicy,
    RevocationList, RevokeWhere, SealReport, SignInAttempt, SignOutScope, Tenant, backup_database,
    check_database, copy_database, lower_lease, restore_database, restore_database_with_events,
    verify_event_log, verify_event_log_file,
};
#[doc(hidden)]
pub use engine::{EngineOptions, ForeignDatabase, lane};
pub use error::{Error, ErrorCode, Reauthentication};
pub use model::claims::Claims;
pub use model::client::{ClientInfo, Country, DeviceFingerprint, UserAgent};
pub use model::client_hints::{ClientHint, ClientHints};
pub use model::config::{Config, ConfigPatch, ConfigWarning};
pub use model::device_type::DeviceType;
pub use model::event::{Event, EventDetail, EventHash, EventType};
pub use model::factor::{Factor, FactorMethod, Factors};
pub use model::factor_methods::{FactorMethods, SignInFactors};
pub use model::filter_values::{Countries, UserAgentPart};
pub use model::id::{Actor, EventId, KeyId, OrgId, SessionId, TenantId, UserId};
pub use model::identity::{Email, Identity, IdentityPatch, Role};
pub use model::ip_address::IpAddress;
pub use model::ip_network::IpNetwork;
pub use model::operation::Operation;
pub use model::page::{Cursor, Limit, Page};
pub use model::required_auth::RequiredAuth;
pub use model::revoke_plan::RevokePlan;
pub use model::session::{EndReason, Session, Status, StatusFilter};
pub use model::session_actor::{ActorReason, SessionActor};
pub use model::session_filter::SessionFilter;
pub use model::sign_in_limit::SignInLimit;
pub use random::{OsRandom, Random, RandomUnavailable, SeededRandom};
pub use secret::{AccessToken, RefreshToken, SecretKey};
#[doc(hidden)]
pub use store::DatabaseText;
pub use store::check_report::{CheckCounts, CheckProblem, CheckReport, ProblemKind};
pub use store::copy_progress::CopyProgress;
pub use store::copy_report::{CopyPhase, CopyReport, CopyStep};
pub use store::durability::Durability;
pub use store::file_access::FileAccess;
#[doc(hidden)]
pub use store::lease_wait::defer_lease_waits;
pub use store::verify_mode::VerifyMode;
pub use token::access_claims::AccessClaims;
pub use token::jwks::Jwks;
pub use token::keyring::{KeyInfo, KeyState};
pub use token::refresh_token::session_of_refresh_token;

/// Whether this process was forked from one that had used the library, so that every call fails with `forked`. For bindings that
/// keep threads and locks of their own, which such a child must not touch. Takes no lock and no system call.
///
/// ```
/// assert!(!hellojohn::is_forked_child());
/// ```
pub fn is_forked_child() -> bool {
    fork::is_child()
}

/// The quick start of the README runs as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
