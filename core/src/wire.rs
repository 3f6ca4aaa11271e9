//! The JSON forms of requests and answers, for doors that speak JSON: names of SPEC 1, absent or null means "not given"
//! unless said otherwise, an unknown name or a wrong type is a `validation_error` that names it.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::engine::{CreateSession, ListQuery, LocalVerification, PurgeBefore, RefreshRequest};
use crate::error::Error;
use crate::json;
use crate::model::client::{ClientInfo, Country, DeviceFingerprint, IpAddress, UserAgent};
use crate::model::id::{KeyId, OrgId, SessionId, UserId};
use crate::model::identity::{Claims, Email, Identity, IdentityPatch, Role};
use crate::model::page::{Cursor, Limit};
use crate::object_reader::{FromMember, ObjectReader, read_as_text};

macro_rules! serialize_as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}
serialize_as_text!(SessionId, KeyId, IpAddress);

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

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.as_millis())
    }
}

read_as_text!(
    UserAgent,
    IpAddress,
    Country,
    DeviceFingerprint,
    Role,
    Email,
    UserId,
    OrgId,
    SessionId,
    Cursor
);

impl FromMember for Claims {
    fn from_member(name: &str, value: Value) -> Result<Self, Error> {
        Claims::new(Map::from_member(name, value)?)
    }
}

impl FromMember for Limit {
    fn from_member(name: &str, value: Value) -> Result<Self, Error> {
        match (json::whole_number(&value), value.as_i64()) {
            (Some(rows), _) => Limit::new(i64::try_from(rows).unwrap_or(i64::MAX)),
            (None, Some(negative)) => Limit::new(negative),
            (None, None) => Err(Error::validation(name, "must be a whole number of at least 1")),
        }
    }
}

impl CreateSession {
    /// Reads `user_id` (required) and the optional `user_agent`, `ip_address`, `country`, `device_type`,
    /// `device_fingerprint`, `duration`, `org_id`, `role`, `mfa_verified`, `email`, `claims`.
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::request(object);
        let request = CreateSession {
            user_id: members.required("user_id")?,
            client: ClientInfo {
                user_agent: members.optional("user_agent")?,
                ip_address: members.optional("ip_address")?,
                country: members.optional("country")?,
                device_type: members.optional("device_type")?,
                device_fingerprint: members.optional("device_fingerprint")?,
            },
            identity: Identity {
                org_id: members.optional("org_id")?,
                role: members.optional("role")?,
                mfa_verified: members.optional("mfa_verified")?.unwrap_or_default(),
                email: members.optional("email")?,
                claims: members.optional("claims")?.unwrap_or_default(),
            },
            duration: members.optional("duration")?,
        };
        members.finish()?;
        Ok(request)
    }
}

impl RefreshRequest {
    /// Reads the optional `ip_address` and `user_agent`.
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::request(object);
        let request = RefreshRequest {
            ip_address: members.optional("ip_address")?,
            user_agent: members.optional("user_agent")?,
        };
        members.finish()?;
        Ok(request)
    }
}

impl IdentityPatch {
    /// Reads `org_id`, `role`, `claims` (null clears), `mfa_verified`; absent means unchanged.
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::request(object);
        let patch = IdentityPatch {
            org_id: members.clearable("org_id")?,
            role: members.clearable("role")?,
            mfa_verified: members.changed("mfa_verified")?,
            claims: members.clearable("claims")?.map(Option::unwrap_or_default),
        };
        members.finish()?;
        Ok(patch)
    }
}

impl ListQuery {
    /// Reads the optional `user_id`, `status`, `limit`, `cursor`.
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::request(object);
        let query = ListQuery {
            user_id: members.optional("user_id")?,
            status: members.optional("status")?.unwrap_or_default(),
            limit: members.optional("limit")?.unwrap_or_default(),
            cursor: members.optional("cursor")?,
        };
        members.finish()?;
        Ok(query)
    }
}

impl LocalVerification {
    /// Reads the optional `audience` and `leeway_s` (whole seconds).
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::request(object);
        let audience = members.optional("audience")?;
        let leeway_secs = match members.take("leeway_s") {
            None => 0,
            Some(value) => json::whole_number(&value).ok_or_else(|| {
                Error::validation("leeway", "must be a whole number of seconds from 0 to 60")
            })?,
        };
        members.finish()?;
        Ok(LocalVerification { audience, leeway_secs })
    }
}

impl PurgeBefore {
    /// Reads `older_than` (a duration) or `before` (milliseconds since the epoch).
    ///
    /// # Errors
    /// `validation_error` unless exactly one of them is given.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::request(object);
        let older_than = members.optional("older_than")?;
        let before = members.optional("before")?;
        members.finish()?;
        match (older_than, before) {
            (Some(age), None) => Ok(PurgeBefore::OlderThan(age)),
            (None, Some(moment)) => Ok(PurgeBefore::Time(moment)),
            _ => Err(Error::validation("older_than", "exactly one of older_than and before is required")),
        }
    }
}
