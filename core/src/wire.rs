//! The JSON forms of requests and answers, for doors that speak JSON: names of SPEC 1, absent or null means "not given"
//! unless said otherwise, an unknown name or a wrong type is a `validation_error` that names it.

use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::engine::{CreateSession, ListQuery, LocalVerification, PurgeBefore, RefreshRequest};
use crate::error::Error;
use crate::json;
use crate::model::client::{ClientInfo, Country, IpAddress, UserAgent};
use crate::model::device_type::DeviceType;
use crate::model::id::{KeyId, SessionId};
use crate::model::identity::{Claims, Identity, IdentityPatch};
use crate::model::page::Limit;
use crate::model::session::{EndReason, Status};
use crate::token::keyring::KeyState;

macro_rules! serialize_as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}
serialize_as_text!(SessionId, KeyId, IpAddress, Status, EndReason, KeyState);

macro_rules! serialize_as_str {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    )*};
}
serialize_as_str!(UserAgent, Country);

impl Serialize for DeviceType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str((*self).as_str())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.as_millis())
    }
}

/// Takes the members of one object, and complains about those that nobody took.
struct ObjectReader(Map<String, Value>);

impl ObjectReader {
    fn of(object: Map<String, Value>) -> Self {
        ObjectReader(object)
    }

    /// The member, null included.
    fn take_any(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.take_any(name).filter(|value| !value.is_null())
    }

    fn text<T: FromStr<Err = Error>>(&mut self, name: &str) -> Result<Option<T>, Error> {
        self.take(name).map(|value| text(name, &value)).transpose()
    }

    /// A member where null means "clear it".
    fn clearable<T: FromStr<Err = Error>>(&mut self, name: &str) -> Result<Option<Option<T>>, Error> {
        match self.take_any(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(value) => text(name, &value).map(|value| Some(Some(value))),
        }
    }

    fn required<T: FromStr<Err = Error>>(&mut self, name: &str) -> Result<T, Error> {
        self.text(name)?.ok_or_else(|| Error::validation(name, "is required"))
    }

    fn duration(&mut self, name: &str) -> Result<Option<Duration>, Error> {
        self.take(name).map(|value| Duration::from_json(name, &value)).transpose()
    }

    fn done(self) -> Result<(), Error> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(unknown) => {
                let name: String = unknown.chars().filter(|c| !c.is_control()).take(64).collect();
                Err(Error::validation(&name, "is not a field of this request"))
            }
        }
    }
}

fn text<T: FromStr<Err = Error>>(name: &str, value: &Value) -> Result<T, Error> {
    value.as_str().ok_or_else(|| Error::validation(name, "must be a string"))?.parse()
}

fn boolean(name: &str, value: &Value) -> Result<bool, Error> {
    value.as_bool().ok_or_else(|| Error::validation(name, "must be true or false"))
}

fn claims(value: Value) -> Result<Claims, Error> {
    match value {
        Value::Object(object) => Claims::new(object),
        _ => Err(Error::validation("claims", "must be a JSON object")),
    }
}

impl CreateSession {
    /// Reads `user_id` (required) and the optional `user_agent`, `ip_address`, `country`, `device_type`,
    /// `device_fingerprint`, `duration`, `org_id`, `role`, `mfa_verified`, `email`, `claims`.
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::of(object);
        let request = CreateSession {
            user_id: members.required("user_id")?,
            client: ClientInfo {
                user_agent: members.text("user_agent")?,
                ip_address: members.text("ip_address")?,
                country: members.text("country")?,
                device_type: members.text("device_type")?,
                device_fingerprint: members.text("device_fingerprint")?,
            },
            identity: Identity {
                org_id: members.text("org_id")?,
                role: members.text("role")?,
                mfa_verified: members
                    .take("mfa_verified")
                    .map_or(Ok(false), |v| boolean("mfa_verified", &v))?,
                email: members.text("email")?,
                claims: members.take("claims").map_or_else(|| Ok(Claims::default()), claims)?,
            },
            duration: members.duration("duration")?,
        };
        members.done()?;
        Ok(request)
    }
}

impl RefreshRequest {
    /// Reads the optional `ip_address` and `user_agent`.
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::of(object);
        let request = RefreshRequest {
            ip_address: members.text("ip_address")?,
            user_agent: members.text("user_agent")?,
        };
        members.done()?;
        Ok(request)
    }
}

impl IdentityPatch {
    /// Reads `org_id`, `role`, `claims` (null clears), `mfa_verified`; absent means unchanged.
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::of(object);
        let patch = IdentityPatch {
            org_id: members.clearable("org_id")?,
            role: members.clearable("role")?,
            mfa_verified: members
                .take_any("mfa_verified")
                .map(|value| boolean("mfa_verified", &value))
                .transpose()?,
            claims: members
                .take_any("claims")
                .map(|value| if value.is_null() { Ok(Claims::default()) } else { claims(value) })
                .transpose()?,
        };
        members.done()?;
        Ok(patch)
    }
}

impl ListQuery {
    /// Reads the optional `user_id`, `status`, `limit`, `cursor`.
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::of(object);
        let limit = |value: Value| match (json::whole_number(&value), value.as_i64()) {
            (Some(rows), _) => Limit::new(i64::try_from(rows).unwrap_or(i64::MAX)),
            (None, Some(negative)) => Limit::new(negative),
            (None, None) => Err(Error::validation("limit", "must be a whole number of at least 1")),
        };
        let query = ListQuery {
            user_id: members.text("user_id")?,
            status: members.text("status")?.unwrap_or_default(),
            limit: members.take("limit").map_or_else(|| Ok(Limit::default()), limit)?,
            cursor: members.text("cursor")?,
        };
        members.done()?;
        Ok(query)
    }
}

impl LocalVerification {
    /// Reads the optional `audience` and `leeway_s` (whole seconds).
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::of(object);
        let audience = match members.take("audience") {
            None => None,
            Some(Value::String(audience)) => Some(audience),
            Some(_) => return Err(Error::validation("audience", "must be a string")),
        };
        let leeway_secs = match members.take("leeway_s") {
            None => 0,
            Some(value) => json::whole_number(&value).ok_or_else(|| {
                Error::validation("leeway", "must be a whole number of seconds from 0 to 60")
            })?,
        };
        members.done()?;
        Ok(LocalVerification { audience, leeway_secs })
    }
}

impl PurgeBefore {
    /// Reads `older_than` (a duration) or `before` (milliseconds since the epoch).
    ///
    /// # Errors
    /// `validation_error` unless exactly one of them is given.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::of(object);
        let older_than = members.duration("older_than")?;
        let before = match members.take("before") {
            None => None,
            Some(value) => Some(value.as_i64().ok_or_else(|| {
                Error::validation("before", "must be a whole number of milliseconds since the epoch")
            })?),
        };
        members.done()?;
        match (older_than, before) {
            (Some(age), None) => Ok(PurgeBefore::OlderThan(age)),
            (None, Some(moment)) => Ok(PurgeBefore::Time(Timestamp::from_millis(moment))),
            _ => Err(Error::validation("older_than", "exactly one of older_than and before is required")),
        }
    }
}
