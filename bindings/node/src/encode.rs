//! Encodes answers as JSON: the names of SPEC 1, times in milliseconds since the epoch, absent values null. A session is an
//! array, because names take longer to write and to read than values.

use std::sync::Arc;

use hellojohn::in_millis::{InMillis, SerializeInMillis};
use hellojohn::{
    Error, ErrorCode, EventPage, Grant, Page, RevokePreview, Session, SessionId, UpdatedSession,
    VerifiedAccess, VerifyError,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::session_values::SessionValues;

pub(crate) fn encode(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| unwritable())
}

fn unwritable() -> Error {
    Error::new(ErrorCode::Internal, "the answer could not be written as JSON")
}

/// A record with times in milliseconds, or several.
pub(crate) fn encode_record<T: SerializeInMillis + ?Sized>(record: &T) -> Result<String, Error> {
    encode(&InMillis(record))
}

#[derive(Serialize)]
struct GrantJson<'a> {
    session: SessionValues<'a>,
    access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    expires_in: u64,
    evicted: &'a [SessionId],
}

pub(crate) fn encode_grant(grant: &Grant) -> Result<String, Error> {
    encode(&GrantJson {
        session: SessionValues(&grant.session),
        access_token: grant.access_token.expose(),
        refresh_token: Some(grant.refresh_token.expose()),
        expires_in: grant.expires_in,
        evicted: &grant.evicted,
    })
}

pub(crate) fn encode_updated(updated: &UpdatedSession) -> Result<String, Error> {
    encode(&GrantJson {
        session: SessionValues(&updated.session),
        access_token: updated.access_token.expose(),
        refresh_token: None,
        expires_in: updated.expires_in,
        evicted: &[],
    })
}

/// The refusal of a sign-in as an answer, because it says more than an error can: `{refused: {code, detail, retry_after}}`.
/// Any other error stays one.
pub(crate) fn encode_sign_in_refusal(error: Error) -> Result<String, Error> {
    match error.code() {
        ErrorCode::TooManyRequests | ErrorCode::InvalidCredentials => encode(&json!({"refused": {
            "code": error.code().as_str(),
            "detail": error.detail(),
            "retry_after": error.retry_after_secs(),
        }})),
        _ => Err(error),
    }
}

/// The session and the number of the validator that says whether it is fresh.
pub(crate) fn write_session(
    text: &mut Vec<u8>,
    session: &Session,
    number: Option<i64>,
) -> Result<(), Error> {
    write(text, &(SessionValues(session), number))
}

pub(crate) fn encode_session(session: &Session, number: Option<i64>) -> Result<String, Error> {
    encode(&(SessionValues(session), number))
}

/// The sessions, the next cursor, and the number of the validator that says whether the page is fresh.
pub(crate) fn write_page(text: &mut Vec<u8>, page: &Page<Session>, number: Option<i64>) -> Result<(), Error> {
    for (at, session) in page.data.iter().enumerate() {
        // A line for each session, so that JavaScript need not read all of a long page in one go.
        text.extend_from_slice(if at == 0 { b"[[\n" } else { b",\n" });
        write(text, &SessionValues(session))?;
    }
    text.extend_from_slice(if page.data.is_empty() { b"[[\n\n]," } else { b"\n]," });
    write(text, &page.next_cursor.as_ref().map(ToString::to_string))?;
    text.push(b',');
    write(text, &number)?;
    text.push(b']');
    Ok(())
}

/// About what a session takes as JSON: a text that grows is copied again and again.
pub(crate) const SESSION_BYTES: usize = 512;

pub(crate) fn encode_page(page: &Page<Session>, number: Option<i64>) -> Result<String, Error> {
    let mut text = Vec::with_capacity(SESSION_BYTES * (page.data.len() + 1));
    write_page(&mut text, page, number)?;
    String::from_utf8(text).map_err(|_| unwritable())
}

fn write(text: &mut Vec<u8>, value: &impl Serialize) -> Result<(), Error> {
    serde_json::to_writer(text, value).map_err(|_| unwritable())
}

pub(crate) fn encode_event_page(page: &EventPage) -> Result<String, Error> {
    encode(&json!({
        "data": InMillis(&page.data),
        "next_after": page.next_after,
        "has_more": page.has_more,
        "mark": page.mark(),
    }))
}

#[derive(Serialize)]
struct PreviewJson<'a> {
    count: u64,
    sample: Vec<SessionValues<'a>>,
    plan: String,
}

pub(crate) fn encode_preview(preview: &RevokePreview) -> Result<String, Error> {
    encode(&PreviewJson {
        count: preview.count,
        sample: preview.sample.iter().map(SessionValues).collect(),
        plan: preview.plan.to_string(),
    })
}

#[derive(Serialize)]
struct VerificationJson<'a> {
    valid: bool,
    session: Option<SessionValues<'a>>,
    payload: Option<&'a Map<String, Value>>,
    outdated: bool,
    /// Of the validator that says whether this answer is fresh.
    number: Option<i64>,
    error: Option<ErrorJson<'a>>,
}

#[derive(Serialize)]
struct ErrorJson<'a> {
    code: &'a str,
    detail: &'a str,
}

pub(crate) fn encode_session_verification(
    outcome: Result<(Session, Option<i64>), VerifyError>,
) -> Result<String, Error> {
    match outcome {
        Ok((session, number)) => encode(&VerificationJson {
            valid: true,
            session: Some(SessionValues(&session)),
            payload: None,
            outdated: false,
            number,
            error: None,
        }),
        Err(error) => encode_refusal(error),
    }
}

pub(crate) fn encode_token_verification(
    outcome: Result<Arc<VerifiedAccess>, VerifyError>,
    number: Option<i64>,
) -> Result<String, Error> {
    match outcome {
        Ok(access) => encode(&VerificationJson {
            valid: true,
            session: Some(SessionValues(&access.session)),
            payload: Some(&access.claims.payload),
            outdated: access.outdated,
            number,
            error: None,
        }),
        Err(error) => encode_refusal(error),
    }
}

/// A refusal of the session or token is an answer; any other error fails the call.
fn encode_refusal(VerifyError { session, error, .. }: VerifyError) -> Result<String, Error> {
    if !error.code().is_verification_refusal() {
        return Err(error);
    }
    encode(&VerificationJson {
        valid: false,
        session: session.as_deref().map(SessionValues),
        payload: None,
        outdated: false,
        number: None,
        error: Some(ErrorJson { code: error.code().as_str(), detail: error.detail() }),
    })
}

/// An answer with one number.
pub(crate) fn encode_count(name: &str, count: u64) -> Result<String, Error> {
    encode(&json!({ name: count }))
}

/// The answer of a call without a value.
pub(crate) fn encode_nothing() -> Result<String, Error> {
    Ok("null".to_owned())
}
