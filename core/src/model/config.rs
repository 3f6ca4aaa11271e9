//! The settings of a tenant (SPEC 5): defaults, patches, validation.

use std::str::FromStr;

use serde_json::{Map, Value, json};

use crate::duration::Duration;
use crate::error::Error;
use crate::json;
use crate::object_reader::{FromMember, ObjectReader};
use crate::schema::{public_record, request_struct};
use crate::word_enum::word_enum;

public_record! {
    /// A tenant's settings. As JSON: the names below, durations as text, as they were given.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// let config = tenant.config()?;
    /// assert_eq!(config.access_token_ttl.as_secs(), 3600);
    /// assert_eq!(config.to_json()["session_duration"], "30d");
    /// assert_eq!(config.to_json_with_warnings()["warnings"], serde_json::json!([]));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Config {
        /// How long a session lasts after sign-in; default 30 days. Binds at sign-in.
        pub session_duration: Duration,
        /// How long an access token lasts; default 1 hour. Binds at the next token.
        pub access_token_ttl: Duration,
        /// After how long without a refresh a session is revoked; default never. Binds at once.
        pub idle_timeout: Option<Duration>,
        /// How many active sessions a user may have, at least 1; default unlimited. Binds at the user's next sign-in.
        #[range = (1, CAP_MAX)]
        pub max_sessions_per_user: Option<u64>,
        /// For how long after a rotation the former refresh token still answers with the same successor, 0 to 60 seconds;
        /// default 10 seconds.
        pub refresh_reuse_window: Duration,
        /// For how long events are kept; default null: none are recorded. Binds at once: what happens afterwards is recorded.
        pub event_retention: Option<Duration>,
        /// After how long the record of an ended session is deleted by maintenance; default never.
        pub record_retention: Option<Duration>,
        /// Whether the ends of sessions are listed for verifiers away from the engine; default false. Binds at once: the list
        /// begins with what ends afterwards.
        pub revocation_list: bool,
        /// How long a session may last in which another person acts for the user; default 1 hour. Binds when it starts.
        pub max_actor_duration: Duration,
    }
}

word_enum! {
    /// Settings that are allowed and probably not meant.
    pub enum ConfigWarning as "warnings" {
        /// `idle_timeout` is shorter than two lifetimes of an access token. Only a refresh counts as use, and a client refreshes
        /// when its access token has expired: a user who is at work may be signed out.
        IdleTimeoutBelowTwoAccessTokens = "idle_timeout_below_two_access_tokens",
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            session_duration: Duration::DAYS_30,
            access_token_ttl: Duration::HOUR_1,
            idle_timeout: None,
            max_sessions_per_user: None,
            refresh_reuse_window: Duration::SECONDS_10,
            event_retention: None,
            record_retention: None,
            revocation_list: false,
            max_actor_duration: Duration::HOUR_1,
        }
    }
}

impl Config {
    /// The settings that differ, each with its old and its new value.
    pub(crate) fn changed_since(&self, old: &Config) -> Value {
        let (Value::Object(new), old) = (self.to_json(), old.to_json()) else { return Value::Null };
        let changed = new.into_iter().filter(|(name, value)| old[name] != *value);
        changed.map(|(name, new)| (name.clone(), json!({"old": old[&name], "new": new}))).collect()
    }

    /// The settings as JSON: durations as text, as they were given.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The settings as REST and Node show them: with a member `warnings`, an array of words.
    pub fn to_json_with_warnings(&self) -> Value {
        let mut json = self.to_json();
        json["warnings"] = self.warnings().iter().map(|warning| warning.as_str()).collect();
        json
    }

    /// What is probably not meant.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// use hellojohn::ConfigWarning;
    ///
    /// let config = tenant.update_config(&r#"{"idle_timeout": "90m", "access_token_ttl": "1h"}"#.parse()?)?;
    /// assert_eq!(config.warnings(), [ConfigWarning::IdleTimeoutBelowTwoAccessTokens]);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn warnings(&self) -> Vec<ConfigWarning> {
        let two_tokens = self.access_token_ttl.as_secs().saturating_mul(2);
        let is_short = self.idle_timeout.is_some_and(|idle| idle.as_secs() < two_tokens);
        is_short.then_some(ConfigWarning::IdleTimeoutBelowTwoAccessTokens).into_iter().collect()
    }
}

