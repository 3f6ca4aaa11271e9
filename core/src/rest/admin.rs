//! `/v1/admin` and the JWK Set.

use serde_json::json;

use super::auth::hide_tenant_key_error;
use super::request::ApiRequest;
use super::response::ApiResponse;
use super::time::format_rfc3339;
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
    let stats = request.tenant().stats()?;
    Ok(ApiResponse::ok(json!({
        "sessions": stats.sessions,
        "created_last_24h": stats.created_last_24h,
        "database_bytes": stats.database_bytes,
        "oldest_unswept_at": stats.oldest_unswept_at.map(format_rfc3339),
    })))
}

pub(super) fn jwks(request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let jwks = request.tenant().jwks().map_err(hide_tenant_key_error)?;
    Ok(ApiResponse::ok(jwks.to_json()).with_public_cache())
}
