//! The whole engine as plain lists, written from SPEC: what every call must answer. It learns from the engine only what
//! the text of SPEC does not determine: ids, tokens, kids.

use hellojohn::{EndReason, ErrorCode, EventType, KeyId, KeyState, SessionId, Status};
use serde_json::Value;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::answers::Granted;
use super::event_log::EventLog;
use super::view::{Shown, View};

/// The settings that histories change; times in ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    pub session_duration: i64,
    pub access_token_ttl: i64,
    /// As the default is, `1h`, and not in seconds, as histories write it. A setting keeps its unit, so that `3600` changes it.
    pub has_ttl_in_hours: bool,
    pub idle_timeout: Option<i64>,
    pub cap: Option<usize>,
    pub reuse_window: i64,
    /// Whether events are recorded.
    pub has_events: bool,
}

impl Settings {
    /// How the settings of the store, in JSON, differ, if they do.
    pub fn difference(&self, config: &Value) -> Option<String> {
        let ms = |name: &str| match config[name].as_str()? {
            // No duration elsewhere.
            "0s" => Some(0),
            text => Some(text.parse::<hellojohn::Duration>().expect("a duration").as_secs() as i64 * 1_000),
        };
        let found = Settings {
            session_duration: ms("session_duration").expect("a duration"),
            access_token_ttl: ms("access_token_ttl").expect("a duration"),
            has_ttl_in_hours: config["access_token_ttl"].as_str().is_some_and(|text| text.ends_with('h')),
            idle_timeout: ms("idle_timeout"),
            cap: config["max_sessions_per_user"].as_u64().map(|cap| cap as usize),
            reuse_window: ms("refresh_reuse_window").expect("a duration"),
            has_events: !config["event_retention"].is_null(),
        };
        (found != *self).then(|| format!("{found:?}, expected {self:?}"))
    }

    /// What is probably not meant (SPEC 19).
    pub fn warnings(&self) -> Value {
        let is_short = self.idle_timeout.is_some_and(|idle| idle < 2 * self.access_token_ttl);
        is_short.then_some("idle_timeout_below_two_access_tokens").into_iter().collect()
    }
}

pub const DEFAULTS: Settings = Settings {
    session_duration: 30 * 86_400_000,
    access_token_ttl: 3_600_000,
    has_ttl_in_hours: true,
    idle_timeout: None,
    cap: None,
    reuse_window: 10_000,
    has_events: false,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub at: i64,
    pub reason: EndReason,
}

/// An access token that was handed out.
#[derive(Debug, Clone)]
pub struct AccessTokenModel {
    pub text: String,
    pub session: usize,
    pub exp: i64,
    pub kid: String,
}

#[derive(Debug, Clone)]
pub struct SessionModel {
    pub id: SessionId,
    pub user: usize,
    pub created: i64,
    pub active: i64,
    pub expires: i64,
    /// Whether another person acts for the user: for an hour at most, and no cap knows it (SPEC 21).
    pub is_acted: bool,
    /// Whether its first token is a credential of another system.
    pub is_imported: bool,
    pub ended: Option<End>,
    /// Some answer has said that it is over.
    pub was_reported_ended: bool,
    /// All refresh tokens, oldest first; the last one is live. Empty where a disk that failed has kept one from its caller.
    pub tokens: Vec<String>,
    pub replays: u32,
    /// How many access tokens were issued to it.
    pub issued: u32,
    pub access_exp: i64,
    /// Empty like a refresh token.
    pub access_text: String,
    /// The key that signed it.
    pub access_kid: String,
    pub country: Option<&'static str>,
    pub sign_in_ip: Option<&'static str>,
    pub role: Option<String>,
    pub mfa: bool,
    pub ip: Option<String>,
    pub purged: bool,
}

#[derive(Debug, Clone)]
pub struct KeyModel {
    pub kid: KeyId,
    pub state: KeyState,
    /// The moment by which everything that it can have signed is dead.
    pub dead_at: i64,
}

/// What a sign-in says of itself.
#[derive(Debug, Clone, Copy)]
pub struct SignIn {
    pub user: usize,
    /// In ms.
    pub duration: Option<i64>,
    pub is_acted: bool,
    pub country: Option<&'static str>,
    pub ip: Option<&'static str>,
}

/// A rule that a test makes wrong, to see what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// The cap admits one session more.
    Cap,
    /// A former token is never answered again.
    Replay,
    /// What a failed sync has left never comes back.
    FailedSync,
    /// A browser keeps the cookie of a session that has ended.
    DeadCookie,
    /// A user sees the sessions of all users.
    OwnSessions,
    /// A request of another site's page signs out by the cookie.
    ForeignPage,
    /// A failure of the storage is a refusal of the session, to clients of REST.
    StorageRefusal,
}

