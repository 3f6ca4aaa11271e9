//! First pages of users' lists are remembered, and never tell what a list that is read would not: whoever changes a session of the user,
//! and whatever the clock ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hellojohn::{
    CacheValidator, Engine, Grant, IdentityPatch, ImportRequest, Limit, ListQuery, Observer, Operation,
    OperationReport, Page, PurgeBefore, RevokeWhere, Session, SessionFilter, SessionId, StatusFilter, Tenant,
    UserId,
};
use hellojohn_tests::dice::Dice;
use hellojohn_tests::fixture::{
    DAY, Database, HOUR, Process, SECOND, START, configure, refresh, rounds, sign_in, user,
};

/// Counts the lists that were remembered, and all of them.
#[derive(Clone, Default)]
struct Lists(Arc<[AtomicU64; 2]>);

impl Lists {
    fn counts(&self) -> (u64, u64) {
        let [remembered, all] = &*self.0;
        (remembered.load(Ordering::Relaxed), all.load(Ordering::Relaxed))
    }
}

impl Observer for Lists {
    fn observe(&self, report: &OperationReport<'_>) {
        if report.operation == Operation::List {
            self.0[0].fetch_add(u64::from(report.is_from_cache), Ordering::Relaxed);
            self.0[1].fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn query(id: &str, status: StatusFilter, limit: i64) -> ListQuery {
    let filter = SessionFilter::of_user(user(id)).status(Some(status));
    ListQuery::default().filter(filter).limit(Limit::new(limit).unwrap())
}

fn validator(tenant: &Tenant, query: &ListQuery) -> CacheValidator {
    tenant.list_cacheable(query).unwrap().1.unwrap()
}

#[test]
fn the_first_page_of_a_users_list_is_remembered_and_no_other_page() {
    let database = Database::new();
    let lists = Lists::default();
    let process = Process::open(database.path(), START, Engine::builder().observer(lists.clone()));
    let tenant = process.tenant("tnt");
    let grants: Vec<Grant> = (0..3).map(|_| sign_in(&tenant, "u")).collect();
    let first = query("u", StatusFilter::Active, 2);
    let page = tenant.list(&first).unwrap();
    assert_eq!(page.data.len(), 2);
    assert_eq!((tenant.list(&first).unwrap(), lists.counts()), (page.clone(), (1, 2)));
    // The cursor of a remembered page is good.
    let second = first.clone().cursor(page.next_cursor);
    for _ in 0..2 {
        assert_eq!(tenant.list(&second).unwrap().data[0].id, grants[0].session.id);
    }
    let others = [
        ListQuery::default(),
        query("u", StatusFilter::Active, 2).filter(first.filter.clone().mfa_verified(Some(false))),
    ];
    for other in others {
        assert_eq!(tenant.list(&other).unwrap(), tenant.list(&other).unwrap());
        assert!(tenant.list_cacheable(&other).unwrap().1.is_none());
    }
    assert_eq!(lists.counts().0, 1);

    // Each status, each size, each user, each tenant is a list of its own.
    for (id, status, limit, sessions) in [
        ("u", StatusFilter::Active, 2, 2),
        ("u", StatusFilter::Active, 3, 3),
        ("u", StatusFilter::All, 2, 2),
        ("u", StatusFilter::Revoked, 2, 0),
        ("U", StatusFilter::Active, 2, 0),
    ] {
        for _ in 0..2 {
            assert_eq!(
                tenant.list(&query(id, status, limit)).unwrap().data.len(),
                sessions,
                "{id} {status:?}"
            );
        }
    }
    assert_eq!(process.tenant("other").list(&first).unwrap().data, []);
    let memory = Process::in_memory(START);
    let tenant = memory.tenant("tnt");
    assert!(tenant.list_cacheable(&first).unwrap().1.is_none());
}

#[test]
fn a_cache_that_may_hold_nothing_remembers_no_list_and_large_lists_leave_no_room() {
    for (builder, remembered) in [
        (Engine::builder().token_cache_capacity(0), 0),
        (Engine::builder().token_cache_bytes(6_000), 0),
        (Engine::builder().token_cache_bytes(600_000), 1),
    ] {
        let database = Database::new();
        let lists = Lists::default();
        let process = Process::open(database.path(), START, builder.observer(lists.clone()));
        let tenant = process.tenant("tnt");
        for _ in 0..20 {
            sign_in(&tenant, "u");
        }
        let query = query("u", StatusFilter::Active, 20);
        assert_eq!(tenant.list(&query).unwrap(), tenant.list(&query).unwrap());
        assert_eq!(lists.counts().0, remembered);
    }
}

#[test]
fn a_list_that_had_to_look_at_very_many_sessions_is_not_remembered() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let kept = sign_in(&tenant, "u");
    for _ in 0..101 {
        tenant.revoke(sign_in(&tenant, "u").session.id).unwrap();
    }
    // The one that was never ended is behind 101 others.
    assert!(tenant.list_cacheable(&query("u", StatusFilter::Expired, 20)).unwrap().1.is_none());
    assert!(tenant.list_cacheable(&query("u", StatusFilter::Revoked, 100)).unwrap().1.is_some());
    let (page, validator) = tenant.list_cacheable(&query("u", StatusFilter::Active, 20)).unwrap();
    assert_eq!((page.data[0].id, validator.is_some()), (kept.session.id, true));
}

/// A change of the sessions of "u", by this engine's tenant; the grant is of the first of them.
type Change = fn(&Tenant, &Grant);

/// Every kind of change, in an order in which each has something to change.
const CHANGES: [(&str, Change); 12] = [
    ("a sign-in", |by, _| drop(sign_in(by, "u"))),
    ("a refresh", |by, grant| drop(refresh(by, grant.refresh_token.expose()).unwrap())),
    ("a replay", |by, grant| drop(refresh(by, grant.refresh_token.expose()).unwrap())),
    ("an update", |by, grant| {
        let patch = IdentityPatch::from_json(object(r#"{"role":"admin"}"#)).unwrap();
        drop(by.update(grant.session.id, patch).unwrap());
    }),
    ("the cap", |by, _| {
        configure(by, r#"{"max_sessions_per_user":2}"#);
        assert!(!sign_in(by, "u").evicted.is_empty());
        configure(by, r#"{"max_sessions_per_user":null}"#);
    }),
    ("a setting", |by, _| configure(by, r#"{"idle_timeout":"3d"}"#)),
    ("a revocation", |by, _| by.revoke(sign_in(by, "u").session.id).unwrap()),
    ("an import", |by, _| {
        let rows = format!(
            r#"{{"user_id":"u","credential":"old-credential-7d1f3a90c5e8b264","expires_at":{}}}"#,
            START + 9 * DAY
        );
        let request = ImportRequest::from_json(object("{}")).unwrap();
        let report = by.import(rows.as_bytes(), &request, |_| {}).unwrap();
        assert_eq!(report.imported, 1, "{report:?}");
    }),
    ("an end of a filter", |by, _| {
        sign_in(by, "u");
        let filter = SessionFilter::of_user(user("u")).mfa_verified(Some(false));
        assert!(by.revoke_where(RevokeWhere::new(filter)).unwrap() > 0);
    }),
    ("an end of all", |by, _| {
        sign_in(by, "u");
        assert_eq!(by.revoke_user(&user("u"), None).unwrap(), 1);
    }),
    ("an end of the tenant", |by, _| {
        sign_in(by, "u");
        assert_eq!(by.revoke_tenant().unwrap(), 1);
    }),
    ("a purge", |by, _| {
        assert!(by.purge(PurgeBefore::OlderThan("1h".parse().unwrap())).unwrap() > 0);
    }),
];

fn object(json: &str) -> serde_json::Map<String, serde_json::Value> {
    serde_json::from_str(json).unwrap()
}

#[test]
fn every_change_of_a_session_ends_the_lists_of_its_user_in_every_engine() {
    for by_other in [false, true] {
        let database = Database::new();
        let (here, there) = (database.open_at(START), database.open_at(START));
        let (mine, theirs) = (here.tenant("tnt"), there.tenant("tnt"));
        let by = if by_other { &theirs } else { &mine };
        let grant = sign_in(&mine, "u");
        let list = query("u", StatusFilter::All, 100);
        for (at, (name, change)) in (1_i64..).zip(CHANGES) {
            for process in [&here, &there] {
                process.set_clock(START + at * SECOND);
            }
            let before = [&mine, &theirs].map(|tenant| (tenant, validator(tenant, &list)));
            // Also the remembered ones of the engine itself.
            let _ = [mine.list(&list).unwrap(), theirs.list(&list).unwrap()];
            for (tenant, validator) in &before {
                assert!(tenant.is_fresh(validator).unwrap(), "{name}");
            }
            if name == "a purge" {
                for process in [&here, &there] {
                    process.set_clock(START + 2 * DAY);
                }
            }
            change(by, &grant);
            for (tenant, validator) in &before {
                assert!(!tenant.is_fresh(validator).unwrap(), "{name}, by another engine: {by_other}");
            }
            let read = database.open_at(START + if name == "a purge" { 2 * DAY } else { at * SECOND });
            let expected = read.tenant("tnt").list(&list).unwrap();
            assert_eq!(
                [mine.list(&list).unwrap(), theirs.list(&list).unwrap()],
                [expected.clone(), expected]
            );
        }
    }
}

#[test]
fn changes_of_other_users_end_no_list() {
    let database = Database::new();
    let (here, there) = (database.open_at(START), database.open_at(START));
    let (mine, theirs) = (here.tenant("tnt"), there.tenant("tnt"));
    sign_in(&mine, "u");
    let kept = validator(&mine, &query("u", StatusFilter::All, 20));
    for by in [&mine, &theirs] {
        let grant = sign_in(by, "other");
        let grant = refresh(by, grant.refresh_token.expose()).unwrap();
        by.revoke(grant.session.id).unwrap();
        by.revoke_user(&user("third"), None).unwrap();
        by.sweep().unwrap();
        assert!(mine.is_fresh(&kept).unwrap());
    }
}

#[test]
fn the_clock_ends_a_remembered_list_and_gives_none_back() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    configure(&tenant, r#"{"idle_timeout":"2h","session_duration":"1d"}"#);
    sign_in(&tenant, "u");
    let active = |tenant: &Tenant| tenant.list(&query("u", StatusFilter::Active, 20)).unwrap().data.len();
    let revoked = |tenant: &Tenant| tenant.list(&query("u", StatusFilter::Revoked, 20)).unwrap().data.len();
    process.set_clock(START + 2 * HOUR);
    assert_eq!([active(&tenant), active(&tenant), revoked(&tenant)], [1, 1, 0]);
    // The end by idleness, of which no commit tells.
    process.set_clock(START + 2 * HOUR + 1);
    assert_eq!([active(&tenant), revoked(&tenant), active(&tenant), revoked(&tenant)], [0, 1, 0, 1]);
    process.set_clock(START);
    assert_eq!([active(&tenant), revoked(&tenant)], [0, 1]);

    configure(&tenant, r#"{"idle_timeout":null}"#);
    process.set_clock(START + 3 * HOUR);
    sign_in(&tenant, "u");
    assert_eq!([active(&tenant), active(&tenant)], [1, 1]);
    process.set_clock(START + 3 * HOUR + DAY - 1);
    assert_eq!(active(&tenant), 1);
    process.set_clock(START + 3 * HOUR + DAY);
    assert_eq!([active(&tenant), active(&tenant)], [0, 0]);
    // A session behind a full page ends, too: there is no next page any more.
    sign_in(&tenant, "v");
    process.set_clock(START + 3 * HOUR + DAY + HOUR);
    sign_in(&tenant, "v");
    let page = |tenant: &Tenant| tenant.list(&query("v", StatusFilter::Active, 1)).unwrap();
    assert!(page(&tenant).next_cursor.is_some() && page(&tenant).next_cursor.is_some());
    process.set_clock(START + 3 * HOUR + 2 * DAY);
    assert!(page(&tenant).next_cursor.is_none());
}

#[test]
fn another_handle_s_secret_key_and_a_closed_engine_end_a_list() {
    let database = Database::new();
    let process = database.open_at(START);
    let (tenant, outdated) = (process.tenant("tnt"), process.tenant("tnt"));
    sign_in(&tenant, "u");
    let list = query("u", StatusFilter::Active, 20);
    for tenant in [&tenant, &outdated, &outdated] {
        assert_eq!(tenant.list(&list).unwrap().data.len(), 1);
    }
    assert!(!outdated.is_fresh(&validator(&tenant, &list)).unwrap(), "one handle vouched for another");
    tenant.change_secret_key(&"sk_live_new_4Tn8Rk2Wq7Zx5Vb9Yc".parse().unwrap()).unwrap();
    assert!(outdated.list(&list).is_err());
    assert_eq!(tenant.list(&list).unwrap().data.len(), 1);
    process.engine.close().unwrap();
    assert!(tenant.list(&list).is_err());
}

const USERS: [&str; 4] = ["usr_0", "usr_1", "usr_2", "usr_3"];
const STATUSES: [StatusFilter; 4] =
    [StatusFilter::Active, StatusFilter::All, StatusFilter::Expired, StatusFilter::Revoked];

/// A session that was signed in.
#[derive(Clone)]
struct Known {
    id: SessionId,
    user: UserId,
    refresh_token: String,
}

impl From<Grant> for Known {
    fn from(grant: Grant) -> Self {
        let refresh_token = grant.refresh_token.expose().to_owned();
        Known { id: grant.session.id, user: grant.session.user_id, refresh_token }
    }
}

/// Two engines that remember, one that does not, and another program.
struct World {
    database: Database,
    remembering: [Process; 2],
    reading: Process,
    program: rusqlite::Connection,
    known: Vec<Known>,
    now: i64,
}

impl World {
    fn change(&mut self, tenants: &[Tenant; 3], dice: &mut Dice) {
        let by = &tenants[dice.below(2)];
        let id = USERS[dice.below(4)];
        let session = self.known.get(dice.below(self.known.len().max(1))).cloned();
        match (dice.below(22), session) {
            (0..=5, _) | (_, None) => self.known.push(sign_in(by, id).into()),
            (6..=8, Some(session)) => {
                if let Ok(next) = refresh(by, &session.refresh_token) {
                    self.known.push(next.into());
                }
            }
            (9 | 10, Some(session)) => drop(by.revoke(session.id)),
            (11, Some(session)) => drop(by.revoke_user(&session.user, Some(session.id))),
            (12, _) => assert!(by.revoke_user(&user(id), None).is_ok()),
            (13, Some(session)) => {
                let role = format!(r#"{{"role":"role_{}"}}"#, dice.below(5));
                drop(by.update(session.id, IdentityPatch::from_json(object(&role)).unwrap()));
            }
            (14 | 15, _) => self.now += [SECOND, HOUR, 5 * HOUR, 30 * HOUR][dice.below(4)],
            (16, _) => assert!(by.sweep().is_ok()),
            (17, _) => assert!(by.purge(PurgeBefore::OlderThan("1h".parse().unwrap())).is_ok()),
            (18, _) => {
                let hours = 1 + dice.below(30);
                configure(by, &format!(r#"{{"idle_timeout":"{hours}h","max_sessions_per_user":4}}"#));
            }
            (19, _) => {
                let filter = SessionFilter::of_user(user(id)).mfa_verified(Some(false));
                assert!(by.revoke_where(RevokeWhere::new(filter)).is_ok());
            }
            // Another program, which tells nobody.
            (20, Some(session)) => {
                let country = ["ES", "PT", "FR"][dice.below(3)];
                let change = "UPDATE sessions SET country = ?1 WHERE session_ulid = ?2";
                self.program.execute(change, rusqlite::params![country, ulid(session.id)]).unwrap();
            }
            (_, _) => drop(std::fs::remove_file(self.database.folder().join("sessions.db-hj2"))),
        }
        for process in self.remembering.iter().chain([&self.reading]) {
            process.set_clock(self.now);
        }
    }

    fn require_equal(&self, tenants: &[Tenant; 3], step: u64) {
        let [first, second, reading] = tenants;
        for id in USERS {
            for status in STATUSES {
                for limit in [2, 20] {
                    let query = query(id, status, limit);
                    let expected: Page<Session> = reading.list(&query).unwrap();
                    for remembering in [first, second] {
                        let found = remembering.list(&query).unwrap();
                        assert_eq!(found, expected, "step {step}: {id} {status:?} {limit}");
                    }
                }
            }
        }
    }
}

/// The bytes of an id, as the database keeps them.
fn ulid(id: SessionId) -> Vec<u8> {
    const DIGITS: &str = "0123456789abcdefghjkmnpqrstvwxyz";
    let text = id.to_string().to_lowercase();
    let number = text
        .strip_prefix("ses_")
        .unwrap()
        .chars()
        .fold(0_u128, |number, digit| number << 5 | DIGITS.find(digit).unwrap() as u128);
    number.to_be_bytes().to_vec()
}

/// `HJ_LISTS=n` sets how many calls are tried.
#[test]
fn remembered_lists_are_what_an_engine_answers_that_remembers_nothing() {
    let database = Database::new();
    let lists = Lists::default();
    let open = |builder| Process::open(database.path(), START, builder);
    let remembering = [
        open(Engine::builder().observer(lists.clone()).direct_ends_max(3)),
        open(Engine::builder().direct_ends_max(2)),
    ];
    let reading = open(Engine::builder().token_cache_capacity(0));
    let tenants = [remembering[0].tenant("tnt"), remembering[1].tenant("tnt"), reading.tenant("tnt")];
    let program = rusqlite::Connection::open(database.path()).unwrap();
    program.busy_timeout(std::time::Duration::from_secs(60)).unwrap();
    let mut world = World { database, remembering, reading, program, known: Vec::new(), now: START };
    let mut dice = Dice::new(0x9e37_79b9_7f4a_7c15);
    for step in 0..rounds("HJ_LISTS", 400) {
        world.change(&tenants, &mut dice);
        world.require_equal(&tenants, step);
    }
    let (remembered, all) = lists.counts();
    assert!(remembered * 4 > all, "{remembered} of {all} lists were remembered");
}
