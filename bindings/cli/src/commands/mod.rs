//! A file for each command.

pub(crate) mod config;
pub(crate) mod copy;
pub(crate) mod event_query;
pub(crate) mod events;
pub(crate) mod files;
pub(crate) mod filter;
pub(crate) mod follow;
pub(crate) mod http_server;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod limited_listener;
pub(crate) mod maintain;
pub(crate) mod manual;
pub(crate) mod metrics;
pub(crate) mod serve;
pub(crate) mod sessions;
pub(crate) mod sign_in_program;
pub(crate) mod stop_signal;
pub(crate) mod tenant;
pub(crate) mod token;
pub(crate) mod users;