#[derive(Debug, Clone)]
pub struct TenantModel {
    pub settings: Settings,
    pub sessions: Vec<SessionModel>,
    pub accesses: Vec<AccessTokenModel>,
    pub keys: Vec<KeyModel>,
    pub log: EventLog,
}

#[derive(Debug, Clone)]
pub struct Model {
    /// How many sessions the engine ends row by row. The answers do not depend on it, but for how many evicted sessions a
    /// sign-in names.
    pub direct_ends_max: usize,
    /// The hand of the clock.
    pub clock: i64,
    /// The engine's now, as of the last call that touched the database.
    pub now: i64,
    /// A sync has failed: nothing is written any more.
    pub refuses_writes: bool,
    /// Whether the database may or may not have the retirement, by a call whose sync failed, of a key that had already retired by itself.
    /// What tokens of such keys are refused with tells, and so would lowering the clock mark, which is not done then.
    pub has_doubtful_key: bool,
    pub mistake: Option<Mistake>,
    pub tenants: Vec<TenantModel>,
}

/// What presenting a refresh token must do (SPEC 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshOutcome {
    Refuses(ErrorCode),
    Rotates,
    Replays,
}

fn whole_seconds(ms: i64) -> i64 {
    ms.div_euclid(1_000) * 1_000
}

/// The error for an ended session (SPEC 9).
pub fn error_of(ended: End) -> ErrorCode {
    match ended.reason {
        EndReason::Expired | EndReason::IdleTimeout => ErrorCode::SessionExpired,
        _ => ErrorCode::SessionRevoked,
    }
}

