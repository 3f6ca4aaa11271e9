//! Events: each end is told once with its reason and its actor, whatever happens; a log of events proves itself.

use std::collections::{HashMap, HashSet};
use std::thread;

use hellojohn::{
    Engine, EventLogProblem, EventQuery, EventType, Jwks, Limit, ListQuery, PurgeBefore, SessionFilter,
    SessionId, Status, StatusFilter, Tenant, verify_event_log,
};
use hellojohn_tests::fixture::{DAY, Database, HOUR, Process, SECRET, START, configure, sign_in, user};
use hellojohn_tests::surface::Surface;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Every event that is kept.
fn all_events(tenant: &Tenant) -> Vec<hellojohn::Event> {
    let mut events = Vec::new();
    let mut query = EventQuery::default().limit(Limit::new(100).unwrap());
    loop {
        let page = tenant.events(&query).unwrap();
        events.extend(page.data);
        if !page.has_more {
            return events;
        }
        query.after = page.next_after;
    }
}

#[derive(Debug, Clone)]
enum Step {
    SignIn(u8),
    Revoke(usize),
    RevokeUser(u8),
    RevokeTenant,
    Refresh(usize),
    Sweep,
    Maintain,
    Purge,
    Wait(i64),
    SetIdleTimeout(Option<u64>),
    SetCap(Option<u64>),
    Reopen,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..3u8).prop_map(Step::SignIn),
        3 => (0..40usize).prop_map(Step::Revoke),
        2 => (0..3u8).prop_map(Step::RevokeUser),
        1 => Just(Step::RevokeTenant),
        3 => (0..40usize).prop_map(Step::Refresh),
        1 => Just(Step::Sweep),
        1 => Just(Step::Maintain),
        1 => Just(Step::Purge),
        3 => (1..3 * HOUR).prop_map(Step::Wait),
        1 => prop::option::of(1..3u64).prop_map(Step::SetIdleTimeout),
        1 => prop::option::of(1..3u64).prop_map(Step::SetCap),
        1 => Just(Step::Reopen),
    ]
}

