//! Ending many sessions beside every other call: one act for all callers, counted exactly.

use hellojohn::{
    EndReason, Engine, ErrorCode, Grant, Limit, ListQuery, PurgeBefore, Session, SessionFilter, StatusFilter,
    Tenant, Timestamp,
};
use hellojohn_tests::fixture::{
    Database, Process, SECRET, START, code, configure, refresh, rounds, sign_in, user,
};
use hellojohn_tests::surface::{Outcome, Surface};
use serde_json::{Value, json};

use crate::{active, at_once, race_rounds};

/// Sessions of the user; far more than the engines here end row by row.
const SESSIONS: usize = 12;

/// Two engines on one file.
fn engines() -> (Database, [Process; 2], [Tenant; 2]) {
    let database = Database::new();
    let open = || Process::open(database.path(), START, Engine::builder().direct_ends_max(3));
    let processes = [open(), open()];
    let tenants = [processes[0].tenant("tnt"), processes[1].tenant("tnt")];
    (database, processes, tenants)
}

fn all_of(tenant: &Tenant, id: &str) -> Vec<Session> {
    let filter = SessionFilter::of_user(user(id)).status(Some(StatusFilter::All));
    let mut query = ListQuery::default().filter(filter).limit(Limit::new(100).unwrap());
    let mut sessions = Vec::new();
    loop {
        let page = tenant.list(&query).unwrap();
        sessions.extend(page.data);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return sessions;
        }
    }
}

fn assert_over(tenants: &[Tenant; 2], grants: &[Grant]) {
    for (at, grant) in grants.iter().enumerate() {
        let tenant = &tenants[at % 2];
        assert_eq!(code(tenant.verify_session(grant.session.id)), Some(ErrorCode::SessionRevoked));
        let token = grant.access_token.expose();
        assert_eq!(code(tenant.verify_access_token(token)), Some(ErrorCode::SessionRevoked));
    }
}

/// After so many rounds another database is begun: a purge looks at all sessions there are.
const ROUNDS_PER_DATABASE: u64 = 250;

#[test]
fn revocations_count_each_session_once_beside_every_other_call() {
    let mut engines = engines();
    for round in 0..race_rounds() {
        if round % ROUNDS_PER_DATABASE == ROUNDS_PER_DATABASE - 1 {
            engines = self::engines();
        }
        let tenants = &engines.2;
        let [one, two] = tenants;
        let name = format!("u{round}");
        let grants: Vec<Grant> = (0..SESSIONS).map(|_| sign_in(one, &name)).collect();
        let revoke = |tenant: &Tenant| {
            let revoked = tenant.revoke_user(&user(&name), None).unwrap();
            assert_over(tenants, &grants);
            revoked
        };
        let refresh_one = |tenant: &Tenant, at: usize| {
            let _ = refresh(tenant, grants[at].refresh_token.expose()); // refused, if it comes later
            0
        };
        let counts = at_once::<u64>(vec![
            Box::new(|| revoke(one)),
            Box::new(|| revoke(two)),
            Box::new(|| refresh_one(two, 3)),
            Box::new(|| refresh_one(one, 7)),
            Box::new(|| two.sweep().unwrap()),
            Box::new(|| one.purge(PurgeBefore::Time(Timestamp::from_millis(0))).unwrap()),
            Box::new(|| sign_in(two, &name).evicted.len() as u64),
        ]);
        let sessions = all_of(two, &name);
        assert_eq!(sessions.len(), SESSIONS + 1);
        let revoked = sessions.iter().filter(|it| it.end_reason == Some(EndReason::RevokeAll)).count();
        assert_eq!(counts.iter().sum::<u64>(), revoked as u64);
        assert!(revoked >= SESSIONS, "a session from before outlived it");
        assert_eq!(active(one, &name).len(), SESSIONS + 1 - revoked);
    }
}

