//! Pure decisions: what to do, given a row, the settings and now. Nothing here reads a clock, a store or a key.

pub(crate) mod cap;
pub(crate) mod deadline;
pub(crate) mod refresh;

#[cfg(test)]
mod model;
