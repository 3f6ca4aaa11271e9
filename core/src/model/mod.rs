//! The values that every layer speaks of: sessions, ids, identities, devices, settings, pages. Parsed at the edge, so that
//! nothing below has to check them again.

pub(crate) mod bulk_end;
pub(crate) mod claims;
pub(crate) mod client;
pub(crate) mod client_hints;
pub(crate) mod config;
pub(crate) mod device_type;
pub(crate) mod event;
pub(crate) mod factor;
pub(crate) mod factor_methods;
pub(crate) mod filter_values;
pub(crate) mod id;
pub(crate) mod identity;
pub(crate) mod imported;
pub(crate) mod ip_address;
pub(crate) mod ip_network;
pub(crate) mod operation;
pub(crate) mod page;
pub(crate) mod required_auth;
pub(crate) mod revocation;
pub(crate) mod revoke_plan;
pub(crate) mod session;
pub(crate) mod session_actor;
pub(crate) mod session_filter;
pub(crate) mod sign_in_limit;
mod user_agent;
