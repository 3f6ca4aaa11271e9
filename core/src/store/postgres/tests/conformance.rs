//! The conformance suite, each test in a schema of its own, once more where answers are remembered, and once more where the database
//! keeps transactions apart and has no advisory locks.

mod locks {
    use crate::store::conformance::{
        concurrent_reader_conformance_tests, shared_database_conformance_tests, store_conformance_tests,
    };
    use crate::store::postgres::tests::schema::Schema;

    store_conformance_tests!(Schema);
    concurrent_reader_conformance_tests!(Schema);
    shared_database_conformance_tests!(Schema);
}

mod leases {
    use crate::store::conformance::{
        concurrent_reader_conformance_tests, shared_database_conformance_tests, store_conformance_tests,
    };
    use crate::store::postgres::tests::schema::LeasedSchema;

    store_conformance_tests!(LeasedSchema);
    concurrent_reader_conformance_tests!(LeasedSchema);
    shared_database_conformance_tests!(LeasedSchema);
}

mod serializable {
    use crate::store::conformance::{
        concurrent_reader_conformance_tests, shared_database_conformance_tests, store_conformance_tests,
    };
    use crate::store::postgres::tests::schema::SerializableSchema;

    store_conformance_tests!(SerializableSchema);
    concurrent_reader_conformance_tests!(SerializableSchema);
    shared_database_conformance_tests!(SerializableSchema);
}