/// The purge deletes what has ended, as soon as that is counted.
#[test]
fn a_purge_beside_a_revocation_takes_nothing_from_its_count() {
    let (_database, _processes, tenants) = engines();
    let [one, two] = &tenants;
    for round in 0..race_rounds() {
        let name = format!("u{round}");
        let grants: Vec<Grant> = (0..SESSIONS).map(|_| sign_in(two, &name)).collect();
        let purge =
            |tenant: &Tenant| tenant.purge(PurgeBefore::Time(Timestamp::from_millis(i64::MAX))).unwrap();
        let counts = at_once::<u64>(vec![
            Box::new(|| one.revoke_user(&user(&name), None).unwrap()),
            Box::new(|| two.revoke_tenant().unwrap()),
            Box::new(|| purge(one)),
            Box::new(|| purge(two)),
        ]);
        assert_eq!(counts[0] + counts[1], SESSIONS as u64);
        assert_eq!(counts[2] + counts[3] + purge(one), SESSIONS as u64);
        for grant in grants {
            assert_eq!(code(one.get(grant.session.id)), Some(ErrorCode::SessionNotFound));
        }
    }
}

#[test]
fn sign_ins_beside_each_other_under_a_lowered_cap_leave_exactly_the_newest() {
    let (_database, _processes, tenants) = engines();
    let [one, two] = &tenants;
    for round in 0..race_rounds() {
        let name = format!("u{round}");
        configure(one, r#"{"max_sessions_per_user":null}"#);
        let old: Vec<Grant> = (0..SESSIONS).map(|_| sign_in(one, &name)).collect();
        configure(two, r#"{"max_sessions_per_user":2}"#);
        for process in &_processes {
            process.set_clock(START + round as i64 + 1);
        }
        let fresh = at_once::<Grant>(vec![
            Box::new(|| sign_in(one, &name)),
            Box::new(|| sign_in(two, &name)),
            Box::new(|| sign_in(one, &name)),
        ]);
        assert_over(&tenants, &old);
        let living = active(two, &name);
        assert_eq!(living.len(), 2);
        assert!(living.iter().all(|id| fresh.iter().any(|grant| grant.session.id == *id)));
        let evicted =
            all_of(one, &name).iter().filter(|it| it.end_reason == Some(EndReason::MaxSessions)).count();
        assert_eq!(evicted, SESSIONS + 1);
    }
}

/// As many as the engine of a host ends by one record.
#[test]
fn processes_agree_on_a_revocation_of_hundreds() {
    const TENANT: (&str, &str) = ("tnt", SECRET);
    let database = Database::new();
    let mut surfaces = Surface::open_all(env!("CARGO_BIN_EXE_surface"), 4, &database.path(), START).unwrap();
    for round in 0..rounds("HJ_RACES", 100).div_ceil(50) {
        let name = format!("u{round}");
        let mut create = || surfaces[0].call("create", TENANT, json!({"user_id": name})).unwrap().unwrap();
        let grants: Vec<Value> = (0..600).map(|_| create()).collect();
        let calls = [
            ("revoke_user", json!({"user_id": name})),
            ("refresh", json!({"refresh_token": grants[300]["refresh_token"]})),
            ("sweep", json!({})),
            ("revoke_user", json!({"user_id": name})),
        ];
        let outcomes: Vec<Outcome> = at_once(
            surfaces
                .iter_mut()
                .zip(&calls)
                .map(|(surface, (op, args))| {
                    Box::new(move || surface.call(op, TENANT, args.clone()).unwrap()) as Box<_>
                })
                .collect(),
        );
        let revoked = |at: usize| outcomes[at].as_ref().unwrap()["revoked"].as_u64().unwrap();
        assert_eq!(revoked(0) + revoked(3), 600);
        for (at, grant) in grants.iter().enumerate().step_by(37) {
            let args = json!({"token": grant["access_token"]});
            let outcome = surfaces[at % 4].call("verify_access_token", TENANT, args).unwrap();
            assert_eq!(outcome.unwrap_err().0, "session_revoked");
        }
    }
    for surface in surfaces {
        surface.stop().unwrap();
    }
}
