//! `/v1/revocations`: the signed list for verifiers that do not ask the engine.

use super::auth::{Caller, hide_tenant_key_error};
use super::events::parse_seq;
use super::request::ApiRequest;
use super::response::{ApiResponse, Cache, encode};
use crate::error::Error;

pub(super) fn read(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let since = request.query.text("since").map(|since| parse_seq("since", since)).transpose()?;
    let is_public = matches!(request.caller, Caller::Anonymous);
    let list = request.tenant().revocations(since.unwrap_or_default());
    let list = if is_public { list.map_err(hide_tenant_key_error)? } else { list? };
    let cache = if is_public { Cache::PublicSeconds } else { Cache::PrivateSeconds };
    Ok(ApiResponse::ok(encode(&list)?).with_cache(cache))
}
