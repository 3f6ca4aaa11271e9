//! The C interface. Its contract and its documentation are the header `include/hellojohn.h`, which is generated from
//! the comments of this crate; nothing here decides anything about sessions.
//!
//! The order of the modules is the order of the header.

#![allow(non_camel_case_types)] // the names of C
#![allow(clippy::missing_safety_doc)] // the contract at the top of the header says once what a caller must keep

pub mod version;

pub mod status;

pub mod abi;
pub mod begun;
mod cancellation;
mod factor_list;
mod guard;
mod mounted_api;
mod signals;
mod texts;
mod threads;
mod unwind;
mod verified;

pub mod error;
pub mod filter;

pub mod clock;

pub mod engine;

#[path = "generated/session.rs"]
pub mod session;

pub mod grant;

#[path = "generated/claims.rs"]
pub mod claims;

pub mod observer;
mod page;
pub mod pending_count;
pub mod pending_open;
pub mod pending_read;
pub mod pending_sign_in;
pub mod pending_write;
pub mod revoke_preview;

#[path = "generated/config.rs"]
pub mod config;

#[path = "generated/stats_periods.rs"]
pub mod stats_periods;

#[path = "generated/keys.rs"]
pub mod keys;

#[path = "generated/revocation_list.rs"]
pub mod revocation_list;

#[path = "generated/stats.rs"]
pub mod stats;

#[path = "generated/event.rs"]
pub mod event;

pub mod event_page;
#[path = "generated/explanation.rs"]
pub mod explanation;

#[path = "generated/event_log_report.rs"]
pub mod event_log_report;

#[path = "generated/maintenance_report.rs"]
pub mod maintenance_report;

pub mod event_log;

pub mod text;

pub mod tenant;

pub mod backup;

#[path = "generated/copy_report.rs"]
pub mod copy_report;

#[path = "generated/replay_report.rs"]
pub mod replay_report;

pub mod copy;

pub mod lease;

pub mod check;

pub mod import_report;

pub mod pending_response;
pub mod rest;

pub mod authorize;

pub mod sign_in;

pub mod response;
