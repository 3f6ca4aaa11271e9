//! What each command answers to good input, to people and to programs.

use std::fs;

use hellojohn::{CreateSession, Engine, Tenant};
use serde_json::{Value, json};

use crate::shell::{KEY, Shell, run};

/// The tenant of the shell's database, as a host beside the commands has it open.
pub fn open_host(shell: &Shell) -> Tenant {
    let engine = Engine::open(shell.folder().join("hellojohn.db")).expect("a database");
    engine.tenant(&"tnt_acme".parse().expect("an id"), &KEY.parse().expect("a key")).expect("a tenant")
}

pub fn sign_in(tenant: &Tenant, user: &str) -> hellojohn::Grant {
    tenant.create(CreateSession::new(user.parse().expect("an id"))).expect("a session")
}

#[test]
fn init_makes_a_database_a_tenant_and_a_key_that_only_its_owner_reads() {
    use std::os::unix::fs::PermissionsExt;
    let shell = Shell::empty();
    let made = shell.json(&["init", "idle_timeout=7d"]);
    assert_eq!(made, json!({"tenant_id": "tnt_acme", "secret_key_file": "key"}));
    let file = shell.folder().join("key");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let key = fs::read_to_string(&file).unwrap();
    assert!(key.starts_with("sk_live_") && key.trim_end().len() == 40, "a key of 192 bits");
    assert_eq!(shell.json(&["config", "get", "idle_timeout"]), json!({"idle_timeout": "7d"}));

    let again = shell.json(&["init"]);
    assert_eq!(again["secret_key_file"], Value::Null);
    assert_eq!(fs::read_to_string(&file).unwrap(), key);
    assert_eq!(shell.json(&["config", "get", "idle_timeout"]), json!({"idle_timeout": "7d"}));

    let test_key = Shell::empty();
    test_key.json(&["init", "--test-key"]);
    assert!(fs::read_to_string(test_key.folder().join("key")).unwrap().starts_with("sk_test_"));
}

#[test]
fn sessions_are_listed_shown_explained_counted_and_ended_beside_a_host() {
    let shell = Shell::with_tenant();
    let host = open_host(&shell);
    let grants: Vec<_> = (0..3).map(|_| sign_in(&host, "usr_ada")).collect();
    sign_in(&host, "usr_bob");
    let id = grants[0].session.id.to_string();

    let list = shell.json(&["sessions", "list", "--user-id", "usr_ada"]);
    assert_eq!(list["data"].as_array().unwrap().len(), 3);
    assert_eq!(list["pagination"], json!({"limit": 20, "has_more": false, "next_cursor": null}));
    assert!(list["data"][0]["created_at"].as_str().unwrap().ends_with('Z'));
    let people = shell.run(&["sessions", "list"]).output;
    assert!(people.starts_with("SESSION ") && people.lines().count() == 5, "{people}");
    assert_eq!(shell.json(&["sessions", "get", &id])["user_id"], "usr_ada");
    assert_eq!(shell.json(&["sessions", "explain", &id])["status"], "active");
    assert_eq!(shell.json(&["sessions", "count"]), json!({"count": 4}));
    assert_eq!(shell.run(&["sessions", "count", "--user-id", "usr_bob"]).output, "1\n");

    assert_eq!(shell.json(&["sessions", "revoke", &id])["end_reason"], "revoked");
    assert!(host.verify_session(grants[0].session.id).is_err());
    let explained = shell.run(&["sessions", "explain", &id]).output;
    assert!(explained.starts_with(&format!("The session {id} of usr_ada is over since ")), "{explained}");

    let kept = grants[1].session.id.to_string();
    let revoked = shell.json(&["users", "revoke", "usr_ada", "--except", &kept]);
    assert_eq!(revoked, json!({"revoked": 1}));
    assert!(host.verify_session(grants[1].session.id).is_ok());
}

