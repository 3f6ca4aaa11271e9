//! Filters against a plain reading of SPEC 12: what they list, count and end, whether the sessions end row by row or by a bulk
//! end, with sessions that change while many ends wait to be stamped.

use std::collections::BTreeMap;

use hellojohn::in_millis::InMillis;
use hellojohn::{
    EndReason, Engine, IdentityPatch, Limit, ListQuery, RefreshRequest, RevokeWhere, Session, SessionFilter,
    SessionId, Status, StatusFilter, Tenant,
};
use hellojohn_tests::fixture::{Database, Process, SECOND, START, code, configure};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const COUNTRIES: [&str; 3] = ["ES", "FR", "PT"];
const ADDRESSES: [&str; 4] = ["203.0.113.7", "203.0.113.200", "198.51.100.1", "2001:db8::1"];
const NETWORKS: [&str; 4] = ["203.0.113.0/24", "203.0.113.0/25", "2001:db8::/32", "0.0.0.0/0"];
const AGENTS: [&str; 2] = ["Mozilla/5.0 (X11) Firefox/140.0", "HelloApp/2 ÜNÏ"];
const ROLES: [&str; 2] = ["admin", "member"];

/// A member of a filter, by its name and one of its values.
fn any_member() -> impl Strategy<Value = (&'static str, Value)> {
    let text = |name: &'static str, values: &'static [&'static str]| {
        prop::sample::select(values).prop_map(move |value| (name, json!(value))).boxed()
    };
    let time = |name: &'static str| (0..40i64).prop_map(move |at| (name, json!(START + at * SECOND))).boxed();
    prop_oneof![
        text("user_id", &["u0", "u1"]),
        text("country", &["ES", "FR,PT"]),
        text("not_country", &["ES", "FR,PT"]),
        text("ip_address", &NETWORKS),
        text("ip_address", &ADDRESSES),
        text("not_ip_address", &NETWORKS),
        text("device_type", &["desktop", "unknown"]),
        text("user_agent", &["FIREFOX", "ünï"]),
        text("org_id", &["o1"]),
        text("role", &ROLES),
        time("created_after"),
        time("created_before"),
        time("last_active_after"),
        time("last_active_before"),
        any::<bool>().prop_map(|verified| ("mfa_verified", json!(verified))),
    ]
}

fn any_filter() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec(any_member(), 1..4)
        .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

#[derive(Debug, Clone)]
enum Step {
    SignIn {
        user: usize,
        country: Option<usize>,
        address: Option<usize>,
        agent: Option<usize>,
        org: bool,
        role: Option<usize>,
        mfa: bool,
    },
    Refresh(usize),
    Update {
        session: usize,
        role: Option<usize>,
        mfa: bool,
    },
    Revoke(usize),
    RevokeWhere {
        filter: Map<String, Value>,
        planned: bool,
    },
    Count {
        filter: Map<String, Value>,
        status: Option<&'static str>,
    },
    Wait(i64),
    Sweep,
}

fn any_step() -> impl Strategy<Value = Step> {
    let option = |below: usize| prop::option::of(0..below);
    let status = prop::option::of(prop::sample::select(vec!["active", "expired", "revoked", "all"]));
    let sign_in = (0..2usize, option(3), option(4), option(2), any::<bool>(), option(2), any::<bool>());
    prop_oneof![
        6 => sign_in.prop_map(|(user, country, address, agent, org, role, mfa)| {
            Step::SignIn { user, country, address, agent, org, role, mfa }
        }),
        3 => (0..20usize).prop_map(Step::Refresh),
        3 => (0..20usize, option(2), any::<bool>()).prop_map(|(session, role, mfa)| Step::Update { session, role, mfa }),
        1 => (0..20usize).prop_map(Step::Revoke),
        3 => (any_filter(), any::<bool>()).prop_map(|(filter, planned)| Step::RevokeWhere { filter, planned }),
        3 => (any_filter(), status).prop_map(|(filter, status)| Step::Count { filter, status }),
        3 => (1..12i64).prop_map(Step::Wait),
        1 => Just(Step::Sweep),
    ]
}

/// One engine on a database of its own, and the sessions in the order of their sign-ins.
struct Host {
    _database: Database,
    process: Process,
    tenant: Tenant,
    sessions: Vec<(SessionId, String)>,
}