request_struct! {
    /// A change of settings: `None` leaves a setting as it is, `Some(None)` turns it off.
    ///
    /// ```
    /// let patch: hellojohn::ConfigPatch = r#"{"idle_timeout": "7d", "max_sessions_per_user": null}"#.parse()?;
    /// assert_eq!(patch.max_sessions_per_user, Some(None));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct ConfigPatch {
        /// See [`Config::session_duration`].
        pub session_duration: Option<Duration>,
        /// See [`Config::access_token_ttl`].
        pub access_token_ttl: Option<Duration>,
        /// See [`Config::idle_timeout`].
        pub idle_timeout: Option<Option<Duration>>,
        /// See [`Config::max_sessions_per_user`].
        pub max_sessions_per_user: Option<Option<u64>>,
        /// See [`Config::refresh_reuse_window`].
        pub refresh_reuse_window: Option<Duration>,
        /// See [`Config::event_retention`].
        pub event_retention: Option<Option<Duration>>,
        /// See [`Config::record_retention`].
        pub record_retention: Option<Option<Duration>>,
        /// See [`Config::revocation_list`].
        pub revocation_list: Option<bool>,
        /// See [`Config::max_actor_duration`].
        pub max_actor_duration: Option<Duration>,
    }
}

impl ConfigPatch {
    /// Reads a patch in its JSON form; one unknown name or bad value refuses the whole patch.
    ///
    /// ```
    /// let json = serde_json::json!({"idle_timeout": "7d"});
    /// let patch = hellojohn::ConfigPatch::from_json(json.as_object().unwrap())?;
    /// assert_eq!(patch.idle_timeout, Some(Some("7d".parse()?)));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` naming the setting.
    pub fn from_json(object: &Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::settings(object.clone());
        let patch = ConfigPatch {
            session_duration: members.changed("session_duration")?,
            access_token_ttl: members.changed("access_token_ttl")?,
            idle_timeout: members.clearable("idle_timeout")?,
            max_sessions_per_user: members
                .clearable("max_sessions_per_user")?
                .map(|cap| cap.map(|SessionCap(cap)| cap)),
            refresh_reuse_window: members.changed("refresh_reuse_window")?.map(|ReuseWindow(window)| window),
            event_retention: members.clearable("event_retention")?,
            record_retention: members.clearable("record_retention")?,
            revocation_list: members.changed("revocation_list")?,
            max_actor_duration: members.changed("max_actor_duration")?,
        };
        members.finish()?;
        Ok(patch)
    }

    /// The settings after this change.
    ///
    /// # Errors
    /// `validation_error` for a cap of 0 and for a reuse window over 60 seconds.
    pub(crate) fn apply(&self, config: &Config) -> Result<Config, Error> {
        if self.max_sessions_per_user == Some(Some(0)) {
            return Err(Error::validation("max_sessions_per_user", CAP_PROBLEM));
        }
        if let Some(window) = self.refresh_reuse_window {
            bounded_window("refresh_reuse_window", window)?;
        }
        Ok(Config {
            session_duration: self.session_duration.unwrap_or(config.session_duration),
            access_token_ttl: self.access_token_ttl.unwrap_or(config.access_token_ttl),
            idle_timeout: self.idle_timeout.unwrap_or(config.idle_timeout),
            max_sessions_per_user: self.max_sessions_per_user.unwrap_or(config.max_sessions_per_user),
            refresh_reuse_window: self.refresh_reuse_window.unwrap_or(config.refresh_reuse_window),
            event_retention: self.event_retention.unwrap_or(config.event_retention),
            record_retention: self.record_retention.unwrap_or(config.record_retention),
            revocation_list: self.revocation_list.unwrap_or(config.revocation_list),
            max_actor_duration: self.max_actor_duration.unwrap_or(config.max_actor_duration),
        })
    }
}

impl FromStr for ConfigPatch {
    type Err = Error;

