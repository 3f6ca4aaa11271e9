//! Encodes answers as JSON: the names of SPEC 1, times in milliseconds since the epoch, absent values null. A session is an
//! array, because names take longer to write and to read than values.

use std::io::Write as _;
use std::sync::Arc;

use hellojohn::in_millis::{InMillis, SerializeInMillis};
use hellojohn::{
    Error, ErrorCode, EventPage, Grant, Page, RevokePreview, Session, SessionId, UpdatedSession,
    VerifiedAccess, VerifyError,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::json_text::{unwritable, write_json};
use crate::session_values::{numbers_of, write_texts};

pub(crate) fn encode(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| unwritable())
}

/// A record with times in milliseconds, or several.
pub(crate) fn encode_record<T: SerializeInMillis + ?Sized>(record: &T) -> Result<String, Error> {
    encode(&InMillis(record))
}

/// The members of an answer with its session before them, or null.
fn encode_with_session(session: Option<&Session>, members: &impl Serialize) -> Result<String, Error> {
    let mut text = Vec::with_capacity(SESSION_BYTES);
    text.extend_from_slice(b"{\"session\":");
    match session {
        Some(session) => write_session(&mut text, session)?,
        None => text.extend_from_slice(b"null"),
    }
    let start = text.len();
    write_json(&mut text, members)?;
    text[start] = b','; // in place of the brace
    into_text(text)
}

/// A session with its numbers in the text.
fn write_session(text: &mut Vec<u8>, session: &Session) -> Result<(), Error> {
    text.push(b'[');
    write_texts(text, session, None)?;
    for number in numbers_of(session) {
        text.push(b',');
        write_json(text, &number)?;
    }
    text.push(b']');
    Ok(())
}

fn into_text(text: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(text).map_err(|_| unwritable())
}

#[derive(Serialize)]
struct GrantJson<'a> {
    access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    expires_in: u64,
    evicted: &'a [SessionId],
}

pub(crate) fn encode_grant(grant: &Grant) -> Result<String, Error> {
    let members = GrantJson {
        access_token: grant.access_token.expose(),
        refresh_token: Some(grant.refresh_token.expose()),
        expires_in: grant.expires_in,
        evicted: &grant.evicted,
    };
    encode_with_session(Some(&grant.session), &members)
}

