//! `import`: rows, and sources that cannot be read. What other systems have written is imported by tests/import.

use std::fs;

use hellojohn::RefreshRequest;
use serde_json::json;

use crate::commands::open_host;
use crate::shell::Shell;

#[test]
fn rows_are_imported_reported_and_adopted() {
    let shell = Shell::with_tenant();
    let host = open_host(&shell);
    let rows = r#"
{"user_id":"usr_ada","credential":"old-session-0001","ip_address":"203.0.113.42"}
{"user_id":"usr_ada"}
{"user_id":"usr_bob","credential":"old-session-0002","expires_at":5}"#;
    fs::write(shell.folder().join("rows.jsonl"), rows).unwrap();
    let import = ["import", "--source", "rows.jsonl"];
    let tried = shell.run(&[&import[..], &["--dry-run", "--json"]].concat());
    assert_eq!(
        (tried.code, &tried.json()["imported"], &tried.json()["dry_run"]),
        (1, &json!(1), &json!(true))
    );
    assert_eq!(shell.json(&["sessions", "count"]), json!({"count": 0}));

    let shown = shell.run(&import);
    assert_eq!(shown.code, 1, "a row is bad: {shown:?}");
    for line in
        ["1  imported", "1  had ended in the old system", "1  not good", "3     credential: exactly one"]
    {
        assert!(shown.output.contains(line), "{line}: {shown:?}");
    }
    let piped = shell.run_with_input(&["import", "--source", "-", "--json"], rows);
    assert_eq!(piped.json()["already_imported"], json!(1));
    let adopted = host.adopt("old-session-0001", RefreshRequest::default()).unwrap();
    assert_eq!(adopted.session.user_id.as_str(), "usr_ada");
    let events = shell.json(&["events", "list", "--types", "tenant.imported"]);
    let [begun, complete] = [0, 1].map(|at| &events["data"][at]);
    assert_eq!((&begun["actor"], &begun["data"]["state"]), (&json!("cli"), &json!("begun")));
    assert_eq!((&complete["actor"], &complete["data"]["imported"]), (&json!("cli"), &json!(1)));

    let stopped = shell.run(&[&import[..], &["--stop-at-bad-row"]].concat());
    assert!(stopped.code == 2 && stopped.errors.contains("line 3: credential"), "{stopped:?}");
}

#[test]
fn a_source_that_cannot_be_read_is_a_clear_error() {
    let shell = Shell::with_tenant();
    fs::write(shell.folder().join("junk"), "junk".repeat(1_000)).unwrap();
    fs::write(shell.folder().join("empty"), "\n").unwrap();
    for (words, code, problem) in [
        (&["--source", "nowhere"][..], 3, "cannot be opened"),
        (&["--source", "."], 3, "cannot be read"),
        (&["--source", "nowhere", "--from", "lucia"], 3, "cannot be opened"),
        (&["--source", "junk", "--from", "lucia"], 3, "not a database"),
        (&["--source", "hellojohn.db", "--from", "supertokens"], 1, "no table session_info"),
        (&["--source", ":memory:", "--from", "lucia"], 2, "must be a file or the URL"),
        (&["--source", "empty", "--cookie-secret-file", "key"], 2, "--cookie-secret-file says nothing"),
        (&["--source", "empty", "--user-at", "x", "--from", "lucia"], 2, "--user-at says nothing"),
        (&["--source", "empty", "--table", "x"], 2, "--table says nothing"),
        (&["--source", "junk", "--from", "better-auth", "--cookie-secret-file", "empty"], 2, "is empty"),
        (&["--source", "junk", "--from", "better-auth", "--cookie-secret-file", "none"], 3, "cannot be read"),
        (&["--source", "junk", "--from", "devise"], 2, "devise"),
    ] {
        let refused = shell.run(&[&["import"], words].concat());
        assert_eq!(refused.code, code, "{words:?} {refused:?}");
        assert!(refused.errors.contains(problem), "{words:?} {refused:?}");
    }
}
