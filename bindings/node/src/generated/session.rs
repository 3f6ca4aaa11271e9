//! Written by `make generate` from core's schema; do not edit.

use hellojohn::Session;
use hellojohn::in_millis::InMillis;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

/// A session's values in the order of `WireSession` in npm/node/src/generated/wire.ts.
pub(crate) struct SessionValues<'a>(pub &'a Session);

/// A value that the session was last seen with, and the one that it began with: `true` where they are the same.
struct Last<'a, T>(&'a Option<T>, &'a Option<T>);

impl<T: Serialize + PartialEq> Serialize for Last<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_some() && self.0 == self.1 {
            true.serialize(serializer)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl Serialize for SessionValues<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let session = self.0;
        let mut values = serializer.serialize_seq(None)?;
        values.serialize_element(&InMillis(&session.id))?;
        values.serialize_element(&InMillis(&session.user_id))?;
        values.serialize_element(&InMillis(&session.tenant_id))?;
        values.serialize_element(&InMillis(&session.status))?;
        values.serialize_element(&InMillis(&session.user_agent))?;
        values.serialize_element(&InMillis(&session.ip_address))?;
        values.serialize_element(&InMillis(&session.country))?;
        values.serialize_element(&InMillis(&session.device_type))?;
        values.serialize_element(&InMillis(&session.device_fingerprint))?;
        values.serialize_element(&InMillis(&session.created_at))?;
        values.serialize_element(&InMillis(&session.last_active_at))?;
        values.serialize_element(&InMillis(&session.expires_at))?;
        values.serialize_element(&InMillis(&session.access_expires_at))?;
        values.serialize_element(&InMillis(&session.revoked_at))?;
        values.serialize_element(&InMillis(&session.end_reason))?;
        values.serialize_element(&InMillis(&session.identity.org_id))?;
        values.serialize_element(&InMillis(&session.identity.role))?;
        values.serialize_element(&InMillis(&session.identity.mfa_verified))?;
        values.serialize_element(&InMillis(&session.identity.email))?;
        values.serialize_element(&InMillis(&session.identity.claims))?;
        values.serialize_element(&InMillis(&session.auth_time))?;
        values.serialize_element(&InMillis(&session.factors))?;
        values.serialize_element(&InMillis(&session.actor))?;
        values.serialize_element(&Last(&session.last_ip_address, &session.ip_address))?;
        values.serialize_element(&Last(&session.last_user_agent, &session.user_agent))?;
        values.end()
    }
}
