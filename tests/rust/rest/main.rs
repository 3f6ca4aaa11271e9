//! The REST API as hosts mount it: each row of its table, each error, the documented calls, bad input.

mod accounts;
mod answers;
mod bad_input;
mod clients;
mod cookies;
mod credentials;
mod documented;
mod errors;
mod fuzz;
mod host;
mod options;
mod page_rules;
mod pages;
mod sessions;
mod settings;
mod sign_in;
mod tokens;
