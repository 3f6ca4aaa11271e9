//! The options of a `HelloJohn` object, checked before anything is opened.

use hellojohn::{ConfigPatch, Durability, Engine, EngineBuilder, Error, ManualClock, SecretKey, TenantId};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// The values that opening needs.
pub(crate) struct Options {
    pub tenant_id: TenantId,
    pub secret_key: SecretKey,
    pub database: String,
    pub config: Option<ConfigPatch>,
    issuer: Option<String>,
    durability: Durability,
    token_cache_capacity: Option<usize>,
    clock: Option<ManualClock>,
}

impl Options {
    /// Reads `tenant_id`, `database` (required), `issuer`, `durability`, `token_cache_capacity`, `config`.
    ///
    /// # Errors
    /// `validation_error` naming the option.
    pub(crate) fn read(json: &str, secret_key: String, clock: Option<ManualClock>) -> Result<Self, Error> {
        let secret_key = Zeroizing::new(secret_key);
        let mut object: Map<String, Value> =
            serde_json::from_str(json).map_err(|_| Error::validation("options", "must be a JSON object"))?;
        let mut text = |name: &str| match object.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::validation(name, "must be a string")),
        };
        let required =
            |name: &str, text: Option<String>| text.ok_or_else(|| Error::validation(name, "is required"));
        Ok(Options {
            durability: text("durability")?.map_or(Ok(Durability::default()), |word| word.parse())?,
            tenant_id: required("tenant_id", text("tenant_id")?)?.parse()?,
            secret_key: secret_key.parse()?,
            database: required("database", text("database")?)?,
            issuer: text("issuer")?,
            token_cache_capacity: match object.remove("token_cache_capacity") {
                None | Some(Value::Null) => None,
                Some(capacity) => Some(
                    serde_json::from_value(capacity)
                        .map_err(|_| Error::validation("token_cache_capacity", "must be a whole number"))?,
                ),
            },
            clock,
            config: match object.remove("config") {
                None | Some(Value::Null) => None,
                Some(Value::Object(patch)) => Some(ConfigPatch::from_json(&patch)?),
                Some(_) => return Err(Error::validation("config", "must be an object")),
            },
        })
    }

    /// The engine, not opened yet.
    pub(crate) fn builder(&self) -> EngineBuilder {
        let mut builder = Engine::builder().durability(self.durability);
        if let Some(issuer) = &self.issuer {
            builder = builder.issuer(issuer.as_str());
        }
        if let Some(capacity) = self.token_cache_capacity {
            builder = builder.token_cache_capacity(capacity);
        }
        match &self.clock {
            Some(clock) => builder.clock(clock.clone()),
            None => builder,
        }
    }
}
