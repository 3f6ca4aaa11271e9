//! The options of an engine and its tenant as one JSON object.

use std::ffi::{OsStr, OsString};

use serde_json::{Map, Value};

use super::builder::{Engine, EngineBuilder};
use crate::error::Error;
use crate::model::config::ConfigPatch;
use crate::model::id::TenantId;
use crate::object_reader::ObjectReader;
use crate::store::{Database, Durability};

/// What a host in another language opens one tenant of one database with, besides the secret key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineOptions {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The database; see [`EngineBuilder::open`]. A file's path is absolute: the working folder may change before the engine is
    /// opened.
    pub database: OsString,
    /// The settings to apply when the tenant is opened.
    pub config: Option<ConfigPatch>,
    issuer: Option<String>,
    durability: Option<Durability>,
    token_cache_capacity: Option<u64>,
}

impl EngineOptions {
    /// Reads `tenant_id`, `database` (required), `config`, `issuer`, `durability` and `token_cache_capacity`; null counts as
    /// absent. A relative path is taken from the working folder of now.
    ///
    /// # Errors
    /// `validation_error` naming the option; `storage_io` for a relative path in a process whose working folder is gone.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::options(object);
        let options = EngineOptions {
            tenant_id: members.required("tenant_id")?,
            database: Database::parse(OsStr::new(&members.required::<String>("database")?))?.into_os_string(),
            config: members
                .optional::<Map<String, Value>>("config")?
                .map(|patch| ConfigPatch::from_json(&patch))
                .transpose()?,
            issuer: members.optional("issuer")?,
            durability: members.optional("durability")?,
            token_cache_capacity: members.optional("token_cache_capacity")?,
        };
        members.finish()?;
        Ok(options)
    }

    /// The engine with these options, not opened yet.
    pub fn builder(&self) -> EngineBuilder {
        let mut builder = Engine::builder();
        if let Some(issuer) = &self.issuer {
            builder = builder.issuer(issuer.as_str());
        }
        if let Some(durability) = self.durability {
            builder = builder.durability(durability);
        }
        if let Some(tokens) = self.token_cache_capacity {
            builder = builder.token_cache_capacity(usize::try_from(tokens).unwrap_or(usize::MAX));
        }
        builder
    }
}
