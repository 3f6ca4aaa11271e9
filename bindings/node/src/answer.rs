//! Answers as JSON: the names of SPEC 1, times in milliseconds since the epoch, absent values null.

use std::sync::Arc;

use hellojohn::{
    Error, ErrorCode, Grant, Page, Session, SessionId, UpdatedSession, VerifiedAccess, VerifyError,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

pub(crate) fn text(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value)
        .map_err(|_| Error::new(ErrorCode::Internal, "the answer could not be written as JSON"))
}

#[derive(Serialize)]
struct GrantJson<'a> {
    session: &'a Session,
    access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    expires_in: u64,
    evicted: &'a [SessionId],
}

pub(crate) fn grant(grant: &Grant) -> Result<String, Error> {
    text(&GrantJson {
        session: &grant.session,
        access_token: grant.access_token.expose(),
        refresh_token: Some(grant.refresh_token.expose()),
        expires_in: grant.expires_in,
        evicted: &grant.evicted,
    })
}

pub(crate) fn updated(updated: &UpdatedSession) -> Result<String, Error> {
    text(&GrantJson {
        session: &updated.session,
        access_token: updated.access_token.expose(),
        refresh_token: None,
        expires_in: updated.expires_in,
        evicted: &[],
    })
}

#[derive(Serialize)]
struct NumberedSession<'a> {
    session: &'a Session,
    number: i64,
}

pub(crate) fn session(session: &Session, number: i64) -> Result<String, Error> {
    text(&NumberedSession { session, number })
}

#[derive(Serialize)]
struct PageJson<'a> {
    data: &'a [Session],
    next_cursor: Option<String>,
}

pub(crate) fn page(page: &Page<Session>) -> Result<String, Error> {
    let next_cursor = page.next_cursor.as_ref().map(ToString::to_string);
    text(&PageJson { data: &page.data, next_cursor })
}

#[derive(Serialize)]
struct Verdict<'a> {
    valid: bool,
    session: Option<&'a Session>,
    payload: Option<&'a Map<String, Value>>,
    /// Of what this rests on.
    number: Option<i64>,
    error: Option<Reason<'a>>,
}

#[derive(Serialize)]
struct Reason<'a> {
    code: &'a str,
    detail: &'a str,
}

pub(crate) fn session_verdict(outcome: Result<(Session, i64), VerifyError>) -> Result<String, Error> {
    match outcome {
        Ok((session, number)) => text(&Verdict {
            valid: true,
            session: Some(&session),
            payload: None,
            number: Some(number),
            error: None,
        }),
        Err(refused) => refusal(refused),
    }
}

pub(crate) fn access_verdict(
    outcome: Result<Arc<VerifiedAccess>, VerifyError>,
    number: Option<i64>,
) -> Result<String, Error> {
    match outcome {
        Ok(access) => text(&Verdict {
            valid: true,
            session: Some(&access.session),
            payload: Some(&access.claims.payload),
            number,
            error: None,
        }),
        Err(refused) => refusal(refused),
    }
}

/// What is known about the session or token is an answer; not being able to know is an error.
fn refusal(refused: VerifyError) -> Result<String, Error> {
    match refused.error.code() {
        ErrorCode::MissingToken
        | ErrorCode::InvalidToken
        | ErrorCode::TokenExpired
        | ErrorCode::SessionExpired
        | ErrorCode::SessionRevoked
        | ErrorCode::SessionNotFound => text(&Verdict {
            valid: false,
            session: refused.session.as_deref(),
            payload: None,
            number: None,
            error: Some(Reason { code: refused.error.code().as_str(), detail: refused.error.detail() }),
        }),
        _ => Err(refused.error),
    }
}

/// An answer of one number.
pub(crate) fn count(name: &str, count: u64) -> Result<String, Error> {
    text(&json!({ name: count }))
}

/// The answer of a call that has nothing to say.
pub(crate) fn nothing() -> Result<String, Error> {
    Ok("null".to_owned())
}
