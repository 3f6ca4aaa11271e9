//! What explain tells, against what the engine then does: at each instant that it names, a millisecond before and after it.

use hellojohn::{
    ConfigPatch, CreateSession, Engine, ErrorCode, LocalVerification, ManualClock, RefreshAnswer,
    RefreshRequest, SessionExplanation, SessionId, SessionLimit, Status, Tenant, Timestamp,
};
use hellojohn_tests::fixture::{SECOND, SECRET, START, code, user};
use proptest::prelude::*;

/// What is asked of a session at one instant. Each question may change its session, so each has one of its own.
#[derive(Debug, Clone, Copy)]
enum Question {
    Status,
    AccessToken,
    LiveToken,
    FormerToken,
    OlderToken,
}

const QUESTIONS: [Question; 5] = [
    Question::Status,
    Question::AccessToken,
    Question::LiveToken,
    Question::FormerToken,
    Question::OlderToken,
];

/// The history of every session of a case.
#[derive(Debug, Clone)]
struct History {
    session_secs: u64,
    idle_secs: Option<u64>,
    window_secs: u64,
    ttl_secs: u64,
    /// How long after the sign-in or the last refresh each refresh comes, in ms.
    refreshes: Vec<i64>,
    last_wait: i64,
    revoked: bool,
    /// Whether the clock mark is lowered by three seconds at last.
    lowered: bool,
}

fn any_history() -> impl Strategy<Value = History> {
    let settings = (20..60u64, prop::option::of(5..40u64), 0..10u64, 5..60u64);
    let waits = prop::collection::vec(0..12_000i64, 0..4);
    (settings, waits, 0..30_000i64, prop::bool::weighted(0.1), prop::bool::weighted(0.2)).prop_map(
        |((session_secs, idle_secs, window_secs, ttl_secs), refreshes, last_wait, revoked, lowered)| {
            History { session_secs, idle_secs, window_secs, ttl_secs, refreshes, last_wait, revoked, lowered }
        },
    )
}

struct Host {
    engine: Engine,
    clock: ManualClock,
    tenant: Tenant,
}

/// A session with all its refresh tokens, oldest first, and its newest access token.
struct Chain {
    id: SessionId,
    refresh_tokens: Vec<String>,
    access_token: String,
}

