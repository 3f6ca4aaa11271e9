//! `copy`: what it takes along, and what it refuses.

use crate::shell::Shell;

#[test]
fn a_copy_takes_everything_along_and_writes_only_what_is_new() {
    let shell = Shell::with_tenant();
    let first = shell.json(&["copy", "hellojohn.db", "moved.db"]);
    assert_eq!(first["tenants"], 1);
    assert!(first["changed_rows"].as_u64().is_some_and(|rows| rows > 0), "{first}");
    let again = shell.json(&["copy", "hellojohn.db", "moved.db"]);
    assert_eq!((&again["changed_rows"], &again["checksum"]), (&0.into(), &first["checksum"]));
    let shown = shell.run(&["copy", "hellojohn.db", "moved.db"]).output;
    assert!(shown.starts_with("Nothing was left to do. Both databases hold the same: 1 tenant, "), "{shown}");
    assert_eq!(shell.json(&["stats", "--database", "moved.db"])["sessions"]["active"], 0);
}

#[test]
fn what_cannot_be_copied_is_refused_and_nothing_is_overwritten() {
    let shell = Shell::with_tenant();
    for (from, to, code) in
        [("gone.db", "moved.db", 3), ("hellojohn.db", "hellojohn.db", 2), ("hellojohn.db", ":memory:", 2)]
    {
        assert_eq!(shell.run(&["copy", from, to]).code, code, "{from} {to}");
    }
    assert!(!shell.folder().join("gone.db").exists());
    assert_eq!(shell.run(&["init", "--database", "other.db", "--tenant", "tnt_other"]).code, 0);
    let refused = shell.run(&["copy", "hellojohn.db", "other.db"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert_eq!(
        shell.json(&["stats", "--database", "other.db", "--tenant", "tnt_other"])["sessions"]["active"],
        0
    );
}