fn open(database: &Database, at: i64) -> (Process, Tenant) {
    let builder = Engine::builder().direct_ends_max(3);
    let process = Process::open(database.path(), at, builder);
    let tenant = process.tenant("tnt");
    (process, tenant)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_end_is_told_once_with_its_instant_its_reason_and_its_actor(
        steps in prop::collection::vec(any_step(), 1..60),
    ) {
        let database = Database::new();
        let mut now = START;
        let mut processes = [open(&database, now), open(&database, now)];
        configure(&processes[0].1, &json!({"event_retention": "10y", "session_duration": "6h"}).to_string());
        let mut sessions: Vec<(SessionId, String)> = Vec::new();
        let mut actor_at: HashMap<i64, String> = HashMap::new();
        for (number, step) in steps.into_iter().enumerate() {
            now += 1;
            if let Step::Wait(millis) = step {
                now += millis;
            }
            for (process, _) in &processes {
                process.set_clock(now);
            }
            let actor = format!("op{number}");
            actor_at.insert(now, actor.clone());
            let tenant = processes[number % 2].1.with_actor(Some(actor.parse().unwrap()));
            match step {
                Step::SignIn(who) => {
                    let grant = sign_in(&tenant, &format!("u{who}"));
                    sessions.push((grant.session.id, grant.refresh_token.expose().to_owned()));
                }
                Step::Revoke(at) => {
                    if let Some((id, _)) = sessions.get(at) {
                        let _ = tenant.revoke(*id);
                    }
                }
                Step::RevokeUser(who) => drop(tenant.revoke_user(&user(&format!("u{who}")), None).unwrap()),
                Step::RevokeTenant => drop(tenant.revoke_tenant().unwrap()),
                // Often an older token, which ends its session.
                Step::Refresh(at) => {
                    if let Some((_, token)) = sessions.get(at) {
                        let _ = tenant.refresh(token, Default::default());
                    }
                }
                Step::Sweep => drop(tenant.sweep().unwrap()),
                Step::Maintain => drop(tenant.maintain().unwrap()),
                Step::Purge => drop(tenant.purge(PurgeBefore::OlderThan("4h".parse().unwrap())).unwrap()),
                Step::Wait(_) => {}
                Step::SetIdleTimeout(hours) => {
                    configure(&tenant, &json!({"idle_timeout": hours.map(|hours| format!("{hours}h"))}).to_string());
                }
                Step::SetCap(cap) => configure(&tenant, &json!({"max_sessions_per_user": cap}).to_string()),
                Step::Reopen => processes[number % 2] = open(&database, now),
            }
        }
        let tenant = &processes[0].1;
        tenant.sweep().unwrap();
        tenant.sweep().unwrap();

        let events = all_events(tenant);
        prop_assert!(events.iter().map(|event| event.seq).eq(1..=events.len() as u64), "a gap");
        let mut ends: HashMap<SessionId, &hellojohn::Event> = HashMap::new();
        let mut purged = 0;
        for event in &events {
            match event.r#type {
                EventType::SessionEnded => {
                    let before = ends.insert(event.session_id.unwrap(), event);
                    prop_assert!(before.is_none(), "told twice: {event:?}");
                }
                EventType::SessionPurged => {
                    prop_assert!(ends.contains_key(&event.session_id.unwrap()), "purged before its end: {event:?}");
                    purged += 1;
                }
                _ => {}
            }
        }
        let every_status = SessionFilter::default().status(Some(StatusFilter::All));
        let all = ListQuery::default().filter(every_status).limit(Limit::new(100).unwrap());
        let kept = tenant.list(&all).unwrap();
        prop_assert_eq!(kept.data.len() + purged, sessions.len());
        for session in &kept.data {
            let told = ends.get(&session.id).map(|event| event.data["end_reason"].as_str().unwrap());
            prop_assert_eq!(told, session.end_reason.map(|reason| reason.as_str()));
            if let (Some(at), Some(event)) = (session.revoked_at, ends.get(&session.id)) {
                prop_assert_eq!(event.at, at);
            }
            if let Some(event) = ends.get(&session.id).filter(|_| session.status == Status::Expired) {
                prop_assert_eq!(event.at, session.expires_at);
            }
        }
        for event in ends.values() {
            let actor = event.actor.as_ref().map(|actor| actor.as_str());
            match event.data["end_reason"].as_str().unwrap() {
                "expired" | "idle_timeout" => prop_assert_eq!(actor, None),
                // Every call has an instant of its own.
                _ => prop_assert_eq!(actor, actor_at.get(&event.at.as_millis()).map(String::as_str)),
            }
        }
        let mut log = Vec::new();
        tenant.export_events(0, &mut log).unwrap();
        prop_assert!(verify_event_log(log.as_slice(), &tenant.jwks().unwrap()).unwrap().ok);
    }
}

