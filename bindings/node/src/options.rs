//! The options of a `HelloJohn` object, checked before anything is opened.

use hellojohn::{EngineBuilder, EngineOptions, Error, ManualClock, SecretKey};
use zeroize::Zeroizing;

use crate::observed::CallObserver;

/// The values that opening needs.
pub(crate) struct Options {
    pub engine: EngineOptions,
    pub secret_key: SecretKey,
    clock: Option<ManualClock>,
}

impl Options {
    /// Reads `EngineOptions` as JSON.
    ///
    /// # Errors
    /// `validation_error` naming the option.
    pub(crate) fn read(json: &str, secret_key: String, clock: Option<ManualClock>) -> Result<Self, Error> {
        let secret_key = Zeroizing::new(secret_key);
        let object =
            serde_json::from_str(json).map_err(|_| Error::validation("options", "must be a JSON object"))?;
        Ok(Options { engine: EngineOptions::from_json(object)?, secret_key: secret_key.parse()?, clock })
    }

    /// Whether both describe an engine of the same kind, whatever its database, tenant and settings.
    pub(crate) fn opens_like(&self, other: &Options) -> bool {
        let is_same_time = match (&self.clock, &other.clock) {
            (None, None) => true,
            (Some(clock), Some(other)) => clock.is_same_clock(other),
            _ => false,
        };
        is_same_time && self.engine.opens_like(&other.engine)
    }

    /// The engine, not opened yet.
    pub(crate) fn builder(&self) -> EngineBuilder {
        let builder = self.engine.builder().observer(CallObserver);
        match &self.clock {
            Some(clock) => builder.clock(clock.clone()),
            None => builder,
        }
    }
}
