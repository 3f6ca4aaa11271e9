//! `restore --policy replay_events`: what a log ends, and what is said of the rest.

use std::fs;

use serde_json::json;

use crate::commands::{open_host, sign_in};
use crate::shell::Shell;

#[test]
fn a_restore_with_a_log_ends_what_the_log_tells_of_and_says_what_to_do_again() {
    let shell = Shell::with_tenant();
    shell.json(&["config", "set", "event_retention=90d"]);
    {
        let host = open_host(&shell);
        sign_in(&host, "usr_ada");
        sign_in(&host, "usr_bob");
        shell.json(&["backup", "b.db"]);
        sign_in(&host, "usr_eve");
    }
    shell.json(&["users", "revoke", "usr_ada"]);
    shell.json(&["config", "set", "idle_timeout=30d"]);
    shell.json(&["events", "export", "log.jsonl"]);
    fs::write(shell.folder().join("keys.json"), shell.run(&["jwks", "--json"]).output).unwrap();
    let restore = ["restore", "b.db", "--policy", "replay_events", "--database", "other.db"];
    let with_log = [&restore[..], &["--events", "log.jsonl", "--jwks", "keys.json"]].concat();
    let shown = shell.run(&with_log);
    let lines = [
        "Restored other.db. The log has ended 1 session. Lost, because they began after the backup: 1 session.",
        "Undone by the restore, to be done again: 1 change of settings.",
    ];
    assert_eq!((shown.code, shown.output.lines().collect::<Vec<_>>()), (0, lines.to_vec()));
    let report = shell.json(&with_log);
    assert_eq!((&report["ended"], &report["undone_settings"]), (&json!(1), &json!(1)));
    assert_eq!(shell.json(&["sessions", "count", "--database", "other.db"]), json!({"count": 1}));
    for words in [
        &restore[..],
        &[&restore[..], &["--events", "log.jsonl"]].concat(),
        &["restore", "b.db", "--policy", "keep", "--events", "log.jsonl", "--jwks", "keys.json"],
        &[&restore[..], &["--events", "b.db", "--jwks", "keys.json"]].concat(),
    ] {
        assert_eq!(shell.run(words).code, 2, "{words:?}");
    }
}
