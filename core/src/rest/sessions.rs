//! `/v1/sessions`: listing, reading, revoking, verifying.

use serde_json::{Value, json};

use super::auth::Caller;
use super::filter;
use super::request::ApiRequest;
use super::response::{ApiResponse, encode};
use crate::engine::{ListQuery, RevokeWhere, VerifiedJson, VerifyError};
use crate::error::{Error, ErrorCode};
use crate::model::id::{SessionId, UserId};
use crate::model::page::{Limit, Page};
use crate::model::revoke_plan::RevokePlan;
use crate::model::session::Session;
use crate::model::session_filter::SessionFilter;
use crate::object_reader::ObjectReader;
use crate::percent;

/// A session with times as REST writes them; for a user also whether it is the session of the request itself.
pub(super) fn encode_session(session: &Session, caller: &Caller) -> Result<Value, Error> {
    let mut value = encode(session)?;
    if let Caller::User(own) = caller {
        value["current"] = Value::from(own.session.id == session.id);
    }
    Ok(value)
}

/// The user whose sessions a request is about: the user who calls, or the one that the secret key's holder names.
fn find_user(request: &ApiRequest<'_>) -> Result<Option<UserId>, Error> {
    let named = request.query.parse_as::<UserId>("user_id")?;
    match &request.caller {
        Caller::User(own) if named.as_ref().is_none_or(|named| *named == own.session.user_id) => {
            Ok(Some(own.session.user_id.clone()))
        }
        Caller::User(_) => Err(Error::new(
            ErrorCode::InsufficientPermissions,
            "an access token is good for its own user's sessions only",
        )),
        Caller::SecretKey | Caller::Anonymous => Ok(named),
    }
}

pub(super) fn parse_limit(text: &str) -> Result<Limit, Error> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::validation("limit", "must be a whole number of at least 1"));
    }
    Limit::new(text.parse().unwrap_or(i64::MAX)) // more digits than fit are clamped like any other large number
}

/// The filter in the query of a request; of a user for the own sessions.
fn find_filter(request: &ApiRequest<'_>) -> Result<SessionFilter, Error> {
    Ok(SessionFilter { user_id: find_user(request)?, ..filter::from_query(&request.query)? })
}

pub(super) fn list(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let query = &request.query;
    let list = ListQuery {
        filter: find_filter(&request)?,
        limit: query.text("limit").map(parse_limit).transpose()?.unwrap_or_default(),
        cursor: query.parse_as("cursor")?,
    };
    let Page { data, next_cursor } = request.tenant().list(&list)?;
    let sessions = data.iter().map(|session| encode_session(session, &request.caller));
    let page = Page { data: sessions.collect::<Result<Vec<Value>, _>>()?, next_cursor };
    let mut answer = encode(&page)?;
    answer["pagination"]["limit"] = list.limit.get().into();
    Ok(ApiResponse::ok(answer))
}

pub(super) fn count(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let count = request.tenant().count(&find_filter(&request)?)?;
    Ok(ApiResponse::ok(json!({ "count": count })))
}

fn unknown_session() -> Error {
    Error::new(ErrorCode::SessionNotFound, "no such session")
}

/// The session that the path names, if the caller may see it.
fn find_session(request: &ApiRequest<'_>) -> Result<Session, Error> {
    let id: SessionId = percent::decode(request.path_id).ok_or_else(unknown_session)?.parse()?;
    let session = request.tenant().get(id)?;
    match &request.caller {
        Caller::User(own) if own.session.user_id != session.user_id => Err(unknown_session()),
        _ => Ok(session),
    }
}

pub(super) fn read(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let session = find_session(&request)?;
    Ok(ApiResponse::ok(encode_session(&session, &request.caller)?))
}

pub(super) fn explain(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let id: SessionId = percent::decode(request.path_id).ok_or_else(unknown_session)?.parse()?;
    Ok(ApiResponse::ok(encode(&request.tenant().explain(id)?)?))
}

pub(super) fn revoke(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    request.tenant().revoke(find_session(&request)?.id)?;
    Ok(ApiResponse::no_content())
}

pub(super) fn revoke_many(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let user = find_user(&request)?;
    let except = match (request.query.text("except"), &request.caller) {
        (None, _) => None,
        (Some("current"), Caller::User(own)) => Some(own.session.id),
        (Some(_), Caller::User(_)) => return Err(Error::validation("except", "must be current")),
        (Some(_), _) => return Err(Error::validation("except", "needs an access token: it has a session")),
    };
    let revoked = match user {
        Some(user) => request.tenant().revoke_user(&user, except)?,
        // A client that has lost what it wanted to say would end far too much.
        None if request.has_parameters => {
            return Err(Error::validation(
                "user_id",
                "is missing: to end all sessions of the tenant, send neither a query nor a body",
            ));
        }
        None => request.tenant().revoke_tenant()?,
    };
    Ok(ApiResponse::ok(json!({ "revoked": revoked })))
}

/// Ends the sessions of a filter, or shows which would end.
pub(super) fn revoke_where(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let tenant = request.tenant().clone();
    let mut body = ObjectReader::request(request.body);
    let filter = filter::from_body(body.required("filter")?)?;
    let is_dry_run = body.changed::<bool>("dry_run")?.unwrap_or_default();
    // A plan that was lost would end more than was looked at.
    let plan = body.changed::<RevokePlan>("plan")?;
    body.finish()?;
    if !is_dry_run {
        let revoked = tenant.revoke_where(RevokeWhere { filter, plan })?;
        return Ok(ApiResponse::ok(json!({ "revoked": revoked })));
    }
    if plan.is_some() {
        return Err(Error::validation("plan", "is what a dry run answers with"));
    }
    let preview = tenant.preview_revoke_where(&filter)?;
    Ok(ApiResponse::ok(encode(&preview)?))
}

/// Verifies a token or a session id against the store. A token or session that is not good is a response with
/// `valid: false`; only a store that could not answer is an error.
pub(super) fn verify(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let tenant = request.tenant;
    let mut body = ObjectReader::request(request.body);
    let (token, id) = (body.optional::<String>("token")?, body.optional::<String>("session_id")?);
    body.finish()?;
    let verified = match (token.as_deref(), id.as_deref()) {
        (Some(""), None) => return Err(Error::validation("token", "must not be empty")),
        (None, Some("")) => return Err(Error::validation("session_id", "must not be empty")),
        (Some(token), None) => {
            tenant.verify_access_token(token).map(|verified| json!(*verified)).map_err(Error::from)
        }
        (None, Some(id)) => {
            id.parse().and_then(|id| Ok(json!(VerifiedJson::of_session(&tenant.verify_session(id)?))))
        }
        _ => return Err(Error::validation("token", "exactly one of token and session_id is required")),
    };
    match verified {
        Ok(valid) => Ok(ApiResponse::ok(valid)),
        Err(error) if error.code().is_verification_refusal() => {
            Ok(ApiResponse::ok(encode(&VerifyError::from(error))?))
        }
        Err(error) => Err(error),
    }
}
