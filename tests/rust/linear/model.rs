//! One user's sessions as SPEC has them, for calls that happen one after the other while the clock stands still.

use super::history::{Answer, Call, Shown};

/// The settings of a history.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// How many sessions of a user may be active.
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
    /// What the user's sessions may be after a call with this answer; nothing if a call at this point has another answer. A call
    /// without an answer may have made one of the `orphans`: sessions that are seen, and that no sign-in was told of.
    pub fn after(&self, rules: Rules, call: &Call, answer: &Answer, orphans: &[String]) -> Vec<UserModel> {
        match answer {
            Answer::Unknown => self.after_unknown(rules, call, orphans),
            _ => self.after_answer(rules, call, answer).into_iter().collect(),
        }
    }

    fn after_answer(&self, rules: Rules, call: &Call, answer: &Answer) -> Option<UserModel> {
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
            Call::Get(id) => Answer::Shown(next.session(id)?.shown()),
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
            Call::ListAll => {
                let all = next.0.iter().rev().map(|session| (session.id.clone(), session.shown()));
                Answer::ListedAll(all.collect())
            }
        };
        (expected == *answer).then_some(next)
    }

    /// Each way in which a call may have happened whose answer is not known.
    fn after_unknown(&self, rules: Rules, call: &Call, orphans: &[String]) -> Vec<UserModel> {
        let mut next = self.clone();
        match call {
            Call::Create => {
                let is_new = |id: &&String| self.0.iter().all(|session| session.id != **id);
                let create = |id: &String| {
                    let mut next = self.clone();
                    next.create(rules, id, &unseen_token(0));
                    next
                };
                return orphans.iter().filter(is_new).map(create).collect();
            }
            Call::Refresh(token) => {
                let Some((session, behind)) = next.session_with(token) else { return Vec::new() };
                match behind {
                    _ if session.end_reason.is_some() => return Vec::new(),
                    0 => session.tokens.push(unseen_token(session.tokens.len())),
                    1 if rules.has_window => return Vec::new(),
                    _ => session.end("refresh_token_reuse"),
                }
            }
            Call::Revoke(id) => match next.session(id) {
                Some(session) => session.end("revoked"),
                None => return Vec::new(),
            },
            Call::RevokeUser => next.0.iter_mut().for_each(|session| session.end("revoke_all")),
            _ => return Vec::new(), // a read
        }
        vec![next]
    }

    /// The session that had this refresh token, and how many it has had since.
    fn session_with(&mut self, token: &str) -> Option<(&mut Session, usize)> {
        self.0.iter_mut().find_map(|session| {
            let position = session.tokens.iter().position(|one| one == token)?;
            let behind = session.tokens.len() - 1 - position;
            Some((session, behind))
        })
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
        let (session, behind) = self.session_with(token)?;
        if session.end_reason.is_some() {
            return Some(refused("session_revoked"));
        }
        match (behind, answer) {
            (0, Answer::Refreshed { token: successor }) if is_new => {
                session.tokens.push(successor.clone());
                Some(answer.clone())
            }
            (0, _) => None,
            (1, Answer::Refreshed { token: successor })
                if rules.has_window && is_new && is_unseen(session.tokens.last()?) =>
            {
                *session.tokens.last_mut()? = successor.clone();
                Some(answer.clone())
            }
            (1, _) if rules.has_window => Some(Answer::Refreshed { token: session.tokens.last()?.clone() }),
            _ => {
                session.end("refresh_token_reuse");
                Some(refused("refresh_token_reused"))
            }
        }
    }
}

/// Stands for a refresh token that no caller was told.
fn unseen_token(number: usize) -> String {
    format!("unseen {number}")
}

fn is_unseen(token: &str) -> bool {
    token.starts_with("unseen ")
}

impl Session {
    fn shown(&self) -> Shown {
        let status = if self.end_reason.is_some() { "revoked" } else { "active" };
        Shown { status: status.to_owned(), reason: self.end_reason.map(str::to_owned) }
    }

    fn end(&mut self, reason: &'static str) {
        self.end_reason.get_or_insert(reason);
    }
}
