//! Runs scenario files through surfaces; see `tests/README.md`.

pub mod expect;
pub mod fixture;
pub mod runner;
pub mod scenario;
pub mod surface;
