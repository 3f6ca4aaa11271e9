//! Histories of random calls against a plain model of the whole engine: every answer is compared. `HJ_HISTORIES=n` runs
//! more of them, `HJ_SEED=n` repeats the batch that failed.
#![allow(clippy::print_stderr)] // the seed of a failure

mod model;

use std::collections::VecDeque;
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};

use hellojohn::{
    ConfigPatch, CreateSession, Durability, EndReason, Engine, Error, ErrorCode, IdentityPatch, KeyState,
    Limit, ListQuery, LocalVerification, ManualClock, PurgeBefore, RefreshRequest, SeededRandom, SessionId,
    SignOutScope, Status, StatusFilter, Tenant, Timestamp,
};
use hellojohn_tests::fixture::{DAY, Database, HOUR, SECOND, START, code, rounds, tenant, user};

use model::{Fate, Known, Model};

const TENANTS: usize = 2;
const USERS: usize = 3;
const CALLS: usize = 200;
/// Opening tenants costs more than a history: a batch of histories shares an engine.
const BATCH: u64 = 25;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.roll() % n as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// Says how to repeat a failure.
struct OnFailure {
    seed: u64,
    last: VecDeque<String>,
}

impl Drop for OnFailure {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the last calls before the failure:\n{}", self.last.make_contiguous().join("\n"));
            eprintln!("HJ_SEED={} repeats it", self.seed);
        }
    }
}

/// A list that is being paged through while other calls happen.
struct Paging {
    tenant: usize,
    query: ListQuery,
    user: Option<usize>,
    last: SessionId,
}

struct History {
    engine: Engine,
    clock: ManualClock,
    tenants: Vec<Tenant>,
    model: Model,
    dice: Dice,
    trace: DefaultHasher,
    paging: Option<Paging>,
    file: Option<Database>,
    reopens: bool,
    report: OnFailure,
}

fn open(database: &std::path::Path, clock: &ManualClock, seed: u64) -> (Engine, Vec<Tenant>) {
    let engine = Engine::builder()
        .clock(clock.clone())
        .random(SeededRandom::new(seed))
        .durability(Durability::Normal)
        .open(database)
        .unwrap();
    let tenants = (0..TENANTS).map(|t| tenant(&engine, &format!("tnt_{t}"))).collect();
    (engine, tenants)
}

