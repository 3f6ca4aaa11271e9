//! What `docs/reference/errors.md` repeats of the table of errors: the list of all codes, and under each code's heading its
//! status, its names and its meaning. The texts below are written by hand and kept; a code without one is an error.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use hellojohn::ErrorCode;

use super::one_line;

const PATH: &str = "docs/reference/errors.md";
const BEGIN: &str = "<!-- generated: codes -->\n";
const END: &str = "<!-- end -->\n";

/// The sections that are about no code of the engine.
const BY_HAND: &[&str] = &["All codes", "Of the browser's client only"];

pub(super) fn files(root: &Path) -> Vec<(String, String)> {
    let kept = fs::read_to_string(root.join(PATH)).expect("the error reference");
    vec![(PATH.to_owned(), write(&kept))]
}

fn write(kept: &str) -> String {
    let mut sections = kept.split("\n## ");
    let introduction = sections.next().expect("a document has a beginning");
    let sections: Vec<(&str, &str)> =
        sections.map(|section| section.split_once('\n').unwrap_or((section, ""))).collect();
    for (heading, _) in &sections {
        let is_code = ErrorCode::ALL.iter().any(|code| *heading == format!("`{}`", code.as_str()));
        assert!(is_code || BY_HAND.contains(heading), "{PATH}: \"{heading}\" is no error code");
    }
    let by_hand = |name: &str| {
        let found = sections.iter().find(|(heading, _)| *heading == name);
        found.unwrap_or_else(|| panic!("{PATH} has no section {name}")).1
    };
    let mut text = format!("{introduction}\n## {}\n{}", BY_HAND[0], with_list(by_hand(BY_HAND[0])));
    for code in ErrorCode::ALL {
        let body = by_hand(&format!("`{}`", code.as_str()));
        let from = body.find("**When.**").filter(|_| body.contains("\n\n**What to do.** "));
        let from = from.unwrap_or_else(|| {
            panic!("{PATH} does not say of {code} when it comes (**When.**) and **What to do.**")
        });
        write!(text, "\n## `{code}`\n\n{}\n\n{}\n", names(*code), body[from..].trim_end()).expect("a string");
    }
    text + "\n## " + BY_HAND[1] + "\n" + by_hand(BY_HAND[1])
}

/// `HJ_ERR_SESSION_REVOKED`.
fn name_in_c(code: ErrorCode) -> String {
    format!("HJ_ERR_{}", code.as_str().to_uppercase())
}

fn names(code: ErrorCode) -> String {
    let status = code.http_status();
    format!(
        "{} HTTP {status}, Rust `ErrorCode::{code:?}`, C `{}` ({}).",
        one_line(code.doc()),
        name_in_c(code),
        code.number()
    )
}

/// The section with the list between its marks written anew.
fn with_list(section: &str) -> String {
    let (before, rest) = section.split_once(BEGIN).expect("the list has a beginning");
    let (_, after) = rest.split_once(END).expect("and an end");
    let mut list = "\n| Code | HTTP | Meaning |\n|---|---|---|\n".to_owned();
    for code in ErrorCode::ALL {
        let (status, meaning) = (code.http_status(), one_line(code.doc()));
        writeln!(list, "| [`{code}`](#{code}) | {status} | {meaning} |").expect("a string");
    }
    format!("{before}{BEGIN}{list}\n{END}{after}")
}

#[test]
fn the_texts_of_the_error_reference_are_kept() {
    let (_, once) = files(super::root()).remove(0);
    assert_eq!(write(&once), once);
}

#[test]
#[should_panic(expected = "does not say of forked when it comes")]
fn a_code_without_a_text_is_found() {
    let (_, page) = files(super::root()).remove(0);
    let from = page.find("\n## `forked`").expect("the section") + "\n## `forked`\n".len();
    let to = from + page[from..].find("\n## ").expect("the next one");
    write(&format!("{}{}", &page[..from], &page[to..]));
}

#[test]
#[should_panic(expected = "\"`session_lost`\" is no error code")]
fn a_text_of_no_code_is_found() {
    let (_, page) = files(super::root()).remove(0);
    write(&(page + "\n## `session_lost`\n"));
}
