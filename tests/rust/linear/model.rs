//! One user's sessions as SPEC has them, for calls that happen one after the other while the clock stands still.

use crate::history::{Answer, Call};

/// The settings of a history.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub cap: Option<usize>,
    /// Whether a refresh token that was just rotated is answered with its successor.
    pub has_window: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Session {
    id: String,
    /// Oldest first; the last one is live.
    tokens: Vec<String>,
    end_reason: Option<&'static str>,
}

/// The sessions of a user, in the order of their ids, which is that of their age.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct UserModel(Vec<Session>);

fn refused(code: &str) -> Answer {
    Answer::Refused(code.to_owned())
}

impl UserModel {
    /// What the user's sessions are after a call with this answer; nothing if a call at this point has another answer.
    pub fn after(&self, rules: Rules, call: &Call, answer: &Answer) -> Option<UserModel> {
        let mut next = self.clone();
        let expected = match call {
            Call::Create => {
                let Answer::Created { session, token, .. } = answer else { return None };
                next.create(rules, session, token)
            }
            Call::Refresh(token) => next.refresh(rules, token, answer)?,
            Call::VerifySession(id) | Call::VerifyToken { session: id, .. } => {
                let ended = next.session(id)?.end_reason;
                if ended.is_some() { refused("session_revoked") } else { Answer::Valid }
            }
            Call::Get(id) => {
                let reason = next.session(id)?.end_reason;
                let status = if reason.is_some() { "revoked" } else { "active" };
                Answer::Shown { status: status.to_owned(), reason: reason.map(str::to_owned) }
            }
            Call::Revoke(id) => {
                next.session(id)?.end("revoked");
                Answer::Done
            }
            Call::RevokeUser => {
                let active = next.0.iter_mut().filter(|session| session.end_reason.is_none());
                Answer::Ended(active.map(|session| session.end("revoke_all")).count() as u64)
            }
            Call::ListActive => {
                Answer::Listed(next.active().rev().map(|session| session.id.clone()).collect())
            }
        };
        (expected == *answer).then_some(next)
    }

    fn session(&mut self, id: &str) -> Option<&mut Session> {
        self.0.iter_mut().find(|session| session.id == id)
    }

    fn active(&self) -> impl DoubleEndedIterator<Item = &Session> {
        self.0.iter().filter(|session| session.end_reason.is_none())
    }

    fn create(&mut self, rules: Rules, id: &str, token: &str) -> Answer {
        let excess = rules.cap.map_or(0, |cap| (self.active().count() + 1).saturating_sub(cap));
        let mut evicted = Vec::new();
        for session in self.0.iter_mut().filter(|session| session.end_reason.is_none()).take(excess) {
            session.end("max_sessions");
            evicted.push(session.id.clone());
        }
        let (session, token) = (id.to_owned(), token.to_owned());
        let position = self.0.partition_point(|other| other.id < session);
        let tokens = vec![token.clone()];
        self.0.insert(position, Session { id: session.clone(), tokens, end_reason: None });
        Answer::Created { session, token, evicted }
    }

    fn refresh(&mut self, rules: Rules, token: &str, answer: &Answer) -> Option<Answer> {
        let is_known = |new: &str| self.0.iter().any(|session| session.tokens.iter().any(|one| one == new));
        let is_new = matches!(answer, Answer::Refreshed { token } if !is_known(token));
        let (session, behind) = self.0.iter_mut().find_map(|session| {
            let position = session.tokens.iter().position(|one| one == token)?;
            let behind = session.tokens.len() - 1 - position;
            Some((session, behind))
        })?;
        if session.end_reason.is_some() {
            return Some(refused("session_revoked"));
        }
        match (behind, answer) {
            (0, Answer::Refreshed { token: successor }) if is_new => {
                session.tokens.push(successor.clone());
                Some(answer.clone())
            }
            (0, _) => None,
            (1, _) if rules.has_window => Some(Answer::Refreshed { token: session.tokens.last()?.clone() }),
            _ => {
                session.end("refresh_token_reuse");
                Some(refused("refresh_token_reused"))
            }
        }
    }
}

impl Session {
    fn end(&mut self, reason: &'static str) {
        self.end_reason.get_or_insert(reason);
    }
}
