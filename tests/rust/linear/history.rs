//! What callers asked, what they were answered, and when.

use std::time::Duration;

use serde_json::{Value, json};

/// A call about one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Signs the user in.
    Create,
    /// With this refresh token.
    Refresh(String),
    /// Of an access token of this session.
    VerifyToken {
        /// Its id.
        session: String,
        /// The token.
        token: String,
    },
    /// Of the session with this id.
    VerifySession(String),
    /// The session with this id.
    Get(String),
    /// The session with this id.
    Revoke(String),
    /// All of the user's.
    RevokeUser,
    /// Those of the user that are active.
    ListActive,
    /// Every session of the user, ended ones too: what a history comes to.
    ListAll,
}

/// A session as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// `active`, `revoked` or `expired`.
    pub status: String,
    /// Why it ended.
    pub reason: Option<String>,
}

/// What a call was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Signed in.
    Created {
        /// The session's id.
        session: String,
        /// Its refresh token.
        token: String,
        /// The sessions that the cap has ended.
        evicted: Vec<String>,
    },
    /// The new refresh token, or the one that was new already.
    Refreshed {
        /// The token.
        token: String,
    },
    /// The session is good.
    Valid,
    /// Of a look-up.
    Shown(Shown),
    /// Revoked, or was already.
    Done,
    /// So many sessions have ended.
    Ended(u64),
    /// Newest first.
    Listed(Vec<String>),
    /// The same with what each of them is.
    ListedAll(Vec<(String, Shown)>),
    /// The code of an error that tells what the engine has decided.
    Refused(String),
    /// The database failed (`storage_io`): the call happened, or happens later, or never.
    Unknown,
    /// The database had no time (`storage_busy`): the call did not happen.
    NotDone,
}

/// A call with its answer; times in ns by one clock of the machine.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Which caller.
    pub caller: usize,
    /// Which user it is about.
    pub user: usize,
    /// What was asked.
    pub call: Call,
    /// What was answered.
    pub answer: Answer,
    /// When it was asked.
    pub invoked: u64,
    /// When it was answered.
    pub returned: u64,
}

fn texts(values: &Value, text: impl Fn(&Value) -> String) -> Vec<String> {
    values.as_array().expect("a list").iter().map(text).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn shown(value: &Value) -> Shown {
    Shown { status: text(&value["status"]), reason: value["end_reason"].as_str().map(str::to_owned) }
}

impl Call {
    /// The operation and its arguments as every surface takes them.
    pub fn request(&self, user: &str) -> (&'static str, Value) {
        match self {
            Call::Create => ("create", json!({"user_id": user})),
            Call::Refresh(token) => ("refresh", json!({"refresh_token": token})),
            Call::VerifyToken { token, .. } => ("verify_access_token", json!({"token": token})),
            Call::VerifySession(session) => ("verify_session", json!({"session_id": session})),
            Call::Get(session) => ("get", json!({"session_id": session})),
            Call::Revoke(session) => ("revoke", json!({"session_id": session})),
            Call::RevokeUser => ("revoke_user", json!({"user_id": user})),
            Call::ListActive => ("list", json!({"user_id": user, "status": "active", "limit": 100})),
            Call::ListAll => ("list", json!({"user_id": user, "status": "all", "limit": 100})),
        }
    }

    /// Whether the call changes nothing, whatever it is answered.
    pub fn only_reads(&self) -> bool {
        use Call::{Get, ListActive, ListAll, VerifySession, VerifyToken};
        matches!(self, VerifyToken { .. } | VerifySession(_) | Get(_) | ListActive | ListAll)
    }

    /// Reads what a surface answered: the value, or the code of the error.
    pub fn answer(&self, outcome: Result<&Value, &str>) -> Answer {
        let value = match outcome {
            Ok(value) => value,
            Err("storage_io") => return Answer::Unknown,
            Err("storage_busy") => return Answer::NotDone,
            Err(code) => return Answer::Refused(code.to_owned()),
        };
        match self {
            Call::Create => Answer::Created {
                session: text(&value["session"]["id"]),
                token: text(&value["refresh_token"]),
                evicted: texts(&value["evicted"], text),
            },
            Call::Refresh(_) => Answer::Refreshed { token: text(&value["refresh_token"]) },
            Call::VerifyToken { .. } | Call::VerifySession(_) => Answer::Valid,
            Call::Get(_) => Answer::Shown(shown(value)),
            Call::Revoke(_) => Answer::Done,
            Call::RevokeUser => Answer::Ended(value["revoked"].as_u64().expect("a count")),
            Call::ListActive => Answer::Listed(texts(&value["data"], |session| text(&session["id"]))),
            Call::ListAll => {
                let all = value["data"].as_array().expect("a list").iter();
                Answer::ListedAll(all.map(|session| (text(&session["id"]), shown(session))).collect())
            }
        }
    }
}

impl Recorded {
    /// The same call by what a lease promises (`docs/POSTGRES.md`, "How fresh a verification is"): an access token that is
    /// accepted was good at some time since the lease began, at most so long before; a call that ends sessions has ended
    /// them so long before it returns.
    pub fn under_lease(mut self, lease: Duration) -> Self {
        let lease = u64::try_from(lease.as_nanos()).expect("a short time");
        let waits = match (&self.call, &self.answer) {
            (Call::Revoke(_), Answer::Done) | (Call::RevokeUser, Answer::Ended(_)) => true,
            (Call::Create, Answer::Created { evicted, .. }) => !evicted.is_empty(),
            (Call::Refresh(_), Answer::Refused(code)) => code == "refresh_token_reused",
            _ => false,
        };
        if waits {
            self.returned = self.returned.saturating_sub(lease);
        }
        if matches!((&self.call, &self.answer), (Call::VerifyToken { .. }, Answer::Valid)) {
            self.invoked = self.invoked.saturating_sub(lease);
        }
        self
    }

    /// Whether the call changed nothing, whatever came before it: without it, the others have fewer orders to forbid.
    pub fn is_read(&self) -> bool {
        self.call.only_reads() || self.answer == Answer::Refused("session_revoked".to_owned())
    }

    /// A line for a reader; times in µs from `start`.
    pub fn line(&self, start: u64) -> String {
        let micros = |at: u64| (at.saturating_sub(start)) / 1_000;
        let (from, to) = (micros(self.invoked), micros(self.returned));
        format!("{from:>8} to {to:>8} µs, caller {}: {:?} -> {:?}", self.caller, self.call, self.answer)
    }
}
