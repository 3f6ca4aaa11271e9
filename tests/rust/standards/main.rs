//! What standards demand of tokens and sessions: one module for each document, one test for each requirement, its id in the
//! test's name. `docs/standards.md` is the table of them all, which `table.rs` holds against the tests.

mod asvs_v7;
mod asvs_v9;
mod forge;
mod rest;
mod rfc7009;
mod rfc7515;
mod rfc7517;
mod rfc7519;
mod rfc7662;
mod rfc8032;
mod rfc8037;
mod rfc8725;
mod rfc9700;
mod secrets;
// The verifier itself: vectors sign arbitrary messages, which no access token is.
#[path = "../../../core/src/token/signature.rs"]
mod signature;
mod table;
