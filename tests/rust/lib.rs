//! Runs scenario files through the API surfaces; see `tests/README.md`.

pub mod dice;
pub mod disk;
pub mod dump;
pub mod expect;
pub mod fixture;
pub mod fuzz_targets;
pub mod histories;
pub mod linear;
pub mod odd_hosts;
pub mod operations;
pub mod postgres;
pub mod protocol;
pub mod rest_coverage;
pub mod rest_text;
pub mod runner;
pub mod scenario;
pub mod surface;