#[test]
fn a_long_list_is_put_together_from_pages_and_goes_on_at_its_cursor() {
    let shell = Shell::with_tenant();
    let host = open_host(&shell);
    for _ in 0..230 {
        sign_in(&host, "usr_ada");
    }
    let first = shell.json(&["sessions", "list", "--limit", "210"]);
    assert_eq!(first["data"].as_array().unwrap().len(), 210);
    assert_eq!(first["pagination"]["has_more"], true);
    let cursor = first["pagination"]["next_cursor"].as_str().unwrap();
    let people = shell.run(&["sessions", "list", "--limit", "210"]).output;
    assert!(people.contains("There are more: add --cursor "), "{people}");
    let rest = shell.json(&["sessions", "list", "--limit", "210", "--cursor", cursor]);
    assert_eq!(rest["data"].as_array().unwrap().len(), 20);

    let events = shell.json(&["events", "list", "--limit", "150", "--types", "session.created"]);
    assert_eq!(events["data"].as_array().unwrap().len(), 150);
    let after = events["pagination"]["next_after"].to_string();
    let rest =
        shell.json(&["events", "list", "--limit", "150", "--types", "session.created", "--after", &after]);
    assert_eq!(rest["data"].as_array().unwrap().len(), 80);
    assert_eq!(rest["pagination"]["has_more"], false);
}

#[test]
fn revoke_where_shows_first_and_ends_what_it_has_shown() {
    let shell = Shell::with_tenant();
    let host = open_host(&shell);
    sign_in(&host, "usr_ada");
    let preview = shell.json(&["sessions", "revoke-where", "--user-id", "usr_ada"]);
    assert_eq!((&preview["count"], preview["sample"].as_array().unwrap().len()), (&json!(1), 1));
    let people = shell.run(&["sessions", "revoke-where", "--user-id", "usr_ada"]).output;
    assert!(people.contains("Nothing was changed") && people.contains("--yes --plan "), "{people}");
    // A session that was not shown is not ended.
    sign_in(&host, "usr_ada");
    let plan = preview["plan"].as_str().unwrap();
    let ended = shell.json(&["sessions", "revoke-where", "--user-id", "usr_ada", "--yes", "--plan", plan]);
    assert_eq!(ended, json!({"revoked": 1}));
    assert_eq!(shell.json(&["sessions", "count"]), json!({"count": 1}));
    let none = shell.run(&["sessions", "revoke-where", "--user-id", "usr_bob"]).output;
    assert_eq!(none, "No session matches. Nothing was changed.\n");
    assert_eq!(shell.json(&["sessions", "revoke-all"]), json!({"count": 1}));
    assert_eq!(shell.json(&["sessions", "count"]), json!({"count": 1}));
    assert_eq!(shell.run(&["sessions", "revoke-all", "--yes"]).output, "Ended 1 session.\n");
}

#[test]
fn settings_are_shown_and_changed_together_or_not_at_all() {
    let shell = Shell::with_tenant();
    let set = shell.json(&["config", "set", "idle_timeout=7d", "max_sessions_per_user=5"]);
    assert_eq!((&set["idle_timeout"], &set["max_sessions_per_user"]), (&json!("7d"), &json!(5)));
    assert_eq!(shell.run(&["config", "set", "idle_timeout=null", "max_sessions_per_user=x"]).code, 2);
    assert_eq!(shell.json(&["config", "get"]), set);
    assert_eq!(shell.run(&["config", "get", "idle_timeout"]).output, "7d\n");
    let warned = shell.run(&["config", "set", "idle_timeout=1h"]).output;
    assert!(warned.ends_with("\n\nwarning: idle_timeout_below_two_access_tokens\n"), "{warned}");
}

