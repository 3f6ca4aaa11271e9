//! `/v1/admin` and the JWK Set.

use serde_json::json;

use super::auth::hide_tenant_key_error;
use super::request::ApiRequest;
use super::response::{ApiResponse, Cache, encode};
use crate::error::Error;
use crate::model::config::ConfigPatch;
use crate::object_reader::ObjectReader;

pub(super) fn read_config(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    Ok(ApiResponse::ok(request.tenant().config()?.to_json_with_warnings()))
}

pub(super) fn change_config(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let patch = ConfigPatch::from_json(&request.body)?;
    Ok(ApiResponse::ok(request.tenant().update_config(&patch)?.to_json_with_warnings()))
}

pub(super) fn stats(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let Some(span) = request.query.parse_as("series")? else {
        return Ok(ApiResponse::ok(encode(&request.tenant().stats()?)?));
    };
    Ok(ApiResponse::ok(encode(&request.tenant().stats_series(span)?)?))
}

pub(super) fn list_keys(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    Ok(ApiResponse::ok(json!({"data": request.tenant().keys()?})))
}

pub(super) fn rotate_keys(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let kid = request.tenant().rotate_keys()?;
    Ok(ApiResponse::ok(json!({"kid": kid.to_string()})))
}

pub(super) fn retire_key(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let mut members = ObjectReader::request(request.body.clone());
    let kid: String = members.required("kid")?;
    members.finish()?;
    request.tenant().retire_key(kid.parse()?)?;
    Ok(ApiResponse::no_content())
}

pub(super) fn jwks(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let jwks = request.tenant().jwks().map_err(hide_tenant_key_error)?;
    Ok(ApiResponse::ok(jwks.to_json()).with_cache(Cache::PublicHour))
}
