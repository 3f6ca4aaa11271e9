//! What every error keeps.

use super::*;

#[test]
fn numbers_and_names_are_unique_and_dense() {
    let mut names = std::collections::HashSet::new();
    for (index, code) in ErrorCode::ALL.iter().enumerate() {
        assert_eq!(code.number() as usize, index + 1);
        assert!(names.insert(code.as_str()));
    }
}

#[test]
fn the_cause_is_the_source_and_never_part_of_the_text() {
    use std::error::Error as _;

    let cause = std::io::Error::other("/var/lib/app/sessions.db");
    let failure = Failure::new(ErrorCode::StorageIo, "a file operation failed").caused_by(cause);
    let error = Error::from(failure);
    assert_eq!(error.to_string(), "storage_io: a file operation failed");
    assert_eq!(error.source().unwrap().to_string(), "/var/lib/app/sessions.db");
    assert_eq!(error, Error::new(ErrorCode::StorageIo, "a file operation failed"));
}
