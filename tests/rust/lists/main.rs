//! First pages of users' lists are remembered, and never tell what a list that is read would not, through changes by every engine and
//! ends by the clock.

mod changes;
mod random;
mod share;
mod together;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hellojohn::{
    CacheValidator, Engine, Grant, Limit, ListQuery, Observer, Operation, OperationReport, SessionFilter,
    StatusFilter, Tenant,
};
use hellojohn_tests::fixture::{DAY, Database, HOUR, Process, START, configure, refresh, sign_in, user};
use serde_json::{Map, Value};

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

fn object(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap()
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
