//! `/v1/admin` and the JWK Set.

use serde_json::{Map, Value, json};

use super::response::Answer;
use super::time::rfc3339;
use crate::engine::Tenant;
use crate::error::Error;
use crate::model::config::ConfigPatch;

pub(super) fn read_config(tenant: &Tenant) -> Result<Answer, Error> {
    Ok(Answer::ok(tenant.config()?.to_json()))
}

pub(super) fn change_config(tenant: &Tenant, body: &Map<String, Value>) -> Result<Answer, Error> {
    Ok(Answer::ok(tenant.update_config(&ConfigPatch::from_json(body)?)?.to_json()))
}

pub(super) fn stats(tenant: &Tenant) -> Result<Answer, Error> {
    let stats = tenant.stats()?;
    Ok(Answer::ok(json!({
        "sessions": stats.sessions,
        "created_last_24h": stats.created_last_24h,
        "database_bytes": stats.database_bytes,
        "oldest_unswept_at": stats.oldest_unswept_at.map(rfc3339),
    })))
}

pub(super) fn jwks(tenant: &Tenant) -> Result<Answer, Error> {
    Ok(Answer::ok(tenant.jwks()?.to_json()).cacheable())
}
