//! The revocation list: a verifier that holds it refuses what the engine refuses, and nothing else. The engines here end more
//! than three sessions by one record. What a verifier makes of the list is written down here once more, from SPEC 22.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hellojohn::{
    Clock, CreateSession, Engine, ErrorCode, Grant, IdentityPatch, PurgeBefore, RestorePolicy, RevokeWhere,
    SessionActor, SessionFilter, SystemClock, Tenant, backup_database, restore_database,
};
use hellojohn_tests::fixture::{
    Database, HOUR, Process, SECOND, START, code, configure, refresh, sign_in, user,
};
use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

fn payload(token: &str) -> Value {
    let text = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// The time of a session's id, in ms.
fn signed_in_at(sid: &str) -> i64 {
    const DIGITS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let digits = sid.trim_start_matches("ses_").chars().take(10);
    digits.fold(0, |time, digit| time * 32 + DIGITS.find(digit).unwrap() as i64)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Refused,
    Unknown,
}

/// What a verifier holds of the list.
#[derive(Debug, Default)]
struct Verifier {
    seq: u64,
    start: Option<i64>,
    sessions: BTreeMap<String, i64>,
    many: Vec<Value>,
    pending: Vec<Value>,
}

impl Verifier {
    fn fetch(&mut self, tenant: &Tenant) {
        loop {
            let page = tenant.revocations(self.seq).unwrap();
            let list = payload(&page.list);
            assert_eq!((list["since"].as_u64(), list["seq"].as_u64()), (Some(page.since), Some(page.seq)));
            if page.since == 0 {
                *self = Verifier::default();
            }
            if !list["start"].is_null() {
                *self = Verifier { start: list["start"]["at"].as_i64(), ..Verifier::default() };
            }
            for session in list["sessions"].as_array().unwrap() {
                let sid = session["sid"].as_str().unwrap().to_owned();
                self.sessions.insert(sid, session["exp"].as_i64().unwrap());
            }
            self.many.extend(list["many"].as_array().unwrap().iter().cloned());
            self.pending = list["pending"].as_array().unwrap().clone();
            self.seq = page.seq;
            if !page.has_more {
                return;
            }
        }
    }

    fn judge(&self, token: &str) -> Verdict {
        let claims = payload(token);
        let (sid, sub) = (claims["sid"].as_str().unwrap(), claims["sub"].as_str().unwrap());
        let issued_at = claims["iat"].as_i64().unwrap() * SECOND;
        if let Some(exp) = self.sessions.get(sid) {
            assert!(claims["exp"].as_i64().unwrap() <= *exp, "an entry that ends before its token");
            return Verdict::Refused;
        }
        let hash = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(sub));
        let concerns = |many: &Value, signed_in_by: i64| {
            let is_of_user = many["sub_sha256"].as_str().is_none_or(|of| of == hash);
            let is_spared = many["spared"].as_str() == Some(sid);
            let is_old = many["newest"].as_str().is_none_or(|newest| sid <= newest);
            let at = many["at"].as_i64().unwrap();
            is_of_user && !is_spared && is_old && signed_in_at(sid) <= at - signed_in_by && issued_at <= at
        };
        let is_acted = !claims["act"].is_null();
        let many: Vec<&Value> =
            self.many.iter().filter(|many| !is_acted || many["spares_actors"] != true).collect();
        if many.iter().copied().any(|many| concerns(many, 1)) {
            Verdict::Refused
        } else if many.iter().copied().chain(&self.pending).any(|many| concerns(many, 0))
            || self.start.is_some_and(|at| issued_at <= at)
        {
            Verdict::Unknown
        } else {
            Verdict::Accepted
        }
    }
}