impl History {
    fn new(seed: u64, file: Option<Database>) -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(START));
        let path = file.as_ref().map_or(":memory:".into(), Database::path);
        let (engine, tenants) = open(&path, &clock, seed);
        let known = |tenant: &Tenant| model::Tenant {
            settings: model::DEFAULTS,
            sessions: Vec::new(),
            accesses: Vec::new(),
            keys: (tenant.keys().unwrap().iter())
                .map(|key| model::Key { kid: key.kid, state: key.state, dead_at: 0 })
                .collect(),
        };
        let tenants_model = tenants.iter().map(known).collect();
        History {
            engine,
            clock,
            model: Model { clock: START, now: START, tenants: tenants_model },
            tenants,
            dice: Dice(seed),
            trace: DefaultHasher::new(),
            paging: None,
            file,
            reopens: true,
            report: OnFailure { seed, last: VecDeque::new() },
        }
    }

    fn note(&mut self, call: String) {
        call.hash(&mut self.trace);
        if self.report.last.len() == 30 {
            self.report.last.pop_front();
        }
        self.report.last.push_back(format!("{} {call}", self.model.now));
    }

    fn answered<T: Debug, E: Debug>(&mut self, outcome: &Result<T, E>) {
        format!("{outcome:?}").hash(&mut self.trace);
    }

    /// After calls that need not ask the database, one that does: then both know the same now.
    fn touch(&mut self, t: usize) {
        self.tenants[t].config().unwrap();
        self.model.see_clock();
    }

    fn run(&mut self) {
        for _ in 0..CALLS {
            let t = self.dice.below(TENANTS);
            match self.dice.below(100) {
                0..12 => self.move_clock(),
                12..26 => self.create(t),
                26..46 => self.refresh(t),
                46..56 => self.verify(t),
                56..62 => self.get(t),
                62..67 => self.revoke(t),
                67..70 => self.revoke_many(t),
                70..73 => self.sign_out(t),
                73..78 => self.update(t),
                78..85 => self.list(t),
                85..88 => self.configure(t),
                88..91 => self.count(t),
                91..93 => self.sweep(t),
                93..95 => self.purge(t),
                95..98 => self.keys(t),
                98 => self.lower_clock_mark(),
                _ => self.reopen(),
            }
        }
        self.clear();
    }

    /// Some session of the tenant, the young ones more often.
    fn some(&mut self, t: usize) -> Option<usize> {
        let count = self.model.tenants[t].sessions.len();
        let span = *self.dice.pick(&[6, 6, 6, 200]);
        let back = self.dice.below(span);
        (back < count).then(|| count - 1 - back)
    }

    fn move_clock(&mut self) {
        let t = self.dice.below(TENANTS);
        let edge = self.some(t).map(|s| {
            let settings = self.model.tenants[t].settings;
            let Known { active, expires, access_exp, .. } = self.model.tenants[t].sessions[s];
            let idle = active + settings.idle_timeout.unwrap_or(HOUR);
            *self.dice.pick(&[expires, access_exp, idle, active + settings.reuse_window])
        });
        let unit = *self.dice.pick(&[1, 1, SECOND, SECOND, 60 * SECOND, HOUR, DAY]);
        let step = self.dice.below(40) as i64 * unit;
        let to = match (self.dice.below(8), edge) {
            (0..3, Some(edge)) if edge < self.model.now + 60 * DAY => edge + self.dice.below(3) as i64 - 1,
            (3, _) => self.model.clock - step,
            (4, _) => self.model.now,
            _ => self.model.clock + step,
        };
        self.note(format!("clock {to}"));
        self.model.clock = to;
        self.clock.set(Timestamp::from_millis(to));
    }

    fn create(&mut self, t: usize) {
        let u = self.dice.below(USERS);
        let secs = self.dice.one_in(3).then(|| 1 + self.dice.below(7_200) as u64);
        self.note(format!("create {t} u{u} {secs:?}"));
        let duration = secs.map(|secs| hellojohn::Duration::from_secs(secs).unwrap());
        let request = CreateSession { duration, ..CreateSession::new(user(&format!("u{u}"))) };
        let answer = self.tenants[t].create(request);
        self.answered(&answer);
        self.model.see_clock();
        self.model.created(t, u, secs.map(|secs| secs as i64 * SECOND), &answer.unwrap());
    }

    fn mutated(&mut self, text: &str) -> String {
        let at = self.dice.below(text.len());
        let other = if &text[at..=at] == "A" { "B" } else { "A" };
        match self.dice.below(4) {
            0 => text[..at].to_owned(),
            1 => format!("{text}A"),
            _ => format!("{}{other}{}", &text[..at], &text[at + 1..]),
        }
    }

    fn refresh(&mut self, t: usize) {
        let Some(s) = self.some(t) else { return };
        let made = self.model.tenants[t].sessions[s].tokens.len();
        let back = *self.dice.pick(&[0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 3, 9]);
        let generation = made.saturating_sub(1 + back);
        let token = self.model.tenants[t].sessions[s].tokens[generation].clone();
        let ip = self.dice.one_in(3).then(|| format!("203.0.113.{}", self.dice.below(250)));
        let request = RefreshRequest {
            ip_address: ip.as_deref().map(|ip| ip.parse().unwrap()),
            ..RefreshRequest::default()
        };
        if self.dice.one_in(8) {
            let (tenant, token) = match self.dice.below(2) {
                0 => (1 - t, token),
                _ => (t, self.mutated(&token)),
            };
            self.note(format!("refresh {tenant} with a worthless token"));
            let answer = self.tenants[tenant].refresh(&token, request);
            let expected =
                if token.is_empty() { ErrorCode::MissingToken } else { ErrorCode::RefreshTokenInvalid };
            assert_eq!(code(answer), Some(expected), "{token}");
            return self.touch(t);
        }
        self.note(format!("refresh {t} session {s} generation {generation} of {made}"));
        let answer = self.tenants[t].refresh(&token, request);
        self.answered(&answer);
        self.model.see_clock();
        match (self.model.fate(t, s, generation), answer) {
            (Fate::Refused(expected), Err(error)) => {
                assert_eq!(error.code(), expected, "{error}");
                self.model.refused(t, s, expected);
            }
            (fate @ (Fate::Rotates | Fate::Replays), Ok(grant)) => {
                self.model.refreshed(t, s, fate, ip.as_deref(), &grant);
            }
            (fate, answer) => panic!("expected {fate:?}, found {answer:?}"),
        }
    }

    fn verify(&mut self, t: usize) {
        if self.model.tenants[t].accesses.is_empty() || self.dice.one_in(3) {
            return self.verify_session(t);
        }
        let count = self.model.tenants[t].accesses.len();
        let span = *self.dice.pick(&[8, 400]);
        let back = self.dice.below(span).min(count - 1);
        let access = self.model.tenants[t].accesses[count - 1 - back].clone();
        if self.dice.one_in(8) {
            let (tenant, text) = match self.dice.below(2) {
                0 => (1 - t, access.text),
                _ => (t, self.mutated(&access.text)),
            };
            self.note(format!("verify {tenant} a worthless token"));
            let expected = if text.is_empty() { ErrorCode::MissingToken } else { ErrorCode::InvalidToken };
            let local = self.tenants[tenant].verify_locally(&text, &LocalVerification::default());
            assert_eq!(code(local), Some(expected));
            assert_eq!(code(self.tenants[tenant].verify_access_token(&text)), Some(expected));
            return self.touch(t);
        }
        self.note(format!("verify {t} a token of session {}", access.session));
        // Before it: the time that local verification answers for is known then.
        self.touch(t);
        let refusals = self.model.local_refusals(t, &access);
        let local = self.tenants[t].verify_locally(&access.text, &LocalVerification::default());
        match local {
            Ok(claims) => {
                assert!(refusals.is_empty(), "accepted, expected {refusals:?}");
                assert_eq!(claims.session_id, self.model.tenants[t].sessions[access.session].id);
                assert_eq!(claims.expires_at.as_millis(), access.exp);
                let jwks = self.tenants[t].jwks().unwrap().to_string();
                assert!(jwks.contains(&access.kid), "a live token's key is not published");
            }
            Err(error) => assert!(refusals.contains(&error.code()), "{error}, expected {refusals:?}"),
        }
        let s = access.session;
        let answer = self.tenants[t].verify_access_token(&access.text);
        self.answered(&answer);
        let purged = self.model.tenants[t].sessions[s].purged;
        match (answer, self.model.end_of(t, s)) {
            (Err(refused), _) if !refusals.is_empty() => assert!(refusals.contains(&refused.error.code())),
            (Err(refused), _) if purged => assert_eq!(refused.error.code(), ErrorCode::SessionNotFound),
            (Err(refused), Some(ended)) => {
                assert_eq!(refused.error.code(), model::code_of(ended));
                self.model.check_session(t, s, &refused.session.unwrap());
            }
            (Ok(verified), None) if refusals.is_empty() && !purged => {
                assert_eq!(verified.claims.user_id, verified.session.user_id);
                self.model.check_session(t, s, &verified.session);
            }
            (answer, ended) => panic!("{answer:?}, expected {refusals:?} {ended:?}"),
        }
    }

    fn verify_session(&mut self, t: usize) {
        let Some(s) = self.some(t) else { return };
        let id = self.model.tenants[t].sessions[s].id;
        self.note(format!("verify session {t} {s}"));
        assert_eq!(code(self.tenants[1 - t].verify_session(id)), Some(ErrorCode::SessionNotFound));
        let answer = self.tenants[t].verify_session(id);
        self.answered(&answer);
        self.model.see_clock();
        let purged = self.model.tenants[t].sessions[s].purged;
        match (answer, self.model.end_of(t, s)) {
            (Err(refused), _) if purged => assert_eq!(refused.error.code(), ErrorCode::SessionNotFound),
            (Err(refused), Some(ended)) => {
                assert_eq!(refused.error.code(), model::code_of(ended));
                self.model.check_session(t, s, &refused.session.unwrap());
            }
            (Ok(session), None) if !purged => self.model.check_session(t, s, &session),
            (answer, ended) => panic!("{answer:?}, expected {ended:?}"),
        }
    }

    /// A session's answer, or `session_not_found` once it is purged.
    fn same_session(&mut self, t: usize, s: usize, answer: Result<hellojohn::Session, Error>) {
        match answer {
            Ok(session) if !self.model.tenants[t].sessions[s].purged => {
                self.model.check_session(t, s, &session);
            }
            Err(error) if self.model.tenants[t].sessions[s].purged => {
                assert_eq!(error.code(), ErrorCode::SessionNotFound);
            }
            other => panic!("{other:?}"),
        }
    }

    fn get(&mut self, t: usize) {
        let Some(s) = self.some(t) else { return };
        let id = self.model.tenants[t].sessions[s].id;
        self.note(format!("get {t} {s}"));
        let answer = self.tenants[t].get(id);
        self.answered(&answer);
        self.model.see_clock();
        self.same_session(t, s, answer);
        assert_eq!(code(self.tenants[1 - t].get(id)), Some(ErrorCode::SessionNotFound));
    }

    fn revoke(&mut self, t: usize) {
        let Some(s) = self.some(t) else { return };
        let id = self.model.tenants[t].sessions[s].id;
        self.note(format!("revoke {t} {s}"));
        assert_eq!(code(self.tenants[1 - t].revoke(id)), Some(ErrorCode::SessionNotFound));
        let answer = self.tenants[t].revoke(id);
        self.model.see_clock();
        if self.model.tenants[t].sessions[s].purged {
            return assert_eq!(code(answer), Some(ErrorCode::SessionNotFound));
        }
        answer.unwrap();
        self.model.end_all(t, |known| known.id == id, EndReason::Revoked);
        assert!(self.tenants[t].verify_session(id).is_err());
        let after = self.tenants[t].get(id);
        self.same_session(t, s, after);
    }

    fn revoke_many(&mut self, t: usize) {
        if self.dice.one_in(8) {
            self.note(format!("revoke tenant {t}"));
            let revoked = self.tenants[t].revoke_tenant().unwrap();
            self.model.see_clock();
            assert_eq!(revoked, self.model.end_all(t, |known| !known.purged, EndReason::RevokeTenant));
            return;
        }
        let u = self.dice.below(USERS);
        let except = if self.dice.one_in(2) { self.some(t) } else { None };
        self.note(format!("revoke user {t} u{u} but {except:?}"));
        let spared = except.map(|s| self.model.tenants[t].sessions[s].id);
        let answer = self.tenants[t].revoke_user(&user(&format!("u{u}")), spared);
        self.answered(&answer);
        self.model.see_clock();
        if let Some(s) = except
            && (self.model.tenants[t].sessions[s].purged || self.model.tenants[t].sessions[s].user != u)
        {
            return assert_eq!(code(answer), Some(ErrorCode::SessionNotFound));
        }
        let concerned = |known: &Known| known.user == u && Some(known.id) != spared;
        assert_eq!(answer.unwrap(), self.model.end_all(t, concerned, EndReason::RevokeAll));
    }

    fn sign_out(&mut self, t: usize) {
        let Some(s) = self.some(t) else { return };
        let scope = if self.dice.one_in(3) { SignOutScope::Global } else { SignOutScope::Local };
        let with_access = self.dice.one_in(2);
        let known = &self.model.tenants[t].sessions[s];
        let generation = known.tokens.len() - 1 - self.dice.below(2).min(known.tokens.len() - 1);
        let access =
            self.model.tenants[t].accesses.iter().rfind(|access| access.session == s).unwrap().clone();
        let token = if with_access { &access.text } else { &known.tokens[generation] };
        let answer = self.tenants[t].sign_out(token, scope);
        self.note(format!("sign out {t} {s} access {with_access} generation {generation} {scope:?}"));
        self.answered(&answer);
        self.touch(t);
        let refusals = if with_access {
            self.model.local_refusals(t, &access)
        } else {
            match self.model.fate(t, s, generation) {
                Fate::Refused(ErrorCode::RefreshTokenInvalid) => &[ErrorCode::RefreshTokenInvalid][..],
                Fate::Refused(ErrorCode::RefreshTokenReused) => &[ErrorCode::RefreshTokenReused],
                _ => &[],
            }
        };
        let ended = self.model.end_of(t, s);
        let known = &self.model.tenants[t].sessions[s];
        let (id, u) = (known.id, known.user);
        if let Some(expected) = refusals.first() {
            let found = code(answer).unwrap();
            assert!(refusals.contains(&found), "{found}");
            if *expected == ErrorCode::RefreshTokenReused {
                self.model.refused(t, s, found);
            }
        } else if known.purged {
            assert_eq!(code(answer), Some(ErrorCode::SessionNotFound));
        } else if scope == SignOutScope::Global {
            match ended {
                Some(ended) => assert_eq!(code(answer), Some(model::code_of(ended))),
                None => {
                    let count = self.model.end_all(t, |known| known.user == u, EndReason::RevokeAll);
                    assert_eq!(answer.unwrap(), count);
                }
            }
        } else {
            assert_eq!(answer.unwrap(), self.model.end_all(t, |known| known.id == id, EndReason::SignOut));
        }
    }

    fn update(&mut self, t: usize) {
        let Some(s) = self.some(t) else { return };
        let role = self.dice.one_in(2).then(|| format!("role{}", self.dice.below(3)));
        let mfa = self.dice.one_in(2).then(|| self.dice.one_in(2));
        self.note(format!("update {t} {s} {role:?} {mfa:?}"));
        let patch = IdentityPatch {
            role: Some(role.as_deref().map(|role| role.parse().unwrap())),
            mfa_verified: mfa,
            ..IdentityPatch::default()
        };
        let answer = self.tenants[t].update(self.model.tenants[t].sessions[s].id, patch);
        self.answered(&answer);
        self.model.see_clock();
        match (answer, self.model.end_of(t, s)) {
            (Err(error), _) if self.model.tenants[t].sessions[s].purged => {
                assert_eq!(error.code(), ErrorCode::SessionNotFound);
            }
            (Err(error), Some(ended)) => {
                assert_eq!(error.code(), model::code_of(ended));
                self.model.tenants[t].sessions[s].told = true;
            }
            (Ok(answer), None) => {
                let known = &mut self.model.tenants[t].sessions[s];
                known.role = role;
                known.mfa = mfa.unwrap_or(known.mfa);
                self.model.updated(t, s, &answer);
            }
            (answer, ended) => panic!("{answer:?}, expected {ended:?}"),
        }
    }

    /// What a list must show after a session.
    fn expected_list(
        &self,
        t: usize,
        query: &ListQuery,
        u: Option<usize>,
        after: Option<SessionId>,
    ) -> Vec<usize> {
        let mut list = self.model.newest_first(t);
        list.retain(|s| {
            let known = &self.model.tenants[t].sessions[*s];
            let status = match self.model.end_of(t, *s).map(|ended| ended.reason) {
                None => Status::Active,
                Some(EndReason::Expired) => Status::Expired,
                Some(_) => Status::Revoked,
            };
            let admitted = query.status == StatusFilter::All || query.status.as_str() == status.as_str();
            admitted && u.is_none_or(|u| known.user == u) && after.is_none_or(|after| known.id < after)
        });
        list
    }

    fn list(&mut self, t: usize) {
        if let Some(paging) = self.paging.take() {
            self.note(format!("list {} on", paging.tenant));
            let foreign = ListQuery { user_id: Some(user("somebody")), ..paging.query.clone() };
            assert_eq!(code(self.tenants[paging.tenant].list(&foreign)), Some(ErrorCode::ValidationError));
            let elsewhere = self.tenants[1 - paging.tenant].list(&paging.query);
            assert_eq!(code(elsewhere), Some(ErrorCode::ValidationError));
            return self.page(paging.tenant, paging.query, paging.user, Some(paging.last));
        }
        let u = self.dice.one_in(2).then(|| self.dice.below(USERS));
        let filters = [StatusFilter::Active, StatusFilter::Expired, StatusFilter::Revoked, StatusFilter::All];
        let query = ListQuery {
            user_id: u.map(|u| user(&format!("u{u}"))),
            status: *self.dice.pick(&filters),
            limit: Limit::new(1 + self.dice.below(7) as i64).unwrap(),
            cursor: None,
        };
        self.note(format!("list {t} {u:?} {:?} {:?}", query.status, query.limit));
        self.page(t, query, u, None);
    }

    fn page(&mut self, t: usize, mut query: ListQuery, u: Option<usize>, after: Option<SessionId>) {
        let answer = self.tenants[t].list(&query);
        self.answered(&answer);
        self.model.see_clock();
        let (page, limit) = (answer.unwrap(), query.limit.get());
        let expected = self.expected_list(t, &query, u, after);
        assert_eq!(page.data.len(), expected.len().min(limit));
        for (session, s) in page.data.iter().zip(&expected) {
            self.model.check_session(t, *s, session);
        }
        assert_eq!(page.next_cursor.is_some(), expected.len() > limit);
        // What a list of living ones left out is over for its reader.
        if query.status == StatusFilter::Active && after.is_none() && page.next_cursor.is_none() {
            for s in self.model.newest_first(t) {
                if u.is_none_or(|u| self.model.tenants[t].sessions[s].user == u)
                    && !self.model.is_active(t, s)
                {
                    self.model.tenants[t].sessions[s].told = true;
                }
            }
        }
        if let Some(cursor) = page.next_cursor {
            query.cursor = Some(cursor.to_string().parse().unwrap());
            let last = page.data.last().unwrap().id;
            self.paging = Some(Paging { tenant: t, query, user: u, last });
        }
    }

    fn configure(&mut self, t: usize) {
        let dice = &mut self.dice;
        let patch = match dice.below(6) {
            0 => format!(r#"{{"idle_timeout":{}}}"#, 60 * (1 + dice.below(240))),
            1 => r#"{"idle_timeout":null}"#.to_owned(),
            2 => format!(r#"{{"max_sessions_per_user":{}}}"#, dice.pick(&["1", "2", "5", "null"])),
            3 => format!(r#"{{"refresh_reuse_window":{}}}"#, dice.pick(&[0, 1, 10, 60])),
            4 => format!(r#"{{"access_token_ttl":{}}}"#, 30 * (1 + dice.below(400))),
            _ => format!(r#"{{"session_duration":{}}}"#, 600 * (1 + dice.below(400))),
        };
        self.note(format!("config {t} {patch}"));
        let json: serde_json::Value = serde_json::from_str(&patch).unwrap();
        let answer = self.tenants[t].update_config(&patch.parse::<ConfigPatch>().unwrap());
        self.answered(&answer);
        self.model.see_clock();
        self.model.keep_ends(t);
        self.model.extend_active_key(t);
        let settings = &mut self.model.tenants[t].settings;
        let ms = |value: &serde_json::Value| value.as_i64().map(|secs| secs * SECOND);
        for (name, value) in json.as_object().unwrap() {
            match name.as_str() {
                "idle_timeout" => settings.idle_timeout = ms(value),
                "max_sessions_per_user" => settings.cap = value.as_u64().map(|cap| cap as usize),
                "refresh_reuse_window" => settings.reuse_window = ms(value).unwrap(),
                "access_token_ttl" => settings.access_token_ttl = ms(value).unwrap(),
                _ => settings.session_duration = ms(value).unwrap(),
            }
        }
        let config = answer.unwrap();
        assert_eq!(config.idle_timeout.map(|idle| idle.as_secs() as i64 * SECOND), settings.idle_timeout);
        assert_eq!(config.max_sessions_per_user, settings.cap.map(|cap| cap as u64));
        assert_eq!(self.tenants[t].config().unwrap(), config);
    }

    fn count(&mut self, t: usize) {
        self.note(format!("stats {t}"));
        let stats = self.tenants[t].stats().unwrap();
        self.model.see_clock();
        let there = self.model.newest_first(t);
        let day_ago = self.model.now - DAY;
        let young = there.iter().filter(|s| self.model.tenants[t].sessions[**s].created > day_ago).count();
        assert_eq!(stats.created_last_24h, young as u64);
        let mut found = [0; 3];
        for s in there {
            let ended = self.model.end_of(t, s);
            found[ended.map_or(0, |ended| if ended.reason == EndReason::Expired { 1 } else { 2 })] += 1;
            self.model.tenants[t].sessions[s].told |= ended.is_some();
        }
        let counts = stats.sessions;
        assert_eq!([counts.active, counts.expired, counts.revoked], found);
        if let Some(oldest) = stats.oldest_unswept_at {
            let mut ends = (0..self.model.tenants[t].sessions.len()).filter_map(|s| self.model.end_of(t, s));
            assert!(ends.any(|ended| ended.at == oldest.as_millis()));
        }
    }

    fn sweep(&mut self, t: usize) {
        let before = self.tenants[t].stats().unwrap();
        self.note(format!("sweep {t}"));
        let stamped = self.tenants[t].sweep();
        self.answered(&stamped);
        self.model.see_clock();
        self.model.keep_ends(t);
        let after = self.tenants[t].stats().unwrap();
        assert_eq!(after.oldest_unswept_at, None);
        assert_eq!(after.sessions, before.sessions);
        assert_eq!(stamped.unwrap() > 0, before.oldest_unswept_at.is_some());
        assert_eq!(self.tenants[t].sweep().unwrap(), 0);
    }

    fn purge(&mut self, t: usize) {
        let age = hellojohn::Duration::from_secs(60 * (1 + self.dice.below(3_000) as u64)).unwrap();
        self.note(format!("purge {t} {age}"));
        let purged = self.tenants[t].purge(PurgeBefore::OlderThan(age));
        self.answered(&purged);
        self.model.see_clock();
        let cut = self.model.now - age.as_secs() as i64 * SECOND;
        let mut count = 0;
        for s in self.model.newest_first(t) {
            if self.model.end_of(t, s).is_some_and(|ended| ended.at < cut) {
                self.model.tenants[t].sessions[s].purged = true;
                count += 1;
            }
        }
        assert_eq!(purged.unwrap(), count);
    }

    fn keys(&mut self, t: usize) {
        let choice = self.dice.below(4);
        let target = self.dice.roll() as usize;
        self.note(format!("keys {t} {choice}"));
        match choice {
            0 => {
                let kid = self.tenants[t].rotate_keys().unwrap();
                self.model.see_clock();
                self.model.extend_active_key(t);
                for at in 0..self.model.tenants[t].keys.len() {
                    let state = self.model.state_of(&self.model.tenants[t].keys[at]);
                    self.model.tenants[t].keys[at].state = match state {
                        KeyState::Active => KeyState::Retiring,
                        KeyState::Next => KeyState::Active,
                        state => state,
                    };
                }
                assert_eq!(kid.to_string(), self.model.active_kid(t));
            }
            1 => {
                let count = self.model.tenants[t].keys.len();
                let at = count - 1 - target % count.min(4);
                let key = &mut self.model.tenants[t].keys[at];
                let answer = self.tenants[t].retire_key(key.kid);
                match key.state {
                    KeyState::Active => assert_eq!(code(answer), Some(ErrorCode::ValidationError)),
                    _ => {
                        answer.unwrap();
                        key.state = KeyState::Retired;
                    }
                }
                assert_eq!(
                    code(self.tenants[1 - t].retire_key(self.model.tenants[t].keys[at].kid)),
                    Some(ErrorCode::NotFound)
                );
            }
            _ => {}
        }
        self.same_keys(t);
    }

    fn same_keys(&mut self, t: usize) {
        let listed = self.tenants[t].keys().unwrap();
        let jwks = self.tenants[t].jwks().unwrap().to_string();
        self.model.see_clock();
        for key in &listed[self.model.tenants[t].keys.len()..] {
            assert_eq!(key.state, KeyState::Next, "only a next key comes out of nothing");
            self.model.tenants[t].keys.push(model::Key { kid: key.kid, state: key.state, dead_at: 0 });
        }
        for (listed, known) in listed.iter().zip(&self.model.tenants[t].keys) {
            let state = self.model.state_of(known);
            assert_eq!((listed.kid, listed.state), (known.kid, state));
            assert_eq!(jwks.contains(&known.kid.to_string()), state != KeyState::Retired);
        }
        for one in [KeyState::Next, KeyState::Active] {
            assert_eq!(listed.iter().filter(|key| key.state == one).count(), 1);
        }
    }

    fn lower_clock_mark(&mut self) {
        self.note("lower the clock mark".to_owned());
        self.engine.lower_clock_mark().unwrap();
        self.model.see_clock();
        for t in 0..TENANTS {
            self.model.keep_ends(t);
            self.model.extend_active_key(t);
        }
        self.model.now = self.model.clock.max(0);
    }

    /// What the database was never made to see is forgotten; what anybody was told is not.
    fn reopen(&mut self) {
        let Some(file) = self.file.as_ref().filter(|_| self.reopens) else { return };
        let path = file.path();
        self.note("reopen".to_owned());
        if self.dice.one_in(2) {
            self.engine.close().unwrap();
            assert_eq!(code(self.tenants[0].config()), Some(ErrorCode::EngineClosed));
        }
        self.tenants.clear();
        let seed = self.dice.roll();
        (self.engine, self.tenants) = open(&path, &self.clock, seed);
        let probe = self.tenants[0].create(CreateSession::new(user("u0"))).unwrap();
        let now = probe.session.created_at.as_millis();
        assert!((self.model.clock..=self.model.now.max(self.model.clock)).contains(&now));
        self.model.now = now;
        self.model.created(0, 0, None, &probe);
        for t in 0..TENANTS {
            for s in self.model.newest_first(t) {
                let told = self.model.tenants[t].sessions[s].told;
                assert!(!told || self.model.end_of(t, s).is_some(), "session {s} of {t} lives again");
            }
        }
    }

    /// An empty database for the next history: every session ends and goes.
    fn clear(&mut self) {
        for t in 0..TENANTS {
            self.note(format!("clear {t}"));
            self.tenants[t].revoke_tenant().unwrap();
            let end_of_time = Timestamp::from_millis(i64::MAX);
            let purged = self.tenants[t].purge(PurgeBefore::Time(end_of_time)).unwrap();
            assert_eq!(purged, self.model.newest_first(t).len() as u64);
            self.model.see_clock();
            self.model.tenants[t].sessions.clear();
            self.model.tenants[t].accesses.clear();
        }
        self.paging = None;
    }
}

fn batch(seed: u64, histories: u64, file: Option<Database>) -> u64 {
    let mut history = History::new(seed, file);
    for _ in 0..histories {
        history.run();
    }
    history.trace.finish()
}

/// Every `step`th batch from `first`.
fn campaign(first: u64, step: u64) {
    let with_file = |seed: u64| (seed % 16 < 2).then(Database::new);
    if let Ok(seed) = std::env::var("HJ_SEED") {
        let seed = seed.parse().unwrap();
        if first == 0 {
            batch(seed, BATCH, with_file(seed));
        }
        return;
    }
    let batches = rounds("HJ_HISTORIES", 2_000).div_ceil(BATCH);
    for seed in (first..batches).step_by(step as usize) {
        batch(seed, BATCH, with_file(seed));
    }
}

#[test]
fn even_batches_of_histories() {
    campaign(0, 2);
}

#[test]
fn odd_batches_of_histories() {
    campaign(1, 2);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    assert_eq!(batch(4_711, 2, None), batch(4_711, 2, None));
    assert_ne!(batch(4_711, 1, None), batch(4_712, 1, None));
    // Nor does it matter where the database lives, unless it is reopened.
    let trace = |file| {
        let mut history = History::new(4_711, file);
        history.reopens = false;
        history.run();
        history.trace.finish()
    };
    assert_eq!(trace(None), trace(Some(Database::new())));
}