#[test]
fn each_end_is_told_once_by_four_processes_that_end_stamp_or_maintain_at_once() {
    let database = Database::new();
    let tenant = ("tnt", SECRET);
    let mut surfaces = Surface::open_all(env!("CARGO_BIN_EXE_surface"), 4, &database.path(), START).unwrap();
    let settings = json!({"event_retention": "1y", "session_duration": "1h"});
    surfaces[0].call("update_config", tenant, settings).unwrap().unwrap();
    let mut now = START;
    for round in 0..32 {
        let created = surfaces[round % 4].call("create", tenant, json!({"user_id": "u"})).unwrap().unwrap();
        let id = created["session"]["id"].clone();
        let (op, args) = match round % 4 {
            0 => ("revoke", json!({ "session_id": id })),
            1 => ("revoke_user", json!({"user_id": "u"})),
            2 => ("revoke_tenant", json!({})),
            _ => ("sweep", json!({})),
        };
        let is_by_clock = op == "sweep";
        let ends_at = now + HOUR;
        if is_by_clock {
            now += 2 * HOUR;
            for surface in &mut surfaces {
                surface.set_clock(now).unwrap().unwrap();
            }
        }
        thread::scope(|scope| {
            for (number, surface) in surfaces.iter_mut().enumerate() {
                let args = args.clone();
                scope.spawn(move || {
                    let actor = json!(format!("p{number}"));
                    surface.call_as(Some(&actor), op, tenant, args).unwrap().unwrap();
                    surface.call("sweep", tenant, json!({})).unwrap().unwrap();
                });
            }
        });
        let query = json!({"session_id": id, "types": ["session.ended"]});
        let told = surfaces[3].call("events", tenant, query).unwrap().unwrap();
        assert_eq!(told["data"].as_array().unwrap().len(), 1, "{told}");
        let event = &told["data"][0];
        if is_by_clock {
            assert_eq!(event["data"]["end_reason"], "expired", "{told}");
            assert_eq!((&event["at"], &event["actor"]), (&json!(ends_at), &Value::Null), "{told}");
        } else {
            assert_eq!(event["at"], json!(now), "{told}");
            assert!(event["actor"].as_str().unwrap().starts_with('p'), "{told}");
        }
    }
    tell_each_end_of_a_bulk_act_once(&mut surfaces, tenant, now);
    for surface in surfaces {
        surface.stop().unwrap();
    }
}

/// Four processes at once stamp what one call has ended as one record, and what the clock ends meanwhile.
fn tell_each_end_of_a_bulk_act_once(surfaces: &mut [Surface], tenant: (&str, &str), now: i64) {
    const SESSIONS: usize = 600;
    let mut ids = HashSet::new();
    for number in 0..SESSIONS {
        // The first ones have ended by the clock before the call.
        let args = json!({"user_id": "many", "duration": if number < 20 { "1m" } else { "1h" }});
        let created = surfaces[number % 4].call("create", tenant, args).unwrap().unwrap();
        ids.insert(created["session"]["id"].as_str().unwrap().to_owned());
    }
    let ended_at = now + 2 * 60_000;
    for surface in surfaces.iter_mut() {
        surface.set_clock(ended_at).unwrap().unwrap();
    }
    let actor = json!("cron");
    let args = json!({"user_id": "many"});
    surfaces[0].call_as(Some(&actor), "revoke_user", tenant, args).unwrap().unwrap();
    thread::scope(|scope| {
        for (number, surface) in surfaces.iter_mut().enumerate() {
            let op = if number % 2 == 0 { "sweep" } else { "maintain" };
            scope.spawn(move || surface.call(op, tenant, json!({})).unwrap().unwrap());
        }
    });
    let mut after = json!(0);
    let mut told = HashSet::new();
    loop {
        let query = json!({"user_id": "many", "types": ["session.ended"], "after": after, "limit": 100});
        let page = surfaces[1].call("events", tenant, query).unwrap().unwrap();
        for event in page["data"].as_array().unwrap() {
            let id = event["session_id"].as_str().unwrap().to_owned();
            assert!(told.insert(id.clone()), "told twice: {event}");
            let expected = match event["data"]["end_reason"].as_str().unwrap() {
                "expired" => json!([now + 60_000, null]),
                _ => json!([ended_at, "cron"]),
            };
            assert_eq!(json!([event["at"], event["actor"]]), expected, "{event}");
        }
        after = page["next_after"].clone();
        if page["has_more"] != json!(true) {
            break;
        }
    }
    assert_eq!(told, ids);
}