#[derive(Debug, Clone)]
enum Call {
    SignIn(u8),
    ActFor(u8),
    Refresh(usize),
    PresentFormer(usize),
    Update(usize),
    Revoke(usize),
    RevokeUser(u8),
    RevokeOthers(usize),
    RevokeTenant,
    RevokeCountry(u8),
    SignOut(usize),
    Sweep,
    Maintain,
    Purge,
    Configure(&'static str),
    RotateKeys,
    Reopen,
    Advance(i64),
}

const SETTINGS: &[&str] = &[
    r#"{"access_token_ttl": "1m"}"#,
    r#"{"access_token_ttl": "1h"}"#,
    r#"{"idle_timeout": "5m"}"#,
    r#"{"idle_timeout": null}"#,
    r#"{"max_sessions_per_user": 1}"#,
    r#"{"max_sessions_per_user": 3}"#,
    r#"{"max_sessions_per_user": null}"#,
];

fn call() -> impl Strategy<Value = Call> {
    let any = any::<usize>();
    prop_oneof![
        6 => (0_u8..3).prop_map(Call::SignIn),
        2 => (0_u8..3).prop_map(Call::ActFor),
        2 => any.prop_map(Call::Refresh),
        1 => any.prop_map(Call::PresentFormer),
        1 => any.prop_map(Call::Update),
        2 => any.prop_map(Call::Revoke),
        1 => (0_u8..3).prop_map(Call::RevokeUser),
        1 => any.prop_map(Call::RevokeOthers),
        1 => Just(Call::RevokeTenant),
        1 => (0_u8..2).prop_map(Call::RevokeCountry),
        1 => any.prop_map(Call::SignOut),
        1 => Just(Call::Sweep),
        1 => Just(Call::Maintain),
        1 => Just(Call::Purge),
        2 => (0..SETTINGS.len()).prop_map(|at| Call::Configure(SETTINGS[at])),
        1 => Just(Call::RotateKeys),
        1 => Just(Call::Reopen),
        2 => (1_i64..2 * 3_600).prop_map(|seconds| Call::Advance(seconds * SECOND)),
    ]
}

const COUNTRIES: [&str; 2] = ["ES", "PT"];

/// Two processes on one database, and every token that they gave out.
struct World {
    database: Database,
    processes: Vec<(Process, Tenant)>,
    now: i64,
    grants: Vec<Grant>,
    tokens: Vec<String>,
}

fn actor() -> SessionActor {
    SessionActor::new(user("op"), "ticket 1".parse().unwrap())
}

fn open(database: &Database, now: i64) -> (Process, Tenant) {
    let process = Process::open(database.path(), now, Engine::builder().direct_ends_max(3));
    let tenant = process.tenant("tnt");
    (process, tenant)
}

impl World {
    fn new() -> Self {
        let database = Database::new();
        let processes = vec![open(&database, START), open(&database, START)];
        configure(&processes[0].1, r#"{"revocation_list": true}"#);
        World { database, processes, now: START, grants: Vec::new(), tokens: Vec::new() }
    }

    fn advance(&mut self, millis: i64) {
        self.now += millis;
        self.processes.iter().for_each(|(process, _)| process.set_clock(self.now));
    }

    fn keep(&mut self, grant: Result<Grant, hellojohn::Error>) {
        if let Ok(grant) = grant {
            self.tokens.push(grant.access_token.expose().to_owned());
            self.grants.push(grant);
        }
    }

    /// What a call is refused with is for other tests.
    fn make(&mut self, call: &Call, process: usize) {
        let tenant = self.processes[process].1.clone();
        let grant =
            |at: &usize| (!self.grants.is_empty()).then(|| self.grants[at % self.grants.len()].clone());
        match call {
            Call::SignIn(name) | Call::ActFor(name) => {
                let country = Some(COUNTRIES[self.grants.len() % 2].parse().unwrap());
                let actor = matches!(call, Call::ActFor(_)).then(actor);
                let request = CreateSession::new(user(&format!("u{name}"))).actor(actor);
                self.keep(tenant.create(request.client(hellojohn::ClientInfo::default().country(country))));
            }
            Call::Refresh(at) | Call::PresentFormer(at) => {
                let Some(former) = grant(at) else { return };
                let token = former.refresh_token.expose();
                let next = refresh(&tenant, token);
                if matches!(call, Call::PresentFormer(_)) {
                    self.advance(HOUR / 60);
                    let _ = refresh(&tenant, token);
                }
                self.keep(next);
            }
            Call::Update(at) => {
                let Some(grant) = grant(at) else { return };
                let patch = IdentityPatch::default().mfa_verified(Some(true));
                if let Ok(updated) = tenant.update(grant.session.id, patch) {
                    self.tokens.push(updated.access_token.expose().to_owned());
                }
            }
            Call::Revoke(at) => drop(grant(at).map(|grant| tenant.revoke(grant.session.id))),
            Call::RevokeUser(name) => drop(tenant.revoke_user(&user(&format!("u{name}")), None)),
            Call::RevokeOthers(at) => {
                drop(grant(at).map(|it| tenant.revoke_user(&it.session.user_id, Some(it.session.id))));
            }
            Call::RevokeTenant => drop(tenant.revoke_tenant()),
            Call::RevokeCountry(at) => {
                let countries = Some(COUNTRIES[usize::from(*at)].parse().unwrap());
                drop(tenant.revoke_where(RevokeWhere::new(SessionFilter::default().country(countries))));
            }
            Call::SignOut(at) => {
                drop(grant(at).map(|it| tenant.sign_out(it.access_token.expose(), Default::default())));
            }
            Call::Sweep => drop(tenant.sweep().unwrap()),
            Call::Maintain => drop(tenant.maintain().unwrap()),
            Call::Purge => drop(tenant.purge(PurgeBefore::OlderThan("1s".parse().unwrap())).unwrap()),
            Call::Configure(patch) => configure(&tenant, patch),
            Call::RotateKeys => drop(tenant.rotate_keys().unwrap()),
            Call::Reopen => self.processes[process] = open(&self.database, self.now),
            Call::Advance(millis) => self.advance(*millis),
        }
    }

    /// Compares what the verifier says of every live token with what the engine says.
    fn compare(&self, verifier: &Verifier, holder: &str) {
        for token in &self.tokens {
            if payload(token)["exp"].as_i64().unwrap() * SECOND <= self.now {
                continue;
            }
            let expected = match code(self.processes[0].1.verify_access_token(token)) {
                None => Verdict::Accepted,
                // The idle time-out, which the list tells of once it is written down.
                Some(ErrorCode::SessionExpired) => continue,
                Some(_) => Verdict::Refused,
            };
            assert_eq!(verifier.judge(token), expected, "{holder}: {}", payload(token));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: hellojohn_tests::fixture::rounds("HJ_REVOCATIONS", 40) as u32, ..ProptestConfig::default() })]