impl Host {
    fn open(patch: &str) -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(START));
        let engine = Engine::builder().clock(clock.clone()).open(":memory:").unwrap();
        let tenant = engine.tenant(&"tnt".parse().unwrap(), &SECRET.parse().unwrap()).unwrap();
        tenant.update_config(&patch.parse::<ConfigPatch>().unwrap()).unwrap();
        Host { engine, clock, tenant }
    }

    /// So many sessions of that history, each of a user of its own.
    fn live(&self, history: &History, sessions: usize) -> Vec<Chain> {
        let sign_in = |at: usize| {
            let grant = self.tenant.create(CreateSession::new(user(&format!("u{at}")))).unwrap();
            Chain {
                id: grant.session.id,
                refresh_tokens: vec![grant.refresh_token.expose().to_owned()],
                access_token: grant.access_token.expose().to_owned(),
            }
        };
        let mut chains: Vec<Chain> = (0..sessions).map(sign_in).collect();
        for wait in &history.refreshes {
            self.clock.advance_millis(*wait);
            for chain in &mut chains {
                let live = chain.refresh_tokens.last().unwrap();
                let Ok(grant) = self.tenant.refresh(live, RefreshRequest::default()) else { continue };
                grant.access_token.expose().clone_into(&mut chain.access_token);
                chain.refresh_tokens.push(grant.refresh_token.expose().to_owned());
            }
        }
        self.clock.advance_millis(history.last_wait);
        if history.revoked {
            chains.iter().for_each(|chain| self.tenant.revoke(chain.id).unwrap());
        }
        if history.lowered {
            self.clock.advance_millis(-3 * SECOND);
            self.engine.lower_clock_mark().unwrap();
        }
        chains
    }

    /// How the engine answers the token that is `behind` generations older than the live one.
    fn refresh(&self, chain: &Chain, behind: usize) -> Option<RefreshAnswer> {
        let at = chain.refresh_tokens.len().checked_sub(behind + 1)?;
        Some(match self.tenant.refresh(&chain.refresh_tokens[at], RefreshRequest::default()) {
            Ok(grant) if chain.refresh_tokens.iter().any(|known| known == grant.refresh_token.expose()) => {
                RefreshAnswer::Replayed
            }
            Ok(_) => RefreshAnswer::Rotated,
            Err(error) => match error.code() {
                ErrorCode::RefreshTokenReused => RefreshAnswer::Reused,
                ErrorCode::SessionRevoked => RefreshAnswer::Revoked,
                ErrorCode::SessionExpired => RefreshAnswer::Expired,
                other => panic!("{other:?}"),
            },
        })
    }

    /// Compares the engine with what was told of it.
    fn ask(&self, question: Question, told: &SessionExplanation, chain: &Chain) {
        let now = self.clock_now();
        let as_told = |until: Option<Timestamp>| until.is_none_or(|until| now < until);
        let compare = |behind: usize, answer: Option<RefreshAnswer>, until: Option<Timestamp>| {
            // Only at that instant is the answer another one: after a lowered clock the first one may come back.
            if until.is_some_and(|until| now > until) {
                return;
            }
            let found = self.refresh(chain, behind);
            assert_eq!(found == answer, as_told(until), "{question:?} at {now:?}: {found:?}, told {told:?}");
        };
        match question {
            Question::Status => {
                let session = self.tenant.get(chain.id).unwrap();
                if told.status != Status::Active {
                    assert_eq!((session.status, session.end_reason), (told.status, told.end_reason));
                    return;
                }
                assert_eq!(session.status == Status::Active, as_told(told.ends_at), "{now:?} {told:?}");
                let reason = told.ends_by.map(|limit| match limit {
                    SessionLimit::IdleTimeout => "idle_timeout",
                    _ => "expired",
                });
                if let Some(end_reason) = session.end_reason {
                    assert_eq!(Some(end_reason.as_str()), reason, "{told:?}");
                }
                assert_eq!(code(self.tenant.verify_session(chain.id)).is_none(), as_told(told.ends_at));
            }
            Question::AccessToken => {
                let outcome = self.tenant.verify_locally(&chain.access_token, &LocalVerification::default());
                assert_eq!(outcome.is_ok(), as_told(Some(told.access_token_ends_at)), "{told:?}");
            }
            Question::LiveToken => compare(0, Some(told.live_token), told.live_token_until),
            Question::FormerToken => compare(1, told.former_token, told.former_token_until),
            Question::OlderToken => compare(2, told.older_token, told.older_token_until),
        }
    }

    fn clock_now(&self) -> Timestamp {
        hellojohn::Clock::now(&self.clock)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_does_what_explain_told_at_every_instant_that_it_named(history in any_history()) {
        let History { session_secs, ttl_secs, window_secs, .. } = history;
        let idle = history.idle_secs.map_or("null".to_owned(), |secs| format!("\"{secs}s\""));
        let host = Host::open(&format!(
            r#"{{"session_duration":"{session_secs}s","idle_timeout":{idle},"access_token_ttl":"{ttl_secs}s",
                "refresh_reuse_window":{window_secs}}}"#
        ));
        let mut chains = host.live(&history, 7 * 3 * QUESTIONS.len() + 1 + QUESTIONS.len());
        let explained = chains.pop().unwrap();
        let told = host.tenant.explain(explained.id).unwrap();
        prop_assert_eq!(told.explained_at, host.clock_now());
        prop_assert_eq!(told.former_token.is_some(), explained.refresh_tokens.len() > 1);
        prop_assert_eq!(told.older_token.is_some(), explained.refresh_tokens.len() > 2);
        let session = host.tenant.get(explained.id).unwrap();
        prop_assert_eq!((told.status, told.end_reason), (session.status, session.end_reason));
        if session.status == Status::Revoked {
            prop_assert_eq!(told.ended_at, session.revoked_at);
        }
        prop_assert_eq!(told.ends_at.is_some(), told.status == Status::Active);
        let named = [
            told.ends_at,
            told.duration_ends_at,
            told.idle_timeout_ends_at,
            Some(told.access_token_ends_at),
            told.live_token_until,
            told.former_token_until,
            told.older_token_until,
        ];
        let mut times: Vec<i64> = named.into_iter().flatten().map(Timestamp::as_millis).collect();
        times = times.iter().flat_map(|at| [at - 1, *at, at + 1]).chain([told.explained_at.as_millis()]).collect();
        times.retain(|at| *at >= told.explained_at.as_millis());
        times.sort_unstable();
        times.dedup();
        for at in times {
            host.clock.set(Timestamp::from_millis(at));
            for question in QUESTIONS {
                host.ask(question, &told, &chains.pop().expect("a session for each question"));
            }
        }
        // Explaining has changed nothing: the session answers as all others of its history do.
        let after = host.tenant.explain(explained.id).unwrap();
        prop_assert_eq!(after.access_token_ends_at, told.access_token_ends_at);
    }
}

#[test]
fn the_cap_ends_a_session_at_the_sign_in_that_explain_told() {
    for cap in 1..5u64 {
        for place in 1..=cap {
            let host = Host::open(&format!(r#"{{"max_sessions_per_user":{cap}}}"#));
            let sign_in = || host.tenant.create(CreateSession::new(user("u"))).unwrap().session.id;
            let ids: Vec<SessionId> = (0..cap).map(|_| sign_in()).collect();
            let id = ids[place as usize - 1];
            let told = host.tenant.explain(id).unwrap();
            assert_eq!((told.rank, told.active_sessions), (Some(place), Some(cap)));
            assert_eq!((told.max_sessions_per_user, told.evicted_by_sign_in), (Some(cap), Some(place)));
            for _ in 1..place {
                sign_in();
                assert_eq!(host.tenant.get(id).unwrap().status, Status::Active);
            }
            sign_in();
            let over = host.tenant.explain(id).unwrap();
            assert_eq!(over.end_reason, Some(hellojohn::EndReason::MaxSessions));
            assert_eq!((over.rank, over.active_sessions, over.evicted_by_sign_in), (None, None, None));
        }
    }
}

#[test]
fn the_last_replays_are_told() {
    let host = Host::open("{}");
    let history = History {
        session_secs: 0,
        idle_secs: None,
        window_secs: 10,
        ttl_secs: 0,
        refreshes: vec![0],
        last_wait: 0,
        revoked: false,
        lowered: false,
    };
    let chain = host.live(&history, 1).pop().unwrap();
    for left in (1..=100).rev() {
        assert_eq!(host.tenant.explain(chain.id).unwrap().replays_left, Some(left));
        assert_eq!(host.refresh(&chain, 1), Some(RefreshAnswer::Replayed));
    }
    let told = host.tenant.explain(chain.id).unwrap();
    assert_eq!((told.former_token, told.replays_left), (Some(RefreshAnswer::Reused), None));
    assert_eq!(host.refresh(&chain, 1), Some(RefreshAnswer::Reused));
}
