//! What each command answers to bad input: the exit code, what went wrong, and what to do; never the secret key.

use std::fs;

use crate::shell::{KEY, Shell, run};

#[test]
fn a_bad_command_line_is_exit_code_2() {
    let shell = Shell::with_tenant();
    for (arguments, said) in [
        (&[][..], "Usage: hellojohn"),
        (&["nope"], "unrecognized subcommand 'nope'"),
        (&["sessions"], "Usage: hellojohn sessions"),
        (&["sessions", "list", "--status", "odd"], "status: "),
        (&["sessions", "list", "--limit", "0"], "0 is not in 1..=10000"),
        (&["sessions", "list", "--created-after", "yesterday"], "created_after: must be a time"),
        (&["sessions", "list", "--cursor", "x"], "cursor"),
        (&["sessions", "get", ""], "SESSION_ID"),
        (&["sessions", "count", "--country", "Spain"], "country: "),
        (&["sessions", "count", "--mfa-verified", "perhaps"], "mfa_verified: "),
        (&["sessions", "revoke-where"], "filter: needs a member"),
        (&["sessions", "revoke-where", "--yes"], "filter: needs a member"),
        (&["sessions", "revoke-where", "--status", "all", "--yes"], "status: must be active"),
        (&["sessions", "revoke-where", "--user-id", "usr_ada", "--plan", "x"], "--yes"),
        (&["sessions", "revoke-where", "--user-id", "usr_ada", "--yes", "--plan", "x"], "plan: "),
        (&["users", "revoke", ""], "user_id: "),
        (&["config", "get", "idle"], "idle is no setting"),
        (&["config", "get", "warnings"], "warnings is no setting"),
        (&["config", "set"], "NAME=VALUE"),
        (&["config", "set", "idle_timeout"], "has no value"),
        (&["config", "set", "idle_timeout=soon"], "idle_timeout: "),
        (&["config", "set", "idle=7d"], "idle"),
        (&["config", "set", "idle_timeout=7d", "idle_timeout=8d"], "given twice"),
        (&["events", "list", "--types", "odd"], "types: "),
        (&["events", "list", "--after", "-1"], "-1"),
        (&["token", "inspect"], "there is no token"),
        (&["token", "inspect", "x.y"], "neither an access token nor a refresh token"),
        (&["token", "verify", ""], "there is no token"),
        (&["maintain", "purge"], "--older-than"),
        (&["maintain", "purge", "--older-than", "soon"], "duration"),
        (&["backup"], "<TO>"),
        (&["restore", "x"], "--policy"),
        (&["restore", "x", "--policy", "perhaps"], "policy: "),
        (&["serve", "--listen", "here"], "--listen"),
        (&["serve", "--rest-options", "{\"odd\":1}"], "odd"),
        (&["serve", "--verify", "lease:1s"], "must be store, lease:Nms or stale:Nms"),
        (&["serve", "--verify", "lease:250ms"], "is about a database on a server"),
        (&["maintain", "lower-lease", "0"], "a file has no leases"),
        (&["maintain", "lower-lease", "5001"], "5001"),
        (&["completions", "dos"], "dos"),
        (&["man", "nope"], "there is no command nope"),
        (&["init", "idle_timeout=soon"], "idle_timeout: "),
        (&["stats", "--database", "mysql://x"], "database: "),
        (&["stats", "--actor", ""], "actor: "),
        (&["stats", "--tenant", ""], "tenant_id: "),
    ] {
        let outcome = shell.run(arguments);
        assert_eq!(outcome.code, 2, "{arguments:?} {outcome:?}");
        assert!(outcome.errors.contains(said), "{arguments:?} {outcome:?}");
        assert_eq!(outcome.output, "", "{arguments:?}");
        // For programs the same in the form of REST's errors.
        if !arguments.is_empty() {
            let outcome = shell.run(&[&["--json"], arguments].concat());
            assert_eq!((outcome.code, outcome.output.as_str()), (2, ""), "{arguments:?} {outcome:?}");
            let error: serde_json::Value = serde_json::from_str(&outcome.errors).expect("an error in JSON");
            assert_eq!(error["error"]["code"], "validation_error", "{arguments:?} {outcome:?}");
        }
    }
}

