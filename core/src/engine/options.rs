//! The options of an engine and its tenant as one JSON object.

use std::ffi::OsStr;
use std::path::Path;

use serde_json::{Map, Value};

use super::builder::{DEFAULT_ISSUER, DEFAULT_TOKEN_CACHE_CAPACITY, Engine, EngineBuilder};
use crate::duration::Duration;
use crate::error::Error;
use crate::model::config::ConfigPatch;
use crate::model::event::EventDetail;
use crate::model::id::TenantId;
use crate::model::sign_in_limit::SignInLimit;
use crate::object_reader::ObjectReader;
use crate::store::{Database, DatabaseText, Durability, FileAccess, StoreOptions, VerifyMode};

/// What a host in another language opens one tenant of one database with, besides the secret key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineOptions {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The database; see [`EngineBuilder::open`]. A file's path is absolute: the working folder may change before the engine is
    /// opened.
    pub database: DatabaseText,
    /// The settings to apply when the tenant is opened.
    pub config: Option<ConfigPatch>,
    issuer: Option<String>,
    busy_timeout: Option<Duration>,
    durability: Option<Durability>,
    file_access: Option<FileAccess>,
    token_cache_capacity: Option<u64>,
    token_cache_bytes: Option<u64>,
    max_clock_jump: Option<Duration>,
    /// Absent for the default, nothing inside for no limit.
    sign_in_limit: Option<Option<SignInLimit>>,
    allow_network_file_system: Option<bool>,
    events: Option<EventDetail>,
    verify: Option<VerifyMode>,
    /// How often a host that does so by itself does a round of maintenance; nothing inside for never.
    pub maintenance_interval: Option<Option<Duration>>,
}