/// A log of some events, its lines, and the keys.
fn exported() -> (Vec<String>, Jwks) {
    let process = Process::in_memory(START);
    let tenant = process.tenant("tnt");
    configure(&tenant, &json!({"event_retention": "1y"}).to_string());
    for _ in 0..4 {
        sign_in(&tenant, "u");
    }
    tenant.seal_events().unwrap();
    for _ in 0..4 {
        sign_in(&tenant, "u");
    }
    let mut log = Vec::new();
    assert_eq!(tenant.export_events(0, &mut log).unwrap(), 9);
    let lines = String::from_utf8(log).unwrap().lines().map(str::to_owned).collect();
    (lines, tenant.jwks().unwrap())
}

fn check(lines: &[String], keys: &Jwks) -> (Option<EventLogProblem>, Option<u64>) {
    let report = verify_event_log((lines.join("\n") + "\n").as_bytes(), keys).unwrap();
    assert_eq!(report.ok, report.problem.is_none());
    (report.problem, report.problem_seq)
}

/// The line of the log on which this event stands. How many seals stand between events depends on the machine.
fn line_of(lines: &[String], seq: u64) -> usize {
    let number = format!("\"seq\":{seq},\"session_id\"");
    lines.iter().position(|line| line.contains(&number)).unwrap()
}

/// The lines that are signed: seals and the end.
fn signed_lines(lines: &[String]) -> Vec<usize> {
    (0..lines.len()).filter(|&at| lines[at].contains("\"signature\"")).collect()
}

fn seq_of_seal(line: &str) -> u64 {
    let seal: Value = serde_json::from_str(line).unwrap();
    seal["seal"]["seq"].as_u64().unwrap()
}

#[test]
fn a_log_names_the_first_event_that_was_changed_removed_inserted_or_moved() {
    let (lines, keys) = exported();
    assert_eq!(check(&lines, &keys), (None, None));
    for seq in 1..=9u64 {
        let line = line_of(&lines, seq);
        let changed = |edit: &dyn Fn(&mut Vec<String>)| {
            let mut lines = lines.clone();
            edit(&mut lines);
            check(&lines, &keys)
        };
        for (member, value) in
            [("user_id", json!("v")), ("actor", json!("eve")), ("at", json!(7)), ("x", json!(1))]
        {
            let found = changed(&|lines| {
                let mut event: Value = serde_json::from_str(&lines[line]).unwrap();
                event[member] = value.clone();
                lines[line] = event.to_string();
            });
            assert_eq!(found, (Some(EventLogProblem::Changed), Some(seq)), "{member}");
        }
        let removed = changed(&|lines| drop(lines.remove(line)));
        assert_eq!(removed, (Some(EventLogProblem::Removed), Some(seq)));
        let doubled = changed(&|lines| lines.insert(line + 1, lines[line].clone()));
        assert_eq!(doubled, (Some(EventLogProblem::Inserted), Some(seq)));
        let forged =
            changed(&|lines| lines.insert(line, lines[line].replace("\"u\"", "\"v\"").replace("90d", "9d")));
        let is_told_by_a_user = seq > 1;
        if is_told_by_a_user {
            assert_eq!(forged, (Some(EventLogProblem::Inserted), Some(seq)));
        }
        if seq < 9 {
            let next = line_of(&lines, seq + 1);
            let swapped = changed(&|lines| lines.swap(line, next));
            assert_eq!(swapped, (Some(EventLogProblem::Moved), Some(seq)));
        }
        let cut = changed(&|lines| lines.truncate(line));
        assert_eq!(cut, (Some(EventLogProblem::Truncated), Some(seq)));
    }
    // Cut off behind a seal that is good.
    let seal = signed_lines(&lines)[0];
    let cut = &lines[..=seal];
    let first_lost = seq_of_seal(&lines[seal]) + 1;
    assert_eq!(check(cut, &keys), (Some(EventLogProblem::Truncated), Some(first_lost)));
    let end = &lines[lines.len() - 1..];
    assert_eq!(check(&[cut, end].concat(), &keys), (Some(EventLogProblem::Removed), Some(first_lost)));
    assert_eq!(
        check(&[lines.clone(), vec![lines[1].clone()]].concat(), &keys),
        (Some(EventLogProblem::Inserted), Some(1))
    );
}

