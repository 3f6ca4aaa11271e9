//! What users of the crate make: every struct that may get more fields has a way to be made from outside, and the types of a host's own
//! go into tokens and come back.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hellojohn::rest::{AccessCookieOptions, AuthorizeOptions, CookieOptions, FormerCookie, RestOptions};
use hellojohn::{
    ClientHints, ClientInfo, ConfigPatch, CreateSession, Engine, ErrorCode, EventQuery, Identity,
    IdentityPatch, ImportRequest, ListQuery, LocalVerification, Reauthentication, RefreshRequest,
    RequiredAuth, RevokeWhere, SessionFilter, SignInLimit, Tenant,
};
use serde::{Deserialize, Serialize};

/// What only the engine makes: the answers of calls and what observers are told. An engine in memory makes them in tests, too.
const ANSWERS: &[&str] = &[
    "Authorization",
    "CheckReport",
    "CopyProgress",
    "CopyStep",
    "EventPage",
    "Grant",
    "ImportReport",
    "OperationReport",
    "Page",
    "RevokePreview",
    "StatsSeries",
    "UpdatedSession",
    "VerifiedAccess",
    "VerifyError",
];

/// For the bindings alone.
const HIDDEN: &[&str] = &["EngineOptions"];

/// One of each, each with a member that is not the default.
macro_rules! made {
    ($($name:ident: $made:expr;)+) => {
        fn make_each() -> Result<Vec<(&'static str, String)>, hellojohn::Error> {
            Ok(vec![$({
                let value: $name = $made;
                (stringify!($name), format!("{value:?}"))
            }),+])
        }
    };
}

made! {
    AccessCookieOptions: AccessCookieOptions::default().name(Some("__Host-access".into()));
    AuthorizeOptions: AuthorizeOptions::default().renew(true);
    ClientHints: ClientHints::default().sec_ch_ua_mobile(Some("?1".parse()?));
    ClientInfo: ClientInfo::default().country(Some("ES".parse()?));
    ConfigPatch: ConfigPatch::default().revocation_list(Some(true));
    CookieOptions: CookieOptions::default().secure(false);
    CreateSession: CreateSession::new("usr_1".parse()?).duration(Some("24h".parse()?));
    EventQuery: EventQuery::default().after(1);
    FormerCookie: FormerCookie::default().partitioned(true);
    Identity: Identity::default().mfa_verified(true);
    IdentityPatch: IdentityPatch::default().mfa_verified(Some(true));
    ImportRequest: ImportRequest::default().dry_run(true);
    ListQuery: ListQuery::default().filter(SessionFilter::of_user("usr_1".parse()?));
    Reauthentication: Reauthentication::new(Some(300), Vec::new());
    RefreshRequest: RefreshRequest::default().ip_address(Some("203.0.113.42".parse()?));
    RequiredAuth: RequiredAuth::default().mfa(true);
    RestOptions: RestOptions::default().admin(false);
    RevokeWhere: RevokeWhere::new(SessionFilter::of_user("usr_1".parse()?)).plan(None);
    SessionFilter: SessionFilter::default().country(Some("ES".parse()?));
    SignInLimit: SignInLimit::default().account(10);
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The structs of the core that no other crate can write as a literal, but for those of `public_record!`, which are answers.
fn structs_that_may_grow() -> BTreeSet<String> {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src"), &mut files);
    let mut found = BTreeSet::new();
    for path in files {
        let text = fs::read_to_string(path).unwrap();
        let mut may_grow = false;
        for line in text.lines().map(str::trim) {
            may_grow |= ["#[non_exhaustive]", "request_struct! {", "request_record! {"].contains(&line);
            if let Some(rest) = line.strip_prefix("pub struct ").filter(|_| may_grow) {
                found.insert(rest.chars().take_while(|c| c.is_alphanumeric()).collect());
            }
            may_grow &= !line.starts_with("pub ") && !line.starts_with("public_record!");
        }
    }
    found.remove(""); // `$name` of a macro
    found
}

#[test]
fn every_struct_that_users_make_can_be_made_outside_of_the_crate() {
    let made = make_each().unwrap();
    for (name, shown) in &made {
        assert!(shown.starts_with(name), "{shown}");
    }
    let known: BTreeSet<String> = made
        .iter()
        .map(|(name, _)| name)
        .chain(ANSWERS)
        .chain(HIDDEN)
        .map(|name| (*name).to_owned())
        .collect();
    let missing: Vec<String> = structs_that_may_grow().difference(&known).cloned().collect();
    assert!(missing.is_empty(), "neither made here nor an answer: {missing:?}");
    let gone: Vec<String> = known.difference(&structs_that_may_grow()).cloned().collect();
    assert!(gone.is_empty(), "listed, but no longer there: {gone:?}");
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Subscription {
    plan_name: String,
    seats: u64,
    limits: Vec<i64>,
    trial: Option<bool>,
}

fn open() -> (Engine, Tenant) {
    let engine = Engine::open(":memory:").unwrap();
    let secret = "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse().unwrap();
    let tenant = engine.tenant(&"tnt_acme".parse().unwrap(), &secret).unwrap();
    (engine, tenant)
}

#[test]
fn claims_of_a_hosts_type_come_back_from_session_token_and_request() {
    let (_engine, tenant) = open();
    let pro = Subscription { plan_name: "pro".into(), seats: u64::MAX, limits: vec![-1, 2], trial: None };
    let request = CreateSession::new("usr_1".parse().unwrap()).own_claims(&pro).unwrap();
    let grant = tenant.create(request).unwrap();
    assert_eq!(grant.session.own_claims::<Subscription>(), Ok(pro.clone()));
    let local = tenant.verify_locally(grant.access_token.expose(), &LocalVerification::default()).unwrap();
    assert_eq!(local.own_claims::<Subscription>(), Ok(pro.clone()));
    assert_eq!(local.payload["planName"], "pro"); // as other services see it
    let bearer = format!("Bearer {}", grant.access_token.expose());
    let request = hellojohn::rest::http::Request::get("/").header("authorization", bearer).body(()).unwrap();
    let (parts, ()) = request.into_parts();
    let user = hellojohn::rest::authorize(&tenant, &parts, &AuthorizeOptions::default()).unwrap().unwrap();
    assert_eq!(user.own_claims::<Subscription>(), Ok(pro.clone()));

    let free = Subscription { plan_name: "free".into(), ..pro };
    let patch = IdentityPatch::default().own_claims(&free).unwrap();
    let updated = tenant.update(grant.session.id, patch).unwrap();
    assert_eq!(updated.session.own_claims::<Subscription>(), Ok(free));
}

#[test]
fn claims_that_do_not_fit_are_a_typed_error_that_shows_no_value() {
    let (_engine, tenant) = open();
    let other = serde_json::json!({"planName": "secret plan", "seats": "many", "limits": []});
    let request = CreateSession::new("usr_1".parse().unwrap()).own_claims(&other).unwrap();
    let session = tenant.create(request).unwrap().session;
    let error = session.own_claims::<Subscription>().unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::ValidationError, Some("claims")));
    assert!(!error.to_string().contains("many"), "{error}");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("expected u64"));
    let reserved =
        CreateSession::new("usr_1".parse().unwrap()).own_claims(&serde_json::json!({"sub": "usr_2"}));
    assert_eq!(reserved.unwrap_err().field(), Some("claims"));
}