#[test]
fn a_no_of_the_engine_is_exit_code_1() {
    let shell = Shell::with_tenant();
    fs::write(shell.folder().join("other"), "sk_live_nE4wQ8tYb2mZ6kXp9RvLcU").unwrap();
    for (arguments, said) in [
        (&["sessions", "get", "ses_01HABCDEF999888"][..], "(session_not_found)"),
        (&["sessions", "explain", "a b/c"], "(session_not_found)"),
        (&["sessions", "revoke", "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV"], "(session_not_found)"),
        (
            &["users", "revoke", "usr_ada", "--except", "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV"],
            "(session_not_found)",
        ),
        (&["keys", "retire", "key_x"], "(not_found)"),
        (&["stats", "--tenant", "tnt_other"], "(not_found)"),
        (&["stats", "--secret-key-file", "other"], "(invalid_api_key)"),
        (&["init", "--secret-key-file", "other"], "(invalid_api_key)"),
        (&["maintain", "sweep", "--tenant", "tnt_other"], "(not_found)"),
    ] {
        let outcome = shell.run(arguments);
        assert_eq!(outcome.code, 1, "{arguments:?} {outcome:?}");
        assert!(outcome.errors.contains(said), "{arguments:?} {outcome:?}");
    }
    // A mistyped id has made no tenant.
    assert_eq!(shell.json(&["check"])["counts"]["tenants"], 1);
}

#[test]
fn a_database_that_cannot_be_used_is_exit_code_3() {
    let shell = Shell::with_tenant();
    fs::write(shell.folder().join("junk.db"), "junk").unwrap();
    for (arguments, said) in [
        (&["stats", "--database", "gone.db"][..], "there is no database at gone.db"),
        (&["serve", "--database", "gone.db"], "there is no database at gone.db"),
        (&["maintain", "lower-clock-mark", "--database", "gone.db"], "there is no database at gone.db"),
        (&["stats", "--database", "junk.db"], "(storage_corrupt)"),
        (&["check", "gone.db"], "(storage_io)"),
        (&["backup", "b.db", "--database", "gone.db"], "(storage_io)"),
        (&["backup", "no/folder/b.db"], "(storage_io)"),
        (&["restore", "gone.db", "--policy", "keep"], "(storage_io)"),
        (&["restore", "junk.db", "--policy", "keep", "--database", "new.db"], "(storage_corrupt)"),
        (&["stats", "--secret-key-file", "gone"], "cannot be read"),
        (&["keys", "change-secret", "--new-secret-key-file", "gone"], "cannot be read"),
        (&["init", "--database", "no/folder/x.db"], "(storage_io)"),
        (&["init", "--secret-key-file", "no/folder/key"], "cannot be made"),
    ] {
        let outcome = shell.run(arguments);
        assert_eq!(outcome.code, 3, "{arguments:?} {outcome:?}");
        assert!(outcome.errors.contains(said), "{arguments:?} {outcome:?}");
    }
    for absent in ["gone.db", "new.db", "b.db"] {
        assert!(!shell.folder().join(absent).exists(), "{absent} was made");
    }
}

#[test]
fn the_key_comes_from_the_file_the_environment_or_with_a_warning_an_argument() {
    let shell = Shell::with_tenant();
    let mut without = shell.command(&["stats"]);
    let missing = run(without.env_remove("HELLOJOHN_SECRET_KEY_FILE"), "");
    assert_eq!(missing.code, 2);
    assert!(missing.errors.contains("needs the tenant's secret key"), "{missing:?}");
    let given = run(without.env("HELLOJOHN_SECRET_KEY", KEY), "");
    assert_eq!((given.code, given.errors.as_str()), (0, ""));
    let argument = shell.run(&["stats", "--secret-key", KEY]);
    assert_eq!(argument.code, 0);
    assert!(argument.errors.starts_with("warning: --secret-key is visible"), "{argument:?}");
    // Not one that a person would have to type, either.
    let mut init = Shell::empty().command(&["init"]);
    let nowhere = run(init.env_remove("HELLOJOHN_SECRET_KEY_FILE").current_dir(shell.folder()), "");
    assert_eq!(nowhere.code, 2);
    assert!(nowhere.errors.contains("a place for the tenant's secret key"), "{nowhere:?}");
    let mut nameless = shell.command(&["stats"]);
    let nameless = run(nameless.env_remove("HELLOJOHN_TENANT_ID"), "");
    assert_eq!(nameless.code, 2);
    assert!(nameless.errors.contains("--tenant"), "{nameless:?}");
}

#[test]
fn a_password_in_a_databases_url_is_never_shown() {
    let shell = Shell::with_tenant();
    let url = "postgres://ada:hunter2@localhost:1/x";
    for command in ["stats", "backup b.db", "check", "restore b.db --policy keep"] {
        let arguments: Vec<&str> = command.split(' ').chain(["--database", url]).collect();
        let outcome = shell.run(&arguments);
        assert_ne!(outcome.code, 0, "{command}");
        assert!(!format!("{outcome:?}").contains("hunter2"), "{command} {outcome:?}");
    }
    let help = run(shell.command(&["--help"]).env("HELLOJOHN_DATABASE", url), "");
    assert!(!help.output.contains("hunter2"), "{help:?}");
}
