//! The header in the tree is the one that the sources make, and its table of errors is the core's.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hellojohn_core::ErrorCode;

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn header_path() -> PathBuf {
    package().join("../../include/hellojohn.h")
}

/// The groups of the reference that Doxygen makes: what the names of their functions start with, the longest first that fits.
const GROUPS: &[(&str, &str)] = &[
    ("hj_version", "Versions"),
    ("hj_abi_version", "Versions"),
    ("hj_status_", "Errors"),
    ("hj_error_", "Errors"),
    ("hj_clock_", "Clocks for tests"),
    ("hj_engine_", "Engines"),
    ("hj_session_", "Sessions"),
    ("hj_grant_", "Grants"),
    ("hj_claims_", "Claims of access tokens"),
    ("hj_operation_report_", "Observers"),
    ("hj_page_", "Pages of sessions"),
    ("hj_pending_", "Calls that were begun"),
    ("hj_revoke_preview_", "Previews of revocations"),
    ("hj_config_", "Settings"),
    ("hj_stats_", "Counts"),
    ("hj_keys_", "Signing keys"),
    ("hj_revocation_list_", "The revocation list"),
    ("hj_event_", "Events"),
    ("hj_explanation_", "Explanations"),
    ("hj_maintenance_report_", "Maintenance"),
    ("hj_text_", "Texts"),
    ("hj_tenant_", "Tenants"),
    ("hj_sign_in_attempt_", "Sign-ins that may fail"),
    ("hj_backup_", "Whole databases"),
    ("hj_restore_", "Whole databases"),
    ("hj_copy_", "Whole databases"),
    ("hj_replay_report_", "Whole databases"),
    ("hj_check_", "Whole databases"),
    ("hj_lower_lease", "Whole databases"),
    ("hj_verify_event_log", "Events"),
    ("hj_import_report_", "Imports"),
    ("hj_rest_", "REST"),
    ("hj_sign_in_", "REST"),
    ("hj_response_", "REST"),
];

fn group_of(function: &str) -> &'static str {
    let fitting = GROUPS.iter().filter(|(start, _)| function.starts_with(start));
    let longest = fitting.max_by_key(|(start, _)| start.len());
    longest.unwrap_or_else(|| panic!("{function} is in no group: add one to GROUPS")).1
}

/// The name of the function whose documentation begins at this line, if it is one.
fn function_after<'a>(lines: &[&'a str]) -> Option<&'a str> {
    let declared = lines.iter().position(|line| !line.starts_with("///"))?;
    let declaration = lines[declared..].iter().find(|line| !line.starts_with("HJ_"))?;
    (declared > 0 && lines[declared] == "HJ_API")
        .then(|| declaration.split('(').next())?
        .and_then(|before| before.rsplit([' ', '*']).next())
}

/// The header with a heading before each run of functions of one group.
fn with_groups(header: &str) -> String {
    let lines: Vec<&str> = header.lines().collect();
    let mut grouped = String::new();
    let mut open: Option<&str> = None;
    for (index, line) in lines.iter().enumerate() {
        let begins = index > 0 && lines[index - 1].is_empty();
        let group = function_after(&lines[index..]).filter(|_| begins).map(group_of);
        let is_end = *line == "#ifdef __cplusplus" && open.is_some();
        if open.is_some() && (is_end || group.is_some_and(|group| open != Some(group))) {
            grouped.push_str("/// @}\n\n");
            open = None;
        }
        if let (Some(title), None) = (group, open) {
            let name = title.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            grouped.push_str(&format!("/// @defgroup {name} {title}\n/// @{{\n\n"));
            open = group;
        }
        grouped.push_str(line);
        grouped.push('\n');
    }
    // A group that goes on later is only defined once.
    let mut seen = BTreeSet::new();
    let mark = |line: &str| match line.strip_prefix("/// @defgroup ") {
        Some(named) if !seen.insert(named.to_owned()) => {
            format!("/// @addtogroup {}\n", named.split(' ').next().unwrap_or_default())
        }
        _ => format!("{line}\n"),
    };
    grouped.lines().map(mark).collect()
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
    with_groups(&String::from_utf8(header).expect("UTF-8"))
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