pub(crate) fn encode_updated(updated: &UpdatedSession) -> Result<String, Error> {
    let members = GrantJson {
        access_token: updated.access_token.expose(),
        refresh_token: None,
        expires_in: updated.expires_in,
        evicted: &[],
    };
    encode_with_session(Some(&updated.session), &members)
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

/// About what a session takes as JSON: a text that grows is copied again and again.
const SESSION_BYTES: usize = 512;

/// Those of a few lists.
const FEW_SESSIONS: usize = 40;

/// The session and the number of the validator that says whether it is fresh.
pub(crate) fn encode_session(session: &Session, number: Option<i64>) -> Result<String, Error> {
    let mut text = Vec::with_capacity(SESSION_BYTES);
    text.push(b'[');
    write_session(&mut text, session)?;
    text.push(b',');
    write_json(&mut text, &number)?;
    text.push(b']');
    into_text(text)
}

/// The sessions, the next cursor, and the number of the validator that says whether the page is fresh. Each session is a line of its
/// own, so that JavaScript need not read all of a long page in one go.
pub(crate) fn encode_page(page: &Page<Session>, number: Option<i64>) -> Result<String, Error> {
    let mut text = Vec::with_capacity(SESSION_BYTES * (page.data.len() + 1));
    text.push(b'[');
    write_sessions(&mut text, &page.data)?;
    write_page_end(&mut text, page, number)?;
    into_text(text)
}

fn write_page_end(text: &mut Vec<u8>, page: &Page<Session>, number: Option<i64>) -> Result<(), Error> {
    text.push(b',');
    write_json(text, &page.next_cursor.as_ref().map(ToString::to_string))?;
    text.push(b',');
    write_json(text, &number)?;
    text.push(b']');
    Ok(())
}

fn write_sessions(text: &mut Vec<u8>, sessions: &[Session]) -> Result<(), Error> {
    text.extend_from_slice(b"[\n");
    for (at, session) in sessions.iter().enumerate() {
        if at > 0 {
            text.extend_from_slice(b",\n");
        }
        write_session(text, session)?;
    }
    text.extend_from_slice(b"\n]");
    Ok(())
}

/// Several answers as one JSON array, whose sessions' numbers are apart from it: to read them from the text takes as long as the rest.
pub(crate) struct Answers {
    text: Vec<u8>,
    pub numbers: Vec<i32>,
}

impl Default for Answers {
    fn default() -> Self {
        Answers { text: Vec::with_capacity(FEW_SESSIONS * SESSION_BYTES), numbers: Vec::new() }
    }
}

impl Answers {
    /// What [`encode_session`] writes.
    pub(crate) fn add_session(&mut self, session: &Session, number: i64) -> Result<(), Error> {
        self.text.push(b'[');
        self.add_parts(session, None)?;
        self.text.push(b',');
        write_json(&mut self.text, &number)?;
        self.text.push(b']');
        Ok(())
    }

    /// What [`encode_page`] writes.
    pub(crate) fn add_page(&mut self, page: &Page<Session>, number: Option<i64>) -> Result<(), Error> {
        self.text.extend_from_slice(b"[[");
        let mut before = None;
        for session in &page.data {
            if before.is_some() {
                self.text.push(b',');
            }
            self.add_parts(session, before)?;
            before = Some(session);
        }
        self.text.push(b']');
        write_page_end(&mut self.text, page, number)
    }

    fn add_parts(&mut self, session: &Session, before: Option<&Session>) -> Result<(), Error> {
        self.text.push(b'[');
        write_texts(&mut self.text, session, before)?;
        self.text.push(b']');
        self.numbers.extend(numbers_of(session));
        Ok(())
    }

    /// Adds an answer, or null where `write` has none and where there is no room for so many numbers.
    pub(crate) fn add(&mut self, room: usize, write: impl FnOnce(&mut Self) -> Option<()>) {
        self.text.push(if self.text.is_empty() { b'[' } else { b',' });
        let before = (self.text.len(), self.numbers.len());
        if write(self).is_none() || self.numbers.len() > room {
            self.text.truncate(before.0);
            self.numbers.truncate(before.1);
            self.text.extend_from_slice(b"null");
        }
    }

    pub(crate) fn finish(mut self) -> Result<String, Error> {
        self.text.push(b']');
        into_text(self.text)
    }
}

pub(crate) fn encode_event_page(page: &EventPage) -> Result<String, Error> {
    encode(&json!({
        "data": InMillis(&page.data),
        "next_after": page.next_after,
        "has_more": page.has_more,
        "mark": page.mark(),
    }))
}

/// How many sessions match, a sample of them, and the plan.
pub(crate) fn encode_preview(preview: &RevokePreview) -> Result<String, Error> {
    let mut text = Vec::with_capacity(SESSION_BYTES * (preview.sample.len() + 1));
    write!(text, "{{\"count\":{},\"sample\":", preview.count).map_err(|_| unwritable())?;
    write_sessions(&mut text, &preview.sample)?;
    text.extend_from_slice(b",\"plan\":");
    write_json(&mut text, &preview.plan.to_string())?;
    text.push(b'}');
    into_text(text)
}

#[derive(Serialize)]
struct VerificationJson<'a> {
    valid: bool,
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
        Ok((session, number)) => encode_with_session(
            Some(&session),
            &VerificationJson { valid: true, payload: None, outdated: false, number, error: None },
        ),
        Err(error) => encode_refusal(error),
    }
}

pub(crate) fn encode_token_verification(
    outcome: Result<Arc<VerifiedAccess>, VerifyError>,
    number: Option<i64>,
) -> Result<String, Error> {
    match outcome {
        Ok(access) => {
            let (payload, outdated) = (Some(&access.claims.payload), access.outdated);
            let members = VerificationJson { valid: true, payload, outdated, number, error: None };
            encode_with_session(Some(&access.session), &members)
        }
        Err(error) => encode_refusal(error),
    }
}

/// A refusal of the session or token is an answer; any other error fails the call.
fn encode_refusal(VerifyError { session, error, .. }: VerifyError) -> Result<String, Error> {
    if !error.code().is_verification_refusal() {
        return Err(error);
    }
    let error = Some(ErrorJson { code: error.code().as_str(), detail: error.detail() });
    let members = VerificationJson { valid: false, payload: None, outdated: false, number: None, error };
    encode_with_session(session.as_deref(), &members)
}

/// An answer with one number.
pub(crate) fn encode_count(name: &str, count: u64) -> Result<String, Error> {
    encode(&json!({ name: count }))
}

/// The answer of a call without a value.
pub(crate) fn encode_nothing() -> Result<String, Error> {
    Ok("null".to_owned())
}
