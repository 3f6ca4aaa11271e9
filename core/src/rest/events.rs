//! `/v1/events`: what happened.

use super::request::ApiRequest;
use super::response::{ApiResponse, encode};
use super::sessions::parse_limit;
use crate::engine::EventQuery;
use crate::error::Error;

pub(super) fn list(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let query = &request.query;
    let types = query.text("types").map(|types| EventQuery::read_types(types.split(','))).transpose()?;
    let query = EventQuery {
        after: query.text("after").map(|after| parse_seq("after", after)).transpose()?.unwrap_or_default(),
        types: types.unwrap_or_default(),
        user_id: query.parse_as("user_id")?,
        session_id: query.parse_as("session_id")?,
        limit: query.text("limit").map(parse_limit).transpose()?.unwrap_or_default(),
    };
    let page = request.tenant().events(&query)?;
    let mut answer = encode(&page)?;
    answer["pagination"]["limit"] = query.limit.get().into();
    Ok(ApiResponse::ok(answer))
}

/// Reads the number of an event or of an entry of the revocation list.
pub(super) fn parse_seq(name: &str, text: &str) -> Result<u64, Error> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| is_number)
        .ok_or_else(|| Error::validation(name, "must be a number that an answer gave"))
}