#[test]
fn a_log_whose_hashes_were_made_anew_is_found_at_the_seal_and_foreign_keys_vouch_for_nothing() {
    let (lines, keys) = exported();
    let (other, other_keys) = exported();
    assert_eq!(check(&lines, &other_keys), (Some(EventLogProblem::Unverified), None));
    // Another log of the same tenant's name: its hashes fit each other, its seals are another key's.
    let seal = signed_lines(&lines)[0];
    let last = line_of(&other, seq_of_seal(&lines[seal]));
    let mut mixed = other[..=last].to_vec();
    mixed.retain(|line| !line.contains("\"signature\""));
    mixed.extend_from_slice(&lines[seal..]);
    assert_eq!(check(&mixed, &keys), (Some(EventLogProblem::Changed), Some(1)));
    for line in signed_lines(&lines) {
        let mut forged = lines.clone();
        let mut seal: Value = serde_json::from_str(&forged[line]).unwrap();
        let members = seal.as_object_mut().unwrap().values_mut().next().unwrap();
        members["sealed_at"] = json!(START + DAY);
        forged[line] = seal.to_string();
        assert_eq!(check(&forged, &keys).0, Some(EventLogProblem::BadSignature));
    }
}

/// The writer of an end chooses the key that it names; one that the reader does not have must not stand for the genuine end.
#[test]
fn an_end_by_a_key_that_is_not_in_the_set_ends_no_log() {
    let (lines, keys) = exported();
    let signed = signed_lines(&lines);
    let (seal, end) = (signed[0], lines.len() - 1);
    let by_an_unknown_key = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let members = line.as_object_mut().unwrap().values_mut().next().unwrap();
        members["kid"] = json!("key_01ARZ3NDEKTSV4RRFFQ69G5FAV");
        line
    };
    // Cut off behind a good seal, with that seal's statement as the end.
    let forged = json!({"end": by_an_unknown_key(&lines[seal])["seal"]}).to_string();
    let cut = [&lines[..=seal], &[forged]].concat();
    let first_lost = seq_of_seal(&lines[seal]) + 1;
    assert_eq!(check(&cut, &keys), (Some(EventLogProblem::Unverified), Some(first_lost)));
    // The genuine events, of which no seal by a known key is left behind the first one.
    let mut unsigned = lines.clone();
    unsigned[end] = by_an_unknown_key(&lines[end]).to_string();
    let mut at = 0;
    unsigned.retain(|line| {
        at += 1;
        at - 1 == seal || at - 1 == end || !line.contains("\"signature\"")
    });
    assert_eq!(check(&unsigned, &keys), (Some(EventLogProblem::Unverified), Some(first_lost)));
    // An earlier seal by a key that has gone is vouched for by the end.
    let mut rotated = lines.clone();
    rotated[seal] = by_an_unknown_key(&lines[seal]).to_string();
    assert_eq!(check(&rotated, &keys), (None, None));
}

#[test]
fn what_is_no_log_is_a_report() {
    let (lines, keys) = exported();
    for text in ["", "\n", "{}", "[]", "null", "{\"seq\":1}", "{\"log\":{}}", "\u{0}", "{\"log\":1}"] {
        let report = verify_event_log(text.as_bytes(), &keys).unwrap();
        assert!(!report.ok, "{text:?}");
    }
    assert_eq!(check(&lines[1..], &keys).0, Some(EventLogProblem::Malformed));
    let long = format!("{{\"seq\":1,\"x\":\"{}\"}}", "x".repeat(100_000));
    assert_eq!(check(&[lines[0].clone(), long], &keys).0, Some(EventLogProblem::Malformed));
    let not_text = verify_event_log(&b"\xff\xfe\n"[..], &keys).unwrap();
    assert_eq!(not_text.problem, Some(EventLogProblem::Malformed));
}