    #[test]
    fn a_verifier_with_the_list_accepts_exactly_what_the_engine_accepts(
        calls in prop::collection::vec((call(), 0_usize..2), 1..60),
    ) {
        let mut world = World::new();
        let mut following = Verifier::default();
        for (call, process) in &calls {
            // Sign-ins and decisions of one millisecond are for another test.
            world.advance(SECOND);
            world.make(call, *process);
            following.fetch(&world.processes[1 - process].1);
            world.compare(&following, "the verifier that follows");
            let mut fresh = Verifier::default();
            fresh.fetch(&world.processes[*process].1);
            world.compare(&fresh, "a new verifier");
        }
    }
}

#[test]
fn many_ends_are_one_entry_and_the_same_millisecond_is_told_as_unknown() {
    let database = Database::new();
    let (process, tenant) = open(&database, START);
    configure(&tenant, r#"{"revocation_list": true}"#);
    process.set_clock(START + 5 * SECOND);
    let grants: Vec<Grant> = (0..2_000).map(|_| sign_in(&tenant, "u")).collect();
    let token = |at: usize| grants[at].access_token.expose();
    process.set_clock(START + 6 * SECOND);
    let same = sign_in(&tenant, "u");
    assert_eq!(tenant.revoke_tenant().unwrap(), 2_001);
    let new = sign_in(&tenant, "u");
    assert_eq!(database.count("revocations"), 2);
    let mut verifier = Verifier::default();
    verifier.fetch(&tenant);
    assert_eq!(
        (verifier.judge(token(0)), verifier.judge(token(1_999))),
        (Verdict::Refused, Verdict::Refused)
    );
    for grant in [&same, &new] {
        assert_eq!(verifier.judge(grant.access_token.expose()), Verdict::Unknown);
    }
    process.set_clock(START + 6 * SECOND + 1);
    let later = sign_in(&tenant, "u");
    assert_eq!(verifier.judge(later.access_token.expose()), Verdict::Accepted);
    // Stamping the rows lists nothing more.
    assert_eq!(tenant.sweep().unwrap(), 0);
    assert_eq!(database.count("revocations"), 2);
}

#[test]
fn an_entry_of_the_cap_leaves_the_session_of_an_actor_and_one_of_the_user_ends_it() {
    let database = Database::new();
    let (process, tenant) = open(&database, START);
    configure(&tenant, r#"{"revocation_list": true}"#);
    process.set_clock(START + SECOND);
    let acted = tenant.create(CreateSession::new(user("u")).actor(Some(actor()))).unwrap();
    let own: Vec<Grant> = (0..20).map(|_| sign_in(&tenant, "u")).collect();
    process.set_clock(START + 2 * SECOND);
    configure(&tenant, r#"{"max_sessions_per_user": 2}"#);
    sign_in(&tenant, "u");
    let mut verifier = Verifier::default();
    verifier.fetch(&tenant);
    assert_eq!(verifier.many.len(), 1);
    assert_eq!(verifier.judge(own[0].access_token.expose()), Verdict::Refused);
    assert_eq!(verifier.judge(acted.access_token.expose()), Verdict::Accepted);
    process.set_clock(START + 3 * SECOND);
    tenant.revoke_user(&user("u"), None).unwrap();
    verifier.fetch(&tenant);
    assert_eq!(verifier.judge(acted.access_token.expose()), Verdict::Refused);
}

#[test]
fn a_long_list_comes_in_pages_and_is_deleted_when_its_tokens_are_dead() {
    let database = Database::new();
    let process = Process::open(database.path(), START, Engine::builder());
    let tenant = process.tenant("tnt");
    configure(&tenant, r#"{"revocation_list": true, "access_token_ttl": "1m"}"#);
    process.set_clock(START + 2 * HOUR);
    let ended = |count: usize| {
        let grants: Vec<Grant> = (0..count).map(|_| sign_in(&tenant, "u")).collect();
        grants.iter().for_each(|grant| tenant.revoke(grant.session.id).unwrap());
    };
    ended(2_500);
    let pages: Vec<_> = std::iter::successors(Some(tenant.revocations(0).unwrap()), |page| {
        page.has_more.then(|| tenant.revocations(page.seq).unwrap())
    })
    .collect();
    let entries = |list: &str| payload(list)["sessions"].as_array().unwrap().len();
    let counts: Vec<usize> = pages.iter().map(|page| entries(&page.list)).collect();
    // One entry of the first page is the beginning of the list, which is dead already.
    assert_eq!(counts, [999, 1_000, 501]);
    process.set_clock(START + 3 * HOUR);
    while tenant.maintain().unwrap().has_more {}
    assert_eq!(database.count("revocations"), 1);
    ended(3);
    let last = pages.last().unwrap().seq;
    assert_eq!(entries(&tenant.revocations(last).unwrap().list), 3);
}

#[test]
fn after_the_clock_went_back_new_sessions_are_not_taken_for_ended_ones() {
    let database = Database::new();
    let (process, tenant) = open(&database, START);
    configure(&tenant, r#"{"revocation_list": true}"#);
    let mut verifier = Verifier::default();
    process.set_clock(START + 100 * HOUR);
    let ended: Vec<Grant> = (0..10).map(|_| sign_in(&tenant, "u")).collect();
    process.set_clock(START + 100 * HOUR + 1);
    assert_eq!(tenant.revoke_tenant().unwrap(), 10);
    verifier.fetch(&tenant);
    assert_eq!(verifier.judge(ended[0].access_token.expose()), Verdict::Refused);
    process.set_clock(START + HOUR);
    process.engine.lower_clock_mark().unwrap();
    let new = sign_in(&tenant, "u");
    verifier.fetch(&tenant);
    assert_eq!(verifier.judge(new.access_token.expose()), Verdict::Unknown);
    assert_eq!(verifier.judge(ended[0].access_token.expose()), Verdict::Unknown);
    process.set_clock(START + 101 * HOUR);
    let later = sign_in(&tenant, "u");
    assert_eq!(verifier.judge(later.access_token.expose()), Verdict::Accepted);
}

#[test]
fn a_restored_database_goes_on_with_the_list_so_that_no_verifier_misses_anything() {
    for (policy, of_backup) in
        [(RestorePolicy::EndAll, Verdict::Refused), (RestorePolicy::Keep, Verdict::Unknown)]
    {
        let database = Database::new();
        if database.path().to_string_lossy().contains("://") {
            return; // a server's database has tools of its own
        }
        let copy = database.folder().join("backup.db");
        // A restore goes by the machine's clock.
        let now = SystemClock.now().as_millis();
        let (process, tenant) = open(&database, now - 60 * SECOND);
        configure(&tenant, r#"{"revocation_list": true}"#);
        process.set_clock(now - 50 * SECOND);
        let kept = sign_in(&tenant, "u");
        backup_database(database.path(), &copy, |_| {}).unwrap();
        let revoked = sign_in(&tenant, "u");
        process.set_clock(now - 40 * SECOND);
        tenant.revoke(revoked.session.id).unwrap();
        let mut verifier = Verifier::default();
        verifier.fetch(&tenant);
        drop((tenant, process));
        restore_database(&copy, database.path(), policy).unwrap();
        let (process, tenant) = open(&database, now + HOUR / 2);
        let new = sign_in(&tenant, "u");
        tenant.revoke(new.session.id).unwrap();
        process.set_clock(now + HOUR / 2 + SECOND);
        let live = sign_in(&tenant, "u");
        // The verifier's number is of a time that the database has forgotten.
        verifier.fetch(&tenant);
        assert_eq!(verifier.judge(new.access_token.expose()), Verdict::Refused, "{policy}");
        assert_eq!(verifier.judge(live.access_token.expose()), Verdict::Accepted, "{policy}");
        assert_eq!(verifier.judge(kept.access_token.expose()), of_backup, "{policy}");
    }
}
