//! `include/hellojohn.hpp` and the file that it includes know every call and every object of the C header.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(header: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../include").join(header);
    fs::read_to_string(path).expect("the header can be read")
}

/// The names in the text that start with `hj_`; comments do not count.
fn names(header: &str) -> BTreeSet<&str> {
    header
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .filter(|name| name.starts_with("hj_"))
        .collect()
}

/// The functions of the header that need an owner or a method: each call that can fail, and each `_free`. Getters read objects,
/// for which an owner has `get()`.
fn declared(header: &str) -> BTreeSet<&str> {
    // After the comment with the contract, which lines alone do not tell from code.
    let (_, declarations) = header.split_once("#define HELLOJOHN_H").expect("the include guard");
    declarations
        .lines()
        .filter_map(|line| line.split_once('(').map(|(before, _)| before))
        .filter_map(|before| before.rsplit_once(' '))
        .filter(|(kind, name)| *kind == "hj_status" || *kind == "void" && name.ends_with("_free"))
        .map(|(_, name)| name)
        .collect()
}

/// What C++ hosts call as it is: what an hj_authenticate does with its sign-in, which is the library's, and a getter of a status.
const CALLED_AS_IT_IS: &[&str] = &["hj_sign_in_accept", "hj_error_status"];

#[test]
fn the_cpp_header_has_every_call_and_every_object() {
    let c = read("hellojohn.h");
    let cpp = read("hellojohn.hpp") + &read("hellojohn_objects.hpp");
    let declared = declared(&c);
    for known in
        ["hj_engine_open", "hj_tenant_create", "hj_pending_read_wait", "hj_grant_free", "hj_clock_new"]
    {
        assert!(declared.contains(known), "{known} is not found in the header");
    }
    let known = names(&cpp);
    let missing: Vec<_> =
        declared.iter().filter(|name| !known.contains(*name) && !CALLED_AS_IT_IS.contains(name)).collect();
    assert!(missing.is_empty(), "include/hellojohn.hpp has no method for {missing:?}");
    let unneeded: Vec<_> = CALLED_AS_IT_IS.iter().filter(|name| known.contains(*name)).collect();
    assert!(unneeded.is_empty(), "include/hellojohn.hpp has a method for {unneeded:?} now");
}