impl Host {
    fn new(direct_ends_max: usize) -> Self {
        let database = Database::new();
        let builder = Engine::builder().direct_ends_max(direct_ends_max);
        let process = Process::open(database.path(), START, builder);
        let tenant = process.tenant("tnt");
        configure(&tenant, r#"{"session_duration":"40s","idle_timeout":"15s"}"#);
        Host { _database: database, process, tenant, sessions: Vec::new() }
    }

    fn all(&self, filter: SessionFilter) -> Vec<Session> {
        let mut query = ListQuery::default().filter(filter).limit(Limit::new(3).unwrap());
        let mut sessions = Vec::new();
        loop {
            let page = self.tenant.list(&query).unwrap();
            sessions.extend(page.data);
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                return sessions;
            }
        }
    }

    fn every_session(&self) -> Vec<Session> {
        self.all(SessionFilter::default().status(Some(StatusFilter::All)))
    }

    /// What a reader of SPEC 12 expects of the filter, of these sessions.
    fn expected(sessions: &[Session], filter: &Map<String, Value>, status: Option<&str>) -> Vec<SessionId> {
        let passes = |session: &&Session| {
            let is_wanted = match status {
                None | Some("active") => session.status == Status::Active,
                Some("all") => true,
                Some(status) => session.status.as_str() == status,
            };
            is_wanted && filter.iter().all(|(name, value)| holds(session, name, value))
        };
        sessions.iter().filter(passes).map(|session| session.id).collect()
    }

    /// The answer of the step, as text.
    fn apply(&mut self, step: &Step) -> String {
        match step {
            Step::SignIn { user, country, address, agent, org, role, mfa } => {
                let request = json!({
                    "user_id": format!("u{user}"),
                    "country": country.map(|at| COUNTRIES[at]),
                    "ip_address": address.map(|at| ADDRESSES[at]),
                    "user_agent": agent.map(|at| AGENTS[at]),
                    "org_id": org.then_some("o1"),
                    "role": role.map(|at| ROLES[at]),
                    "mfa_verified": mfa,
                });
                let request =
                    hellojohn::CreateSession::from_json(request.as_object().unwrap().clone()).unwrap();
                let grant = self.tenant.create(request).unwrap();
                self.sessions.push((grant.session.id, grant.refresh_token.expose().to_owned()));
                String::new()
            }
            Step::Refresh(at) => {
                let Some((_, token)) = self.sessions.get_mut(*at) else { return String::new() };
                match self.tenant.refresh(token, RefreshRequest::default()) {
                    Ok(grant) => grant.refresh_token.expose().clone_into(token),
                    Err(error) => return error.code().as_str().to_owned(),
                }
                String::new()
            }
            Step::Update { session, role, mfa } => {
                let Some((id, _)) = self.sessions.get(*session) else { return String::new() };
                let role = Some(role.map(|at| ROLES[at].parse().unwrap()));
                let patch = IdentityPatch::default().role(role).mfa_verified(Some(*mfa));
                format!("{:?}", code(self.tenant.update(*id, patch)))
            }
            Step::Revoke(at) => {
                let Some((id, _)) = self.sessions.get(*at) else { return String::new() };
                format!("{:?}", code(self.tenant.revoke(*id)))
            }
            Step::RevokeWhere { filter, planned } => self.revoke_where(filter, *planned),
            Step::Count { filter, status } => self.count(filter, *status),
            Step::Wait(secs) => {
                self.process.clock.advance_millis(secs * SECOND);
                String::new()
            }
            Step::Sweep => self.tenant.sweep().map(|_| String::new()).unwrap(),
        }
    }

    fn count(&self, members: &Map<String, Value>, status: Option<&str>) -> String {
        let mut whole = members.clone();
        whole.extend(status.map(|status| ("status".to_owned(), json!(status))));
        let filter = match SessionFilter::from_json(whole) {
            Ok(filter) => filter,
            Err(error) => return error.to_string(),
        };
        let expected = Host::expected(&self.every_session(), members, status);
        let listed: Vec<SessionId> = self.all(filter.clone()).iter().map(|session| session.id).collect();
        assert_eq!(listed, expected, "{members:?} {status:?}");
        assert_eq!(self.tenant.count(&filter).unwrap(), expected.len() as u64);
        expected.len().to_string()
    }