    /// Reads a patch from JSON text.
    ///
    /// # Errors
    /// `validation_error` for anything but one JSON object without duplicate names, and as [`ConfigPatch::from_json`].
    fn from_str(text: &str) -> Result<Self, Error> {
        let object = json::parse_object(text.as_bytes())
            .ok_or_else(|| Error::validation("config", "must be a JSON object without duplicate names"))?;
        ConfigPatch::from_json(&object)
    }
}

const CAP_PROBLEM: &str = "must be a whole number of at least 1, or null";
/// SQLite's and JavaScript's whole numbers both hold this.
const CAP_MAX: u64 = (1 << 53) - 1;

/// A `max_sessions_per_user` on its way in.
struct SessionCap(u64);

impl FromMember for SessionCap {
    fn from_member(name: &str, value: Value) -> Result<Self, Error> {
        json::whole_number(&value)
            .filter(|cap| (1..=CAP_MAX).contains(cap))
            .map(SessionCap)
            .ok_or_else(|| Error::validation(name, CAP_PROBLEM))
    }
}

/// A `refresh_reuse_window` on its way in; unlike other durations it may be 0.
struct ReuseWindow(Duration);

impl FromMember for ReuseWindow {
    fn from_member(name: &str, value: Value) -> Result<Self, Error> {
        if value.as_str() == Some("0s") || json::whole_number(&value) == Some(0) {
            return Ok(ReuseWindow(Duration::ZERO));
        }
        bounded_window(name, Duration::from_json(name, &value)?).map(ReuseWindow)
    }
}

/// Reads a reuse window as it is kept.
pub(crate) fn parse_window(text: &str) -> Result<Duration, Error> {
    ReuseWindow::from_member("refresh_reuse_window", Value::from(text)).map(|ReuseWindow(window)| window)
}

fn bounded_window(field: &str, window: Duration) -> Result<Duration, Error> {
    if window.as_secs() > Duration::SECONDS_60.as_secs() {
        return Err(Error::validation(field, "must be at most 60 seconds"));
    }
    Ok(window)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(text: &str) -> Result<Value, Error> {
        text.parse::<ConfigPatch>()?.apply(&Config::default()).map(|config| config.to_json())
    }

    #[test]
    fn settings_read_back_as_given() {
        let config =
            patched(r#"{"session_duration":86400,"idle_timeout":"7d","max_sessions_per_user":5,"refresh_reuse_window":0}"#)
                .unwrap();
        assert_eq!(config["session_duration"], "86400s");
        assert_eq!(config["access_token_ttl"], "1h");
        assert_eq!(config["idle_timeout"], "7d");
        assert_eq!(config["max_sessions_per_user"], 5);
        assert_eq!(config["refresh_reuse_window"], "0s");
    }

    #[test]
    fn one_bad_value_refuses_the_patch() {
        for bad in [
            "",
            "[]",
            "null",
            "{",
            r#"{"ttl":"1h"}"#,
            r#"{"session_duration":null}"#,
            r#"{"session_duration":0}"#,
            r#"{"session_duration":1.5}"#,
            r#"{"session_duration":true}"#,
            r#"{"access_token_ttl":"0s"}"#,
            r#"{"access_token_ttl":-1}"#,
            r#"{"idle_timeout":{}}"#,
            r#"{"max_sessions_per_user":0}"#,
            r#"{"max_sessions_per_user":"5"}"#,
            r#"{"max_sessions_per_user":1.5}"#,
            r#"{"refresh_reuse_window":"61s"}"#,
            r#"{"refresh_reuse_window":"2m"}"#,
            r#"{"refresh_reuse_window":null}"#,
            r#"{"refresh_reuse_window":"0"}"#,
            r#"{"session_duration":"1d","session_duration":"2d"}"#,
            r#"{"sessionDuration":"1d"}"#,
        ] {
            let error = patched(bad).unwrap_err();
            assert_eq!(error.code(), crate::ErrorCode::ValidationError, "{bad}");
        }
        assert!(patched(r#"{"refresh_reuse_window":"1m"}"#).is_ok());
    }
}