fn kid_of(token: &str) -> String {
    let header = token.split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

impl Model {
    /// A call that reaches the database makes it see the clock.
    pub fn see_clock(&mut self) {
        self.now = self.now.max(self.clock);
    }

    /// SPEC 2.
    pub fn end_of(&self, tenant_index: usize, session_index: usize) -> Option<End> {
        let tenant = &self.tenants[tenant_index];
        let session = &tenant.sessions[session_index];
        let idle = tenant.settings.idle_timeout.map(|idle| session.active + idle);
        if session.ended.is_some() {
            session.ended
        } else if let Some(at) = idle.filter(|at| *at < session.expires && self.now > *at) {
            Some(End { at, reason: EndReason::IdleTimeout })
        } else if self.now >= session.expires {
            Some(End { at: session.expires, reason: EndReason::Expired })
        } else {
            None
        }
    }

    pub fn is_active(&self, tenant_index: usize, session_index: usize) -> bool {
        !self.tenants[tenant_index].sessions[session_index].purged
            && self.end_of(tenant_index, session_index).is_none()
    }

    fn end(&mut self, tenant_index: usize, session_index: usize, reason: EndReason) {
        let at = self.now;
        let ended = self.end_of(tenant_index, session_index).unwrap_or(End { at, reason });
        self.tenants[tenant_index].sessions[session_index].ended = Some(ended);
    }

    /// What ended by the clock is final from now on, whatever becomes of clock and settings.
    pub fn keep_ends(&mut self, tenant_index: usize) {
        for session_index in 0..self.tenants[tenant_index].sessions.len() {
            self.keep_end(tenant_index, session_index);
        }
    }

    pub fn keep_end(&mut self, tenant_index: usize, session_index: usize) {
        let ended = self.end_of(tenant_index, session_index);
        self.tenants[tenant_index].sessions[session_index].ended = ended;
    }

    /// Sessions that exist, newest first.
    pub fn newest_first(&self, tenant_index: usize) -> Vec<usize> {
        let sessions = &self.tenants[tenant_index].sessions;
        let mut there: Vec<usize> =
            (0..sessions.len()).filter(|session_index| !sessions[*session_index].purged).collect();
        there.sort_by_key(|session_index| {
            std::cmp::Reverse((sessions[*session_index].created, sessions[*session_index].id))
        });
        there
    }

    /// Ends the active ones among these; how many.
    pub fn end_all(
        &mut self,
        tenant_index: usize,
        which: impl Fn(&SessionModel) -> bool,
        reason: EndReason,
    ) -> u64 {
        let mut count = 0;
        for session_index in 0..self.tenants[tenant_index].sessions.len() {
            if which(&self.tenants[tenant_index].sessions[session_index])
                && self.is_active(tenant_index, session_index)
            {
                self.end(tenant_index, session_index, reason);
                count += 1;
            }
        }
        count
    }

    /// The session as every answer must show it.
    pub fn view(&self, tenant_index: usize, session_index: usize) -> View {
        let ended = self.end_of(tenant_index, session_index);
        let known = &self.tenants[tenant_index].sessions[session_index];
        let status = match ended.map(|ended| ended.reason) {
            None => Status::Active,
            Some(EndReason::Expired) => Status::Expired,
            Some(_) => Status::Revoked,
        };
        View {
            id: known.id,
            user: format!("u{}", known.user),
            tenant: format!("tnt_{tenant_index}"),
            status,
            end_reason: ended.map(|ended| ended.reason),
            revoked_at: ended.filter(|_| status == Status::Revoked).map(|ended| ended.at),
            created: known.created,
            active: known.active,
            expires: known.expires,
            access_expires: known.access_exp,
            role: known.role.clone(),
            mfa: known.mfa,
            is_acted: known.is_acted,
            country: known.country.map(str::to_owned),
            ip: known.sign_in_ip.map(str::to_owned),
            last_ip: known.ip.clone(),
        }
    }

    /// Requires that an answer shows the session as it is.
    pub fn check_session(&mut self, tenant_index: usize, session_index: usize, shown: &Shown) {
        let is_over = self.end_of(tenant_index, session_index).is_some();
        let known = &mut self.tenants[tenant_index].sessions[session_index];
        known.was_reported_ended |= is_over;
        assert!(known.access_exp <= known.expires, "an access token outlives its session");
        shown.require(self.view(tenant_index, session_index), session_index);
    }

    /// When an access token ends that is issued now.
    fn latest_access_exp(&self, tenant_index: usize, session_index: usize) -> i64 {
        let tenant = &self.tenants[tenant_index];
        whole_seconds(
            (self.now + tenant.settings.access_token_ttl).min(tenant.sessions[session_index].expires),
        )
    }

    /// The active key signs an access token; its text is learned from the answer.
    pub fn issue(&mut self, tenant_index: usize, session_index: usize) {
        let (latest, kid) =
            (self.latest_access_exp(tenant_index, session_index), self.active_kid(tenant_index));
        let session = &mut self.tenants[tenant_index].sessions[session_index];
        session.issued += 1;
        session.access_exp = latest;
        session.access_kid = kid;
        session.access_text.clear();
    }

    /// Learns the access token of an answer.
    fn learn_access_token(
        &mut self,
        tenant_index: usize,
        session_index: usize,
        granted: &Granted,
        is_new: bool,
    ) {
        let (text, expires_in) = (granted.access_token.clone(), granted.expires_in);
        let kid = kid_of(&text);
        let (active, now) = (self.active_kid(tenant_index), self.now);
        let session = &mut self.tenants[tenant_index].sessions[session_index];
        assert_eq!(granted.id, session.id);
        assert_eq!(expires_in as i64 * 1_000, (session.access_exp - whole_seconds(now)).max(0));
        if let Some([age, access_age]) = granted.cookie_ages {
            let left = (whole_seconds(session.expires) - whole_seconds(now)) / 1_000;
            assert!(access_age == expires_in as i64, "the access cookie lives as long as its token");
            // Beside a token that has expired its end counts as now.
            assert!(age == left || expires_in == 0 && age > left, "{age} s, and not {left}");
        }
        session.access_text.clone_from(&text);
        session.access_kid.clone_from(&kid);
        let exp = session.access_exp;
        if is_new {
            assert!(!self.refuses_writes, "a token that no database will know");
            assert_eq!(kid, active, "only the active key signs");
            let newest = self.tenants[tenant_index].accesses.iter().rev().take(8);
            assert!(newest.map(|access| &access.text).all(|other| *other != text), "the same token again");
        }
        self.tenants[tenant_index].accesses.push(AccessTokenModel { text, session: session_index, exp, kid });
    }

    pub fn active_kid(&self, tenant_index: usize) -> String {
        let keys = &self.tenants[tenant_index].keys;
        keys.iter().find(|key| key.state == KeyState::Active).unwrap().kid.to_string()
    }

    /// A sign-in and the cap (SPEC 4).
    pub fn apply_create(&mut self, tenant_index: usize, sign_in: SignIn, grant: &Granted) {
        let evicted = self.evict(tenant_index, sign_in);
        let unnamed = evicted.len().saturating_sub(self.direct_ends_max.max(1));
        if let Some(named) = &grant.evicted {
            assert_eq!(*named, evicted[unnamed..]);
            for session in &mut self.tenants[tenant_index].sessions {
                session.was_reported_ended |= evicted.contains(&session.id);
            }
        }
        let token = grant.refresh_token.clone().expect("a refresh token");
        let session_index = self.add_session(tenant_index, sign_in, grant.id, token);
        self.learn_access_token(tenant_index, session_index, grant, true);
        let shown = grant.session.as_ref().expect("a sign-in shows its session");
        self.check_session(tenant_index, session_index, shown);
    }

    /// The sessions that the cap ends for a sign-in, oldest first.
    pub fn evict(&mut self, tenant_index: usize, sign_in: SignIn) -> Vec<SessionId> {
        let mut oldest_first = self.newest_first(tenant_index);
        oldest_first.reverse();
        oldest_first.retain(|session_index| {
            let session = &self.tenants[tenant_index].sessions[*session_index];
            session.user == sign_in.user && !session.is_acted && self.is_active(tenant_index, *session_index)
        });
        let Some(cap) = self.tenants[tenant_index].settings.cap.filter(|_| !sign_in.is_acted) else {
            return Vec::new();
        };
        let cap = cap + usize::from(self.mistake == Some(Mistake::Cap));
        let mut evicted = Vec::new();
        while oldest_first.len() + 1 > cap {
            let session_index = oldest_first.remove(0);
            self.end(tenant_index, session_index, EndReason::MaxSessions);
            evicted.push(self.tenants[tenant_index].sessions[session_index].id);
        }
        evicted
    }

    pub fn position_of(&self, tenant_index: usize, id: SessionId) -> Option<usize> {
        self.tenants[tenant_index].sessions.iter().position(|session| session.id == id)
    }

    /// A session that signs in now; its position.
    pub fn add_session(
        &mut self,
        tenant_index: usize,
        sign_in: SignIn,
        id: SessionId,
        token: String,
    ) -> usize {
        for tenant in &self.tenants {
            assert!(tenant.sessions.iter().all(|session| session.id != id), "an id was minted twice");
        }
        let usual = self.tenants[tenant_index].settings.session_duration;
        let usual = if sign_in.is_acted { usual.min(3_600_000) } else { usual };
        self.tenants[tenant_index].sessions.push(SessionModel {
            id,
            user: sign_in.user,
            created: self.now,
            active: self.now,
            expires: self.now + sign_in.duration.unwrap_or(usual),
            is_acted: sign_in.is_acted,
            is_imported: false,
            ended: None,
            was_reported_ended: false,
            tokens: vec![token],
            replays: 0,
            issued: 0,
            access_exp: 0,
            access_text: String::new(),
            access_kid: String::new(),
            country: sign_in.country,
            sign_in_ip: sign_in.ip,
            role: None,
            mfa: false,
            ip: sign_in.ip.map(str::to_owned),
            purged: false,
        });
        let session_index = self.tenants[tenant_index].sessions.len() - 1;
        self.issue(tenant_index, session_index);
        self.tell(tenant_index, EventType::SessionCreated, Some(id));
        session_index
    }

    /// SPEC 3 for a genuine token of this tenant.
    pub fn expected_refresh(
        &self,
        tenant_index: usize,
        session_index: usize,
        generation: usize,
    ) -> RefreshOutcome {
        let session = &self.tenants[tenant_index].sessions[session_index];
        if session.purged {
            return RefreshOutcome::Refuses(ErrorCode::RefreshTokenInvalid);
        }
        if let Some(ended) = self.end_of(tenant_index, session_index) {
            return RefreshOutcome::Refuses(error_of(ended));
        }
        let (window, since) = (self.tenants[tenant_index].settings.reuse_window, self.now - session.active);
        let behind = session.tokens.len() - 1 - generation;
        match behind {
            0 => RefreshOutcome::Rotates,
            1 if self.mistake == Some(Mistake::Replay) => {
                RefreshOutcome::Refuses(ErrorCode::RefreshTokenReused)
            }
            1 if window > 0 && (0..=window).contains(&since) && session.replays < 100 => {
                RefreshOutcome::Replays
            }
            _ => RefreshOutcome::Refuses(ErrorCode::RefreshTokenReused),
        }
    }

    /// The effect of a refusal.
    pub fn apply_refusal(&mut self, tenant_index: usize, session_index: usize, code: ErrorCode) {
        if code == ErrorCode::RefreshTokenReused {
            self.end(tenant_index, session_index, EndReason::RefreshTokenReuse);
        }
        self.tenants[tenant_index].sessions[session_index].was_reported_ended = true;
    }

    pub fn apply_refresh(
        &mut self,
        tenant_index: usize,
        session_index: usize,
        outcome: RefreshOutcome,
        ip: Option<&str>,
        grant: &Granted,
    ) {
        assert!(grant.evicted.as_ref().is_none_or(Vec::is_empty));
        let token = grant.refresh_token.clone().expect("a refresh token");
        let recorded = self.tenants[tenant_index].sessions[session_index].access_exp;
        if outcome == RefreshOutcome::Replays {
            let session = &mut self.tenants[tenant_index].sessions[session_index];
            session.replays += 1;
            // A client whose answer was lost learns it here.
            let live = session.tokens.last_mut().unwrap();
            if live.is_empty() {
                live.clone_from(&token);
            }
            assert_eq!(token, *live, "two live tokens");
            let (text, kid) = (session.access_text.clone(), session.access_kid.clone());
            if self.key_is_gone(tenant_index, &kid) {
                // The active key signs for no longer than it does today; the record keeps the end that it has.
                let latest = self.latest_access_exp(tenant_index, session_index);
                let session = &mut self.tenants[tenant_index].sessions[session_index];
                session.access_exp = session.access_exp.min(latest);
            } else if !text.is_empty() {
                assert_eq!(grant.access_token, text);
            }
        } else {
            self.rotate(tenant_index, session_index, ip, token);
        }
        self.learn_access_token(tenant_index, session_index, grant, outcome == RefreshOutcome::Rotates);
        if let Some(shown) = &grant.session {
            self.check_session(tenant_index, session_index, shown);
        }
        if outcome == RefreshOutcome::Replays {
            self.tenants[tenant_index].sessions[session_index].access_exp = recorded;
        }
    }

    /// The next refresh token of a session.
    pub fn rotate(&mut self, tenant_index: usize, session_index: usize, ip: Option<&str>, token: String) {
        let now = self.now;
        let session = &mut self.tenants[tenant_index].sessions[session_index];
        session.active = now;
        session.replays = 0;
        if let Some(ip) = ip {
            session.ip = Some(ip.to_owned());
        }
        assert!(token.is_empty() || !session.tokens.contains(&token));
        session.tokens.push(token);
        let adopted = (session.is_imported && session.tokens.len() == 2).then_some(session.id);
        self.issue(tenant_index, session_index);
        if adopted.is_some() {
            self.tell(tenant_index, EventType::SessionAdopted, adopted);
        }
    }

    /// What an update does besides the identity.
    pub fn issue_update(&mut self, tenant_index: usize, session_index: usize) {
        self.issue(tenant_index, session_index);
        let id = self.tenants[tenant_index].sessions[session_index].id;
        self.tell(tenant_index, EventType::SessionUpdated, Some(id));
    }

    pub fn apply_update(&mut self, tenant_index: usize, session_index: usize, answer: &Granted) {
        self.issue_update(tenant_index, session_index);
        self.learn_access_token(tenant_index, session_index, answer, true);
        let shown = answer.session.as_ref().expect("an update shows its session");
        self.check_session(tenant_index, session_index, shown);
    }

    pub fn key_is_gone(&self, tenant_index: usize, kid: &str) -> bool {
        self.key_of_token(tenant_index, kid).is_none_or(|key| key.state == KeyState::Retired)
    }

    fn key_of_token(&self, tenant_index: usize, kid: &str) -> Option<&KeyModel> {
        self.tenants[tenant_index].keys.iter().find(|key| key.kid.to_string() == kid)
    }

    /// Whether only the database knows if a call has retired the key, which had retired by itself.
    fn key_is_doubtful(&self, tenant_index: usize, kid: &str) -> bool {
        let key = self.key_of_token(tenant_index, kid);
        self.has_doubtful_key && key.is_some_and(|key| self.state_of(key) == KeyState::Retired)
    }

    /// The codes that verifying this token locally may answer with; none when it is good.
    pub fn local_refusals(&self, tenant_index: usize, access: &AccessTokenModel) -> &'static [ErrorCode] {
        let has_expired = self.now.max(self.clock) >= access.exp;
        match (has_expired, self.key_is_gone(tenant_index, &access.kid)) {
            (false, false) => &[],
            (true, false) if !self.key_is_doubtful(tenant_index, &access.kid) => &[ErrorCode::TokenExpired],
            (false, true) => &[ErrorCode::InvalidToken],
            (true, _) => &[ErrorCode::TokenExpired, ErrorCode::InvalidToken],
        }
    }
}