    fn revoke_where(&self, members: &Map<String, Value>, planned: bool) -> String {
        let filter = match SessionFilter::from_json(members.clone()) {
            Ok(filter) => filter,
            Err(error) => return error.to_string(),
        };
        let before = self.every_session();
        let expected = Host::expected(&before, members, None);
        let plan = planned.then(|| {
            let preview = self.tenant.preview_revoke_where(&filter).unwrap();
            assert_eq!(preview.count, expected.len() as u64);
            let sample: Vec<SessionId> = preview.sample.iter().map(|session| session.id).collect();
            assert_eq!(sample, expected[..expected.len().min(20)]);
            preview.plan
        });
        let revoked = self.tenant.revoke_where(RevokeWhere::new(filter).plan(plan)).unwrap();
        assert_eq!(revoked, expected.len() as u64);
        let after: BTreeMap<SessionId, Session> =
            self.every_session().into_iter().map(|session| (session.id, session)).collect();
        for session in before {
            let now = &after[&session.id];
            if expected.contains(&session.id) {
                assert_eq!((now.status, now.end_reason), (Status::Revoked, Some(EndReason::Revoked)));
            } else {
                assert_eq!(*now, session, "a session that the filter does not admit stays as it is");
            }
        }
        revoked.to_string()
    }
}

/// Whether one member of a filter holds for a session, read from the text of SPEC 12.
fn holds(session: &Session, name: &str, value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    let time = value.as_i64().unwrap_or_default();
    let address = session.ip_address.map(|address| address.to_string()).unwrap_or_default();
    let is_in = match text {
        "203.0.113.0/24" => address.starts_with("203.0.113."),
        "203.0.113.0/25" => address == "203.0.113.7",
        "2001:db8::/32" => address.starts_with("2001:db8:"),
        "0.0.0.0/0" => address.contains('.'),
        single => address == single,
    };
    let is_from = session.country.is_some_and(|country| text.split(',').any(|one| one == country.as_str()));
    match name {
        "user_id" => session.user_id.as_str() == text,
        "country" => is_from,
        "not_country" => !is_from,
        "ip_address" => is_in,
        "not_ip_address" => !is_in,
        "device_type" => session.device_type.as_str() == text,
        "user_agent" => {
            let agent = session.user_agent.as_ref().map_or("", |agent| agent.as_str());
            agent.to_lowercase().contains(&text.to_lowercase())
        }
        "org_id" => session.identity.org_id.as_ref().is_some_and(|org| org.as_str() == text),
        "role" => session.identity.role.as_ref().is_some_and(|role| role.as_str() == text),
        "created_after" => session.created_at.as_millis() > time,
        "created_before" => session.created_at.as_millis() < time,
        "last_active_after" => session.last_active_at.as_millis() > time,
        "last_active_before" => session.last_active_at.as_millis() < time,
        "mfa_verified" => Value::Bool(session.identity.mfa_verified) == *value,
        other => panic!("{other}"),
    }
}

/// A session without its random id.
fn shown(sessions: &[Session]) -> Vec<Value> {
    let mut shown: Vec<Value> =
        sessions.iter().map(|session| serde_json::to_value(InMillis(session)).unwrap()).collect();
    for session in &mut shown {
        session.as_object_mut().unwrap().remove("id");
    }
    shown
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// One engine ends all sessions of a filter in the commit of the call, the other by a bulk end that is stamped later.
    #[test]
    fn filters_do_what_the_text_says_however_many_sessions_end(steps in prop::collection::vec(any_step(), 1..40)) {
        let (mut eager, mut lazy) = (Host::new(500), Host::new(0));
        for step in &steps {
            prop_assert_eq!(eager.apply(step), lazy.apply(step), "{:?}", step);
        }
        prop_assert_eq!(shown(&eager.every_session()), shown(&lazy.every_session()));
        eager.tenant.sweep().unwrap();
        lazy.tenant.sweep().unwrap();
        prop_assert_eq!(shown(&eager.every_session()), shown(&lazy.every_session()));
        let purge = hellojohn::PurgeBefore::OlderThan("1y".parse().unwrap());
        prop_assert_eq!(eager.tenant.purge(purge), lazy.tenant.purge(purge));
    }
}
