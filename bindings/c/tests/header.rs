//! The header in the tree is the one that the sources make, and its table of errors is the core's.

use std::fs;
use std::path::{Path, PathBuf};

use hellojohn_core::ErrorCode;

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn header_path() -> PathBuf {
    package().join("../../include/hellojohn.h")
}

fn generated() -> String {
    let config = cbindgen::Config::from_file(package().join("cbindgen.toml")).expect("cbindgen.toml");
    let mut header = Vec::new();
    cbindgen::Builder::new()
        .with_crate(package())
        .with_config(config)
        .generate()
        .expect("the sources can be read")
        .write(&mut header);
    String::from_utf8(header).expect("UTF-8")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how a developer asks for a new header")]
fn the_header_is_current() {
    let fresh = generated();
    if std::env::var_os("HJ_UPDATE_HEADER").is_some() {
        fs::write(header_path(), &fresh).expect("include/ can be written");
    }
    let kept = fs::read_to_string(header_path()).unwrap_or_default();
    assert!(
        kept == fresh,
        "include/hellojohn.h is stale: run HJ_UPDATE_HEADER=1 cargo test -p hellojohn-capi"
    );
}

#[test]
fn the_numbers_of_errors_are_those_of_the_core() {
    let header = generated();
    let mut found: Vec<(i32, String)> = header
        .lines()
        .filter_map(|line| line.strip_prefix("#define HJ_ERR_")?.split_once(' '))
        .map(|(name, number)| (number.parse().expect("a number"), name.to_lowercase()))
        .collect();
    found.sort_unstable();
    let expected: Vec<(i32, String)> =
        ErrorCode::ALL.iter().map(|code| (code.number(), code.as_str().to_owned())).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_function_says_what_it_does() {
    let header = generated();
    let mut before = "";
    for line in header.lines() {
        if line.contains("HJ_API") && !line.contains("define") {
            assert!(before.starts_with("///") || before == "HJ_MUST_USE", "undocumented: {line}");
        }
        before = line;
    }
}
