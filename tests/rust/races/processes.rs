//! The same calls in four processes at once.

use hellojohn_tests::fixture::{Database, SECRET, START, rounds};
use hellojohn_tests::surface::{Outcome, Surface};
use serde_json::{Value, json};

use crate::at_once;

const TENANT: (&str, &str) = ("tnt", SECRET);

/// The same call in every process at once.
fn in_all(surfaces: &mut [Surface], op: &str, args: &Value) -> Vec<Outcome> {
    let calls = surfaces
        .iter_mut()
        .map(|surface| Box::new(move || surface.call(op, TENANT, args.clone()).unwrap()) as Box<_>)
        .collect();
    at_once(calls)
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap()
}

#[test]
fn four_processes_agree() {
    let database = Database::new();
    let mut surfaces = Surface::open_all(env!("CARGO_BIN_EXE_surface"), 4, &database.path(), START).unwrap();
    in_all(&mut surfaces, "config", &json!({}));
    for round in 0..rounds("HJ_RACES", 100) {
        let name = format!("u{round}");
        let mut call = |at: usize, op: &str, args: Value| surfaces[at].call(op, TENANT, args).unwrap();

        // Strictly once.
        call(0, "update_config", json!({"refresh_reuse_window": 0, "max_sessions_per_user": null})).unwrap();
        let grant = call(1, "create", json!({"user_id": name})).unwrap();
        let outcomes = in_all(&mut surfaces, "refresh", &json!({"refresh_token": grant["refresh_token"]}));
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);

        // One live token.
        let mut call = |at: usize, op: &str, args: Value| surfaces[at].call(op, TENANT, args).unwrap();
        call(2, "update_config", json!({"refresh_reuse_window": 10, "max_sessions_per_user": 2})).unwrap();
        let grant = call(3, "create", json!({"user_id": name})).unwrap();
        let outcomes = in_all(&mut surfaces, "refresh", &json!({"refresh_token": grant["refresh_token"]}));
        let tokens: Vec<&str> =
            outcomes.iter().map(|outcome| text(outcome.as_ref().unwrap(), "refresh_token")).collect();
        assert!(tokens.iter().all(|token| *token == tokens[0]));

        // The cap; everything before it is older.
        for surface in &mut surfaces {
            surface.set_clock(START + round as i64 + 1).unwrap().unwrap();
        }
        let outcomes = in_all(&mut surfaces, "create", &json!({"user_id": name}));
        let evicted: usize = outcomes
            .iter()
            .map(|outcome| outcome.as_ref().unwrap()["evicted"].as_array().unwrap().len())
            .sum();
        assert_eq!(evicted, 3);
        let ids: Vec<String> = outcomes
            .iter()
            .map(|outcome| text(&outcome.as_ref().unwrap()["session"], "id").to_owned())
            .collect();
        for outcome in in_all(&mut surfaces, "list", &json!({"user_id": name})) {
            let living = outcome.unwrap()["data"].as_array().unwrap().clone();
            assert_eq!(living.len(), 2);
            assert!(living.iter().all(|session| ids.contains(&text(session, "id").to_owned())));
        }

        // Twelve wrong passwords, ten failures.
        let wrong = json!({"account": name, "check": "wrong", "user_id": name});
        let codes: Vec<String> = (0..3)
            .flat_map(|_| in_all(&mut surfaces, "sign_in", &wrong))
            .map(|outcome| outcome.unwrap_err().0)
            .collect();
        assert_eq!(codes.iter().filter(|code| *code == "invalid_credentials").count(), 10, "{codes:?}");
        assert_eq!(codes.iter().filter(|code| *code == "too_many_requests").count(), 2, "{codes:?}");

        // Imported by all, one session; adopted by all, one live token.
        let rows =
            json!({"rows": [{"user_id": format!("i{round}"), "credential": format!("credential {round}")}]});
        let imported: u64 = in_all(&mut surfaces, "import", &rows)
            .into_iter()
            .map(|outcome| outcome.unwrap()["imported"].as_u64().unwrap())
            .sum();
        assert_eq!(imported, 1);
        let adopted = in_all(&mut surfaces, "adopt", &json!({"credential": format!("credential {round}")}));
        let tokens: Vec<&str> =
            adopted.iter().map(|outcome| text(outcome.as_ref().unwrap(), "refresh_token")).collect();
        assert!(tokens.iter().all(|token| *token == tokens[0]));

        // Revoked in one, dead in all.
        let mut call = |at: usize, op: &str, args: Value| surfaces[at].call(op, TENANT, args).unwrap();
        let grant = call(0, "create", json!({"user_id": name})).unwrap();
        let id = json!({"session_id": text(&grant["session"], "id")});
        for outcome in in_all(&mut surfaces, "verify_access_token", &json!({"token": grant["access_token"]}))
        {
            outcome.unwrap();
        }
        surfaces[round as usize % 4].call("revoke", TENANT, id.clone()).unwrap().unwrap();
        for (op, args) in
            [("verify_access_token", json!({"token": grant["access_token"]})), ("verify_session", id)]
        {
            for outcome in in_all(&mut surfaces, op, &args) {
                assert_eq!(outcome.unwrap_err().0, "session_revoked");
            }
        }
        let refreshed = in_all(&mut surfaces, "refresh", &json!({"refresh_token": grant["refresh_token"]}));
        assert!(refreshed.into_iter().all(|outcome| outcome.unwrap_err().0 == "session_revoked"));
    }
    for surface in surfaces {
        surface.stop().unwrap();
    }
}
