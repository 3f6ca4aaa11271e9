//! `include/hellojohn.hpp` knows every function of an engine and of a tenant.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(header: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../include").join(header);
    fs::read_to_string(path).expect("the header can be read")
}

/// The names in the text that start with `hj_engine_` or `hj_tenant_`; comments do not count.
fn names(header: &str) -> BTreeSet<&str> {
    header
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .filter(|name| name.starts_with("hj_engine_") || name.starts_with("hj_tenant_"))
        .collect()
}

#[test]
fn the_cpp_header_calls_every_function_of_an_engine_and_a_tenant() {
    let (c, cpp) = (read("hellojohn.h"), read("hellojohn.hpp"));
    // After the comment with the contract, which lines alone do not tell from code.
    let (_, declarations) = c.split_once("#define HELLOJOHN_H").expect("the include guard");
    let declared = names(declarations);
    assert!(declared.contains("hj_engine_open") && declared.contains("hj_tenant_create"));
    let missing: Vec<_> = declared.difference(&names(&cpp)).copied().collect();
    assert!(missing.is_empty(), "include/hellojohn.hpp has no method for {missing:?}");
}
