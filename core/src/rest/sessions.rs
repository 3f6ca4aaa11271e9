//! `/v1/sessions`: listing, reading, revoking, verifying.

use serde_json::{Map, Value, json};

use super::auth::Caller;
use super::percent;
use super::request::{Call, Query, reject_unknown_members, take_text};
use super::response::Answer;
use super::time::rfc3339;
use crate::clock::Timestamp;
use crate::engine::{ListQuery, Tenant, VerifiedAccess};
use crate::error::{Error, ErrorCode};
use crate::model::id::{SessionId, UserId};
use crate::model::page::Limit;
use crate::model::session::Session;

/// A session with times as REST writes them; for a user also whether it is the one that asks.
pub(super) fn session_json(session: &Session, caller: &Caller) -> Result<Value, Error> {
    let unwritable = |_| Error::new(ErrorCode::Internal, "a session could not be written as JSON");
    let mut value = serde_json::to_value(session).map_err(unwritable)?;
    let time = |at: Timestamp| Value::from(rfc3339(at));
    value["created_at"] = time(session.created_at);
    value["last_active_at"] = time(session.last_active_at);
    value["expires_at"] = time(session.expires_at);
    value["access_expires_at"] = time(session.access_expires_at);
    value["revoked_at"] = session.revoked_at.map_or(Value::Null, time);
    if let Caller::User(own) = caller {
        value["current"] = Value::from(own.session.id == session.id);
    }
    Ok(value)
}

/// SessionScope sessions a request is about: a user's own, or those that the secret key's holder names.
fn whose(caller: &Caller, query: &Query) -> Result<Option<UserId>, Error> {
    let named = query.parsed::<UserId>("user_id")?;
    match caller {
        Caller::User(own) if named.as_ref().is_none_or(|named| *named == own.session.user_id) => {
            Ok(Some(own.session.user_id.clone()))
        }
        Caller::User(_) => Err(Error::new(
            ErrorCode::InsufficientPermissions,
            "an access token is good for its own user's sessions only",
        )),
        Caller::SecretKey | Caller::Anybody => Ok(named),
    }
}

fn limit(text: &str) -> Result<Limit, Error> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::validation("limit", "must be a whole number of at least 1"));
    }
    Limit::new(text.parse().unwrap_or(i64::MAX)) // more digits than fit are clamped like any other large number
}

pub(super) fn list(tenant: &Tenant, caller: &Caller, query: &Query) -> Result<Answer, Error> {
    let list = ListQuery {
        user_id: whose(caller, query)?,
        status: query.parsed("status")?.unwrap_or_default(),
        limit: query.text("limit").map(limit).transpose()?.unwrap_or_default(),
        cursor: query.parsed("cursor")?,
    };
    let page = tenant.list(&list)?;
    let data: Vec<Value> =
        page.data.iter().map(|session| session_json(session, caller)).collect::<Result<_, _>>()?;
    Ok(Answer::ok(json!({
        "data": data,
        "pagination": {
            "limit": list.limit.get(),
            "has_more": page.next_cursor.is_some(),
            "next_cursor": page.next_cursor.map(|cursor| cursor.to_string()),
        },
    })))
}

/// The session that the path names, if the caller may know of it.
fn named(tenant: &Tenant, caller: &Caller, call: &Call<'_>) -> Result<Session, Error> {
    let unknown = || Error::new(ErrorCode::SessionNotFound, "no such session");
    let id: SessionId = percent::decode(call.id).ok_or_else(unknown)?.parse()?;
    let session = tenant.get(id)?;
    match caller {
        Caller::User(own) if own.session.user_id != session.user_id => Err(unknown()),
        _ => Ok(session),
    }
}

pub(super) fn read(tenant: &Tenant, caller: &Caller, call: &Call<'_>) -> Result<Answer, Error> {
    let session = named(tenant, caller, call)?;
    Ok(Answer::ok(session_json(&session, caller)?))
}

pub(super) fn revoke(tenant: &Tenant, caller: &Caller, call: &Call<'_>) -> Result<Answer, Error> {
    tenant.revoke(named(tenant, caller, call)?.id)?;
    Ok(Answer::no_content())
}

pub(super) fn revoke_many(tenant: &Tenant, caller: &Caller, query: &Query) -> Result<Answer, Error> {
    let whose = whose(caller, query)?;
    let except = match (query.text("except"), caller) {
        (None, _) => None,
        (Some("current"), Caller::User(own)) => Some(own.session.id),
        (Some(_), Caller::User(_)) => return Err(Error::validation("except", "must be current")),
        (Some(_), _) => return Err(Error::validation("except", "needs an access token: it has a session")),
    };
    let revoked = match whose {
        Some(user) => tenant.revoke_user(&user, except)?,
        None => tenant.revoke_tenant()?,
    };
    Ok(Answer::ok(json!({ "revoked": revoked })))
}

/// Verifies a token or a session id against the store. That something did not verify is an answer, not an error; that
/// the store could not say is.
pub(super) fn verify(tenant: &Tenant, mut body: Map<String, Value>) -> Result<Answer, Error> {
    let (token, id) = (take_text(&mut body, "token")?, take_text(&mut body, "session_id")?);
    reject_unknown_members(&body)?;
    let verified = match (token.as_deref(), id.as_deref()) {
        (Some(""), None) => return Err(Error::validation("token", "must not be empty")),
        (None, Some("")) => return Err(Error::validation("session_id", "must not be empty")),
        (Some(token), None) => {
            tenant.verify_access_token(token).map(|verified| of_token(&verified)).map_err(Error::from)
        }
        (None, Some(id)) => id.parse().and_then(|id| Ok(of_session(&tenant.verify_session(id)?))),
        _ => return Err(Error::validation("token", "exactly one of token and session_id is required")),
    };
    match verified {
        Ok(valid) => Ok(Answer::ok(valid)),
        Err(error) => match error.code() {
            ErrorCode::InvalidToken
            | ErrorCode::TokenExpired
            | ErrorCode::SessionNotFound
            | ErrorCode::SessionRevoked
            | ErrorCode::SessionExpired => Ok(Answer::ok(json!({
                "valid": false,
                "error": {"code": error.code().as_str(), "message": error.detail()},
            }))),
            _ => Err(error),
        },
    }
}

/// What the token says, as it was when it was issued.
fn of_token(verified: &VerifiedAccess) -> Value {
    let claims = &verified.claims;
    json!({
        "valid": true,
        "session_id": claims.session_id,
        "user_id": claims.user_id,
        "tenant_id": claims.tenant_id,
        "role": claims.role,
        "org_id": claims.org_id,
        "mfa_verified": claims.mfa_verified,
        "expires_at": rfc3339(claims.expires_at),
    })
}

/// What the newest token of the session says.
fn of_session(session: &Session) -> Value {
    json!({
        "valid": true,
        "session_id": session.id,
        "user_id": session.user_id,
        "tenant_id": session.tenant_id,
        "role": session.identity.role,
        "org_id": session.identity.org_id,
        "mfa_verified": session.identity.mfa_verified,
        "expires_at": rfc3339(session.access_expires_at),
    })
}