#[test]
fn keys_are_listed_rotated_retired_and_their_secrets_changed() {
    let shell = Shell::with_tenant();
    let host = open_host(&shell);
    let grant = sign_in(&host, "usr_ada");
    let keys = shell.json(&["keys", "list"]);
    let state = |keys: &Value, number: usize| keys["keys"][number]["state"].clone();
    assert_eq!([state(&keys, 0), state(&keys, 1)], ["active", "next"]);
    let first = keys["keys"][0]["kid"].as_str().unwrap();
    assert_eq!(shell.run(&["keys", "retire", first]).code, 2, "the active key is not retired");
    assert_eq!(shell.json(&["keys", "rotate"])["kid"], keys["keys"][1]["kid"]);
    assert_eq!(shell.json(&["keys", "retire", first]), json!({"kid": first}));
    assert_eq!(state(&shell.json(&["keys", "list"]), 0), "retired");
    assert_eq!(shell.json(&["jwks"])["keys"].as_array().unwrap().len(), 2);
    assert!(host.verify_access_token(grant.access_token.expose()).is_err());

    let grant = sign_in(&host, "usr_ada");
    shell.json(&["keys", "rotate-refresh"]);
    assert!(host.refresh(grant.refresh_token.expose(), Default::default()).is_err());

    fs::write(shell.folder().join("new"), "sk_live_nE4wQ8tYb2mZ6kXp9RvLcU").unwrap();
    shell.json(&["keys", "change-secret", "--new-secret-key-file", "new"]);
    let refused = shell.run(&["stats"]);
    assert_eq!(refused.code, 1);
    assert!(refused.errors.contains("(invalid_api_key)"), "{refused:?}");
    assert_eq!(shell.json(&["stats", "--secret-key-file", "new"])["sessions"]["active"], 2);
}

#[test]
fn the_revocation_list_is_printed_for_verifiers() {
    let shell = Shell::with_tenant();
    assert_eq!(shell.run(&["revocations"]).code, 2, "it is not switched on");
    shell.json(&["config", "set", "revocation_list=true"]);
    let first = shell.json(&["revocations"]);
    assert_eq!(shell.run(&["revocations"]).output.trim_end().split('.').count(), 3);
    let since = first["seq"].to_string();
    let next = shell.json(&["revocations", "--since", &since]);
    assert_eq!((&next["since"], &next["seq"]), (&first["seq"], &first["seq"]));
}

#[test]
fn tokens_are_read_without_a_key_and_verified_with_one() {
    let shell = Shell::with_tenant();
    let host = open_host(&shell);
    let grant = sign_in(&host, "usr_ada");
    let (access, refresh) = (grant.access_token.expose(), grant.refresh_token.expose());
    let inspect = |token: &str| {
        run(shell.command(&["token", "inspect", "--json"]).env_remove("HELLOJOHN_SECRET_KEY_FILE"), token)
            .json()
    };
    assert_eq!(inspect(access)["payload"]["sub"], "usr_ada");
    let session_id = grant.session.id.to_string();
    assert_eq!(inspect(refresh), json!({"kind": "refresh_token", "session_id": session_id}));
    let verified = shell.run_with_input(&["token", "verify", "--json"], access);
    assert_eq!((verified.code, &verified.json()["valid"]), (0, &json!(true)));
    host.revoke(grant.session.id).unwrap();
    let verified = shell.run(&["token", "verify", access, "--json"]);
    assert_eq!((verified.code, &verified.json()["error"]["code"]), (1, &json!("session_revoked")));
}

#[test]
fn events_name_the_actor_of_each_change() {
    let shell = Shell::with_tenant();
    let host = open_host(&shell);
    let grant = sign_in(&host, "usr_ada");
    let id = grant.session.id.to_string();
    shell.json(&["sessions", "revoke", &id, "--actor", "operator:åda"]);
    sign_in(&host, "usr_bob");
    shell.json(&["users", "revoke", "usr_bob"]);
    let events = shell.json(&["events", "list", "--types", "session.ended"]);
    assert_eq!(
        (&events["data"][0]["actor"], &events["data"][0]["session_id"]),
        (&json!("operator:åda"), &json!(id))
    );
    assert_eq!(events["data"][1]["actor"], "cli");
    assert_eq!(shell.json(&["events", "list", "--session-id", &id])["data"].as_array().unwrap().len(), 2);
    assert_eq!(shell.json(&["events", "list", "--user-id", "usr_bob"])["data"].as_array().unwrap().len(), 2);
}

