//! The conformance suite, each test in a schema of its own.

use super::schema::Schema;
use crate::store::conformance::{
    concurrent_reader_conformance_tests, shared_database_conformance_tests, store_conformance_tests,
};

store_conformance_tests!(Schema);
concurrent_reader_conformance_tests!(Schema);
shared_database_conformance_tests!(Schema);
