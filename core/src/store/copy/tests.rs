//! That a copy knows every table.

use std::collections::BTreeSet;

use super::rows::Kind;
use crate::store::sqlite::MIGRATIONS;

/// What is copied without being a row of a tenant: by `copy_once`.
const COPIED_ALONE: [&str; 2] = ["clock_mark", "tenants"];

/// The tables that these migrations create.
fn tables(migrations: &[&'static str]) -> BTreeSet<&'static str> {
    let statements = migrations.iter().flat_map(|migration| migration.split("CREATE TABLE ").skip(1));
    statements.filter_map(|rest| rest.trim_start_matches('@').split([' ', '(']).next()).collect()
}

/// Those that a copy reads and writes.
fn copied() -> BTreeSet<&'static str> {
    Kind::ALL.iter().map(|kind| kind.table()).chain(COPIED_ALONE).collect()
}

#[test]
fn every_table_of_a_file_is_copied() {
    assert_eq!(tables(MIGRATIONS), copied());
}

#[cfg(feature = "postgres")]
#[test]
fn every_table_of_a_server_is_copied_but_that_of_the_open_stores() {
    let mut expected = copied();
    expected.insert("writers");
    assert_eq!(tables(crate::store::postgres::MIGRATIONS), expected);
}
