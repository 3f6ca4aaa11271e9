//! Pure decisions: what to do, given a record, the settings and now. Nothing here reads a clock, a store or a key.

pub(crate) mod expiry;
pub(crate) mod explanation;
pub(crate) mod rotation;
pub(crate) mod session_cap;
pub(crate) mod sign_in_limit;
pub(crate) mod status;
pub(crate) mod step_up;

#[cfg(test)]
mod tests;