impl EngineOptions {
    /// Reads `tenant_id`, `database` (required), `config`, `issuer`, `busy_timeout`, `durability`, `file_access`,
    /// `token_cache_capacity`, `token_cache_bytes`, `max_clock_jump`, `allow_network_file_system`, `events`, `verify`, `maintenance_interval` (null for never) and `sign_in_limit` (an object for
    /// [`SignInLimit::from_json`], or null for no limit); any other null counts as absent.
    /// A relative path is taken from the working folder of now.
    ///
    /// # Errors
    /// `validation_error` naming the option; `storage_io` for a relative path in a process whose working folder is gone.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::options(object);
        let sign_in_limit = match members.clearable::<Map<String, Value>>("sign_in_limit")? {
            Some(Some(limit)) => Some(Some(SignInLimit::read(members.nested("sign_in_limit", limit))?)),
            Some(None) => Some(None),
            None => None,
        };
        let options = EngineOptions {
            tenant_id: members.required("tenant_id")?,
            database: Database::parse(OsStr::new(&members.required::<String>("database")?))?.into_text(),
            config: members
                .optional::<Map<String, Value>>("config")?
                .map(|patch| ConfigPatch::from_json(&patch))
                .transpose()?,
            issuer: members.optional("issuer")?,
            busy_timeout: members.optional("busy_timeout")?,
            durability: members.optional("durability")?,
            file_access: members.optional("file_access")?,
            token_cache_capacity: members.optional("token_cache_capacity")?,
            token_cache_bytes: members.optional("token_cache_bytes")?,
            max_clock_jump: members.optional("max_clock_jump")?,
            sign_in_limit,
            allow_network_file_system: members.optional("allow_network_file_system")?,
            events: members.optional("events")?,
            verify: members.optional("verify")?,
            maintenance_interval: members.clearable("maintenance_interval")?,
        };
        members.finish()?;
        Ok(options)
    }

    /// The database's file; None for a database in memory or on a server.
    pub fn file(&self) -> Option<&Path> {
        self.database.as_file()
    }

    /// Whether the database lies in this process's memory, where no other engine finds it.
    pub fn is_in_memory(&self) -> bool {
        self.database.is_in_memory()
    }

    /// Whether both describe an engine of the same kind, whatever its database, tenant and settings.
    pub fn opens_like(&self, other: &Self) -> bool {
        let of_engine = |options: &Self| {
            let Self {
                tenant_id: _,
                database: _,
                config: _,
                file_access: _, // of files that are not there yet
                issuer,
                busy_timeout,
                durability,
                token_cache_capacity,
                token_cache_bytes,
                max_clock_jump,
                sign_in_limit,
                allow_network_file_system,
                events,
                verify,
                maintenance_interval: _, // of the object, not of the engine
            } = options;
            (
                issuer.as_deref().unwrap_or(DEFAULT_ISSUER).to_owned(),
                busy_timeout.map_or(StoreOptions::default().busy_timeout, to_std),
                durability.unwrap_or_default(),
                token_cache_capacity.unwrap_or(DEFAULT_TOKEN_CACHE_CAPACITY as u64),
                token_cache_bytes.unwrap_or(EngineBuilder::TOKEN_CACHE_BYTES_DEFAULT as u64),
                max_clock_jump.unwrap_or(Duration::HOUR_1),
                sign_in_limit.unwrap_or(Some(SignInLimit::default())),
                allow_network_file_system.unwrap_or_default(),
                events.unwrap_or_default(),
                verify.unwrap_or_default(),
            )
        };
        of_engine(self) == of_engine(other)
    }

    /// The engine with these options, not opened yet.
    pub fn builder(&self) -> EngineBuilder {
        let mut builder = Engine::builder();
        if let Some(issuer) = &self.issuer {
            builder = builder.issuer(issuer.as_str());
        }
        if let Some(allow) = self.allow_network_file_system {
            builder = builder.allow_network_file_system(allow);
        }
        if let Some(timeout) = self.busy_timeout {
            builder = builder.busy_timeout(to_std(timeout));
        }
        if let Some(durability) = self.durability {
            builder = builder.durability(durability);
        }
        if let Some(access) = self.file_access {
            builder = builder.file_access(access);
        }
        if let Some(tokens) = self.token_cache_capacity {
            builder = builder.token_cache_capacity(usize::try_from(tokens).unwrap_or(usize::MAX));
        }
        if let Some(bytes) = self.token_cache_bytes {
            builder = builder.token_cache_bytes(usize::try_from(bytes).unwrap_or(usize::MAX));
        }
        if let Some(step) = self.max_clock_jump {
            builder = builder.max_clock_jump(step);
        }
        if let Some(limit) = self.sign_in_limit {
            builder = builder.sign_in_limit(limit);
        }
        if let Some(detail) = self.events {
            builder = builder.events(detail);
        }
        if let Some(mode) = self.verify {
            builder = builder.verify(mode);
        }
        builder
    }
}

fn to_std(duration: Duration) -> std::time::Duration {
    std::time::Duration::from_secs(duration.as_secs())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(options: Value) -> EngineOptions {
        let Value::Object(mut object) = options else { panic!("not an object") };
        object.entry("tenant_id").or_insert(json!("tnt_a"));
        object.entry("database").or_insert(json!("s.db"));
        EngineOptions::from_json(object).unwrap()
    }

    #[test]
    fn options_open_alike_unless_issuer_durability_or_token_cache_differ() {
        let plain = read(json!({}));
        for same in [
            json!({"tenant_id": "tnt_b", "database": "t.db", "config": {"idle_timeout": "1h"}}),
            json!({"file_access": "group"}),
            json!({"issuer": DEFAULT_ISSUER, "busy_timeout": "5s", "durability": "full", "token_cache_capacity": 8192}),
        ] {
            assert!(plain.opens_like(&read(same)));
        }
        for other in [
            json!({"issuer": "https://id.example"}),
            json!({"busy_timeout": "1m"}),
            json!({"durability": "normal"}),
            json!({"token_cache_capacity": 0}),
            json!({"verify": "lease:250ms"}),
        ] {
            assert!(!plain.opens_like(&read(other)));
        }
    }

    #[test]
    fn a_file_has_an_absolute_path_and_memory_has_none() {
        assert!(read(json!({})).file().unwrap().is_absolute());
        assert_eq!(read(json!({"database": ":memory:"})).file(), None);
    }
}
