//! `/v1/admin` and the JWK Set.

use super::auth::hide_tenant_key_error;
use super::request::ApiRequest;
use super::response::ApiResponse;
use super::time::encode_record;
use crate::error::Error;
use crate::model::config::ConfigPatch;

pub(super) fn read_config(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    Ok(ApiResponse::ok(request.tenant().config()?.to_json()))
}

pub(super) fn change_config(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let patch = ConfigPatch::from_json(&request.body)?;
    Ok(ApiResponse::ok(request.tenant().update_config(&patch)?.to_json()))
}

pub(super) fn stats(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    Ok(ApiResponse::ok(encode_record(&request.tenant().stats()?)?))
}

pub(super) fn jwks(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let jwks = request.tenant().jwks().map_err(hide_tenant_key_error)?;
    Ok(ApiResponse::ok(jwks.to_json()).with_public_cache())
}
