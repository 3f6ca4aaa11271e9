//! What callers asked, what they were answered, and when.

use serde_json::{Value, json};

/// A call about one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    Create,
    /// With this refresh token.
    Refresh(String),
    /// Of an access token of this session.
    VerifyToken {
        session: String,
        token: String,
    },
    VerifySession(String),
    Get(String),
    Revoke(String),
    RevokeUser,
    ListActive,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Created {
        session: String,
        token: String,
        evicted: Vec<String>,
    },
    Refreshed {
        token: String,
    },
    /// The session is good.
    Valid,
    Shown {
        status: String,
        reason: Option<String>,
    },
    Done,
    Ended(u64),
    /// Newest first.
    Listed(Vec<String>),
    Refused(String),
}

/// A call with its answer; times in ns by one clock of the machine.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub caller: usize,
    pub user: usize,
    pub call: Call,
    pub answer: Answer,
    pub invoked: u64,
    pub returned: u64,
}

fn texts(values: &Value, text: impl Fn(&Value) -> String) -> Vec<String> {
    values.as_array().expect("a list").iter().map(text).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
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
        }
    }

    /// Reads what a surface answered: the value, or the code of the error.
    pub fn answer(&self, outcome: Result<&Value, &str>) -> Answer {
        let value = match outcome {
            Ok(value) => value,
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
            Call::Get(_) => Answer::Shown {
                status: text(&value["status"]),
                reason: value["end_reason"].as_str().map(str::to_owned),
            },
            Call::Revoke(_) => Answer::Done,
            Call::RevokeUser => Answer::Ended(value["revoked"].as_u64().expect("a count")),
            Call::ListActive => Answer::Listed(texts(&value["data"], |session| text(&session["id"]))),
        }
    }
}

impl Recorded {
    /// Whether the call changed nothing, whatever came before it: without it, the others have fewer orders to forbid.
    pub fn is_read(&self) -> bool {
        let reads = matches!(
            self.call,
            Call::VerifyToken { .. } | Call::VerifySession(_) | Call::Get(_) | Call::ListActive
        );
        reads || self.answer == Answer::Refused("session_revoked".to_owned())
    }

    /// A line for a reader; times in µs from `start`.
    pub fn line(&self, start: u64) -> String {
        let micros = |at: u64| (at.saturating_sub(start)) / 1_000;
        let (from, to) = (micros(self.invoked), micros(self.returned));
        format!("{from:>8} to {to:>8} µs, caller {}: {:?} -> {:?}", self.caller, self.call, self.answer)
    }
}
