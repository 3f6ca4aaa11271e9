//! The operations (SPEC 4), one file each. All of them take the same steps: parse, transaction, now, decide, apply, commit,
//! answer.
//!
//! From the bottom up: `answers` and `refusals` (what a call can come to), `answer_cache`, `cache_validator` and
//! `remembered`, `inner`
//! (what all handles of an engine share), `tenant_snapshot` and `provisioning` (a tenant's keys and settings), `tenant`
//! (the handle), `transaction` (how an operation reaches the store), `session_ends` and `bulk_write` (how sessions end, one and
//! many), the operations, `builder` (opening and closing).

mod adopt;
mod answer_cache;
mod answer_json;
pub(crate) mod answers;
mod awaited;
mod backup;
mod builder;
mod bulk_write;
mod cache_validator;
mod check;
mod clock_admin;
mod copy;
pub(crate) mod counts;
mod create;
mod event_consumer;
mod event_log;
mod event_log_check;
mod event_seals;
mod events;
mod eviction;
mod exchange;
mod explain;
mod foreign_database;
mod found_ends;
mod import;
mod import_report;
mod import_source;
mod imported_before;
mod inner;
mod inspect;
#[doc(hidden)]
pub mod lane;
mod lease;
mod list;
mod maintenance;
mod maintenance_round;
mod observed;
mod observer;
mod options;
mod pace;
mod pending;
mod provisioning;
mod query;
mod read_together;
mod refresh;
mod refusals;
mod remembered;
mod replayed_log;
mod require_auth;
mod restore;
mod restored_tenant;
mod revocation_log;
mod revocations;
mod revoke;
mod revoke_where;
mod session_ends;
mod session_scan;
mod session_view;
mod settings;
mod sign_in;
mod sign_in_failures;
mod signing_keys;
mod stats;
mod tenant;
mod tenant_snapshot;
#[cfg(feature = "tracing")]
mod tracing_observer;
mod transaction;
mod update;
mod verify;
mod waiting_threads;
mod work_step;

pub(crate) use self::answer_json::VerifiedJson;
pub use self::answers::*;
pub use self::backup::backup_database;
pub use self::builder::{Engine, EngineBuilder};
pub use self::cache_validator::CacheValidator;
pub use self::check::check_database;
pub use self::copy::copy_database;
pub use self::create::CreateSession;
pub use self::event_consumer::EventConsumer;
pub use self::event_log_check::{EventLogProblem, EventLogReport, verify_event_log, verify_event_log_file};
pub use self::event_seals::SealReport;
pub use self::events::{EventPage, EventQuery};
pub use self::exchange::RefreshRequest;
pub use self::foreign_database::ForeignDatabase;
pub use self::import_report::{ImportProblem, ImportReport, ImportRequest};
pub(crate) use self::inspect::{InspectedToken, Standing};
pub use self::lease::lower_lease;
pub use self::list::ListQuery;
pub use self::maintenance::PurgeBefore;
pub use self::observer::{Observer, OperationReport};
pub use self::options::EngineOptions;
pub use self::pending::Pending;
pub use self::replayed_log::ReplayReport;
pub use self::restore::{RestorePolicy, restore_database, restore_database_with_events};
pub use self::revocations::RevocationList;
pub use self::revoke::SignOutScope;
pub use self::revoke_where::RevokeWhere;
pub use self::sign_in::SignInAttempt;
pub use self::tenant::Tenant;
#[cfg(feature = "tracing")]
pub use self::tracing_observer::TracingObserver;
pub use self::verify::LocalVerification;
