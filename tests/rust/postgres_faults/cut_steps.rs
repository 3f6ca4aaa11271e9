//! Every operation of a tenant once, each with a state in which it has something to do.

use serde_json::{Value, json};

use crate::cut_world::{Sessions, Step, World};

fn step(op: &'static str, prepare: fn(&World, &Sessions) -> Value) -> Step {
    Step { name: op, op, prepare }
}

fn named(name: &'static str, op: &'static str, prepare: fn(&World, &Sessions) -> Value) -> Step {
    Step { name, op, prepare }
}

fn refreshed(world: &World, token: &Value) -> Value {
    world.near("refresh", json!({"refresh_token": token}))["refresh_token"].clone()
}

fn retiring_key(world: &World) -> Value {
    world.near("rotate_keys", json!({}));
    let keys = world.near("keys", json!({}));
    let retiring = keys["data"].as_array().unwrap().iter().find(|key| key["state"] == "retiring");
    retiring.expect("the key before")["kid"].clone()
}

fn imported(world: &World) -> Value {
    let credential = format!("old-session-{}", world.now());
    let times = json!({"user_id": "usr_3", "credential": credential, "created_at": world.now() - 500,
        "last_active_at": world.now() - 200, "expires_at": world.now() + 86_400_000_i64});
    json!({ "rows": [times] })
}

/// All of them.
pub(crate) fn steps() -> Vec<Step> {
    let mut steps = writing_steps();
    steps.extend(reading_steps());
    steps
}

/// Those that change rows.
pub(crate) fn writing_steps() -> Vec<Step> {
    vec![
        named("create beyond the cap", "create", |_, _| json!({"user_id": "usr_1"})),
        step("create", |_, _| json!({"user_id": "usr_3"})),
        named(
            "a good sign-in",
            "sign_in",
            |world, _| json!({"account": world.now().to_string(), "check": "right", "user_id": "usr_3", "ip_address": "203.0.113.7"}),
        ),
        named(
            "a bad sign-in",
            "sign_in",
            |world, _| json!({"account": world.now().to_string(), "check": "wrong", "user_id": "usr_3", "ip_address": "203.0.113.7"}),
        ),
        step("refresh", |_, all| json!({"refresh_token": all.oldest["refresh_token"]})),
        named("refresh again within the window", "refresh", |world, all| {
            refreshed(world, &all.oldest["refresh_token"]);
            json!({"refresh_token": all.oldest["refresh_token"]})
        }),
        named("refresh by a stolen token", "refresh", |world, all| {
            let second = refreshed(world, &all.oldest["refresh_token"]);
            refreshed(world, &second);
            json!({"refresh_token": all.oldest["refresh_token"]})
        }),
        step("import", |world, _| imported(world)),
        named("import what was imported", "import", |world, _| {
            let rows = imported(world);
            world.near("import", rows.clone());
            rows
        }),
        step("adopt", |world, _| {
            let rows = imported(world);
            world.near("import", rows.clone());
            json!({"credential": rows["rows"][0]["credential"]})
        }),
        step("update", |_, all| json!({"session_id": all.oldest["session"]["id"], "role": "admin"})),
        step("revoke", |_, all| json!({"session_id": all.oldest["session"]["id"]})),
        named("revoke what has ended", "revoke", |world, all| {
            world.near("revoke", json!({"session_id": all.oldest["session"]["id"]}));
            json!({"session_id": all.oldest["session"]["id"]})
        }),
        step("revoke_user", |_, all| json!({"user_id": "usr_1", "except": all.newer["session"]["id"]})),
        step("revoke_where", |_, _| json!({"filter": {"user_id": "usr_1"}})),
        step("revoke_tenant", |_, _| json!({})),
        step("sign_out", |_, all| json!({"token": all.oldest["access_token"], "scope": "global"})),
        named("sign out of what has ended", "sign_out", |world, all| {
            world.near("revoke", json!({"session_id": all.oldest["session"]["id"]}));
            json!({"token": all.oldest["refresh_token"]})
        }),
        named("settings as they are", "update_config", |_, _| json!({"max_sessions_per_user": 2})),
        step("update_config", |_, _| json!({"max_sessions_per_user": 1, "refresh_reuse_window": "3s"})),
        step("rotate_keys", |_, _| json!({})),
        step("retire_key", |world, _| json!({"kid": retiring_key(world)})),
        named("retire a retired key", "retire_key", |world, _| {
            let kid = retiring_key(world);
            world.near("retire_key", json!({"kid": kid}));
            json!({"kid": kid})
        }),
        step("rotate_refresh_key", |_, _| json!({})),
        step("sweep", |world, _| {
            world.near("create", json!({"user_id": "usr_3", "duration": "1s"}));
            world.wait(2_000);
            json!({})
        }),
        step("purge", |world, all| {
            world.near("revoke", json!({"session_id": all.oldest["session"]["id"]}));
            json!({"before": world.now() + 1})
        }),
        step("seal_events", |world, all| {
            world.near("revoke", json!({"session_id": all.oldest["session"]["id"]}));
            json!({})
        }),
        step("maintain", |world, _| {
            world.near("create", json!({"user_id": "usr_3", "duration": "1s"}));
            world.wait(2_000);
            json!({})
        }),
    ]
}

fn reading_steps() -> Vec<Step> {
    vec![
        step("verify_access_token", |_, all| json!({"token": all.oldest["access_token"]})),
        step("verify_session", |_, all| json!({"session_id": all.oldest["session"]["id"]})),
        named("verify an ended session", "verify_session", |world, all| {
            world.near("revoke", json!({"session_id": all.oldest["session"]["id"]}));
            json!({"session_id": all.oldest["session"]["id"]})
        }),
        named("verify a session that the clock has ended", "verify_session", |world, _| {
            let grant = world.near("create", json!({"user_id": "usr_3", "duration": "1s"}));
            world.wait(2_000);
            json!({"session_id": grant["session"]["id"]})
        }),
        step("require_auth", |_, all| json!({"token": all.oldest["access_token"], "max_age": "5m"})),
        step("verify_locally", |_, all| json!({"token": all.oldest["access_token"]})),
        step("get", |_, all| json!({"session_id": all.other["session"]["id"]})),
        step("list", |_, _| json!({"user_id": "usr_1"})),
        named("list of all users", "list", |_, _| json!({"status": "all", "limit": 2})),
        step("count", |_, _| json!({"user_id": "usr_1"})),
        step("explain", |_, all| json!({"session_id": all.oldest["session"]["id"]})),
        step("config", |_, _| json!({})),
        step("jwks", |_, _| json!({})),
        step("keys", |_, _| json!({})),
        step("stats", |_, _| json!({})),
        step("stats_series", |_, _| json!({"series": "24h"})),
        step("revocations", |world, all| {
            world.near("revoke", json!({"session_id": all.oldest["session"]["id"]}));
            json!({"since": world.revoked_before()})
        }),
        step("events", |world, all| {
            world.near("revoke", json!({"session_id": all.oldest["session"]["id"]}));
            json!({"after": world.events_before()})
        }),
        step("check_events", |world, _| json!({"after": world.events_before()})),
    ]
}