#[test]
fn maintenance_is_done_on_demand() {
    let shell = Shell::with_tenant();
    let host = open_host(&shell);
    host.revoke(sign_in(&host, "usr_ada").session.id).unwrap();
    assert_eq!(shell.json(&["maintain", "sweep"]), json!({"stamped": 0}));
    assert_eq!(shell.json(&["maintain", "purge", "--older-than", "90d"]), json!({"purged": 0}));
    assert_eq!(shell.json(&["maintain", "lower-clock-mark"]), json!({}));
    assert_eq!(shell.json(&["stats"])["sessions"], json!({"active": 0, "expired": 0, "revoked": 1}));
}

#[test]
fn a_backup_is_made_checked_and_restored_by_its_policy() {
    let shell = Shell::with_tenant();
    let host = open_host(&shell);
    sign_in(&host, "usr_ada");
    assert_eq!(shell.json(&["backup", "b.db"])["to"], "b.db");
    let checked = shell.json(&["check", "b.db"]);
    assert_eq!((&checked["ok"], &checked["counts"]["sessions"]), (&json!(true), &json!(1)));
    shell.json(&["restore", "b.db", "--policy", "keep", "--database", "kept.db"]);
    assert_eq!(shell.json(&["sessions", "count", "--database", "kept.db"]), json!({"count": 1}));
    shell.json(&["restore", "b.db", "--policy", "end_all", "--database", "ended.db"]);
    assert_eq!(shell.json(&["sessions", "count", "--database", "ended.db"]), json!({"count": 0}));

    let again = shell.run(&["backup", "b.db"]);
    assert_eq!(again.code, 3, "no file is replaced: {again:?}");
    let busy = shell.run(&["restore", "b.db", "--policy", "keep"]);
    assert_eq!(busy.code, 3, "a host has it open: {busy:?}");
    assert!(busy.errors.contains("(storage_busy)") && busy.errors.contains("to do: "), "{busy:?}");
}

#[test]
fn a_file_with_problems_is_a_report_and_exit_code_1() {
    let shell = Shell::empty();
    fs::write(shell.folder().join("junk.db"), "junk").unwrap();
    let report = shell.run(&["check", "junk.db", "--json"]);
    assert_eq!((report.code, &report.json()["problems"][0]["kind"]), (1, &json!("file")));
}

#[test]
fn the_manual_and_the_completions_know_every_command() {
    let shell = Shell::empty();
    let help = shell.run(&["help"]).output;
    let names =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = names.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 15 && names.contains(&"restore"), "{help}");
    let (man, bash) = (shell.run(&["man"]).output, shell.run(&["completions", "bash"]).output);
    for name in names {
        assert!(man.contains(&format!("hellojohn\\-{name}(1)")), "{name}");
        assert!(bash.contains(&format!("hellojohn__subcmd__{name}")), "{name}");
    }
    let page = shell.run(&["man", "sessions", "revoke-where"]).output;
    assert!(page.contains(".TH hellojohn-sessions-revoke-where 1"), "{page}");
}

#[test]
fn a_log_of_events_is_sealed_exported_and_proves_itself() {
    let shell = Shell::with_tenant();
    sign_in(&open_host(&shell), "usr_ada");
    assert_eq!(shell.json(&["events", "seal"]), json!({"sealed": 2, "through": 2}));
    assert_eq!(shell.json(&["maintain", "run"])["sealed_events"], 0);
    assert_eq!(shell.json(&["events", "export", "log"]), json!({"to": "log", "events": 2}));
    fs::write(shell.folder().join("jwks"), shell.run(&["jwks"]).output).unwrap();
    assert_eq!(shell.json(&["events", "verify", "log", "--jwks", "jwks"])["ok"], true);
    let log = fs::read_to_string(shell.folder().join("log")).unwrap();
    fs::write(shell.folder().join("forged"), log.replace("usr_ada", "usr_bob")).unwrap();
    let forged = shell.run(&["events", "verify", "forged", "--jwks", "jwks", "--json"]);
    assert_eq!((forged.code, &forged.json()["problem"]), (1, &json!("changed")));
    assert_eq!(shell.run(&["events", "export", "log"]).code, 3, "no file is replaced");
    assert_eq!(shell.run(&["events", "verify", "log", "--jwks", "log"]).code, 2);
    assert_eq!(shell.run(&["events", "verify", "gone", "--jwks", "jwks"]).code, 3);
}
