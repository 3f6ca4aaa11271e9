//! Runs scenario files through doors; see `tests/README.md`.

pub mod door;
pub mod expect;
pub mod fixture;
pub mod runner;
pub mod scenario;
