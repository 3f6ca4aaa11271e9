//! The JSON of the bindings and of the database, in which times are whole milliseconds since the epoch. The JSON of [`Serialize`] is
//! that of REST, whose times are texts of whole seconds. Not a part of the crate's public interface.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// A value that is written with times in milliseconds.
pub trait SerializeInMillis: Serialize {
    /// Writes it; a value without a time as [`Serialize`] does.
    ///
    /// # Errors
    /// Those of the serializer.
    fn serialize_in_millis<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }
}

/// The value with times in milliseconds.
pub struct InMillis<'a, T: ?Sized>(pub &'a T);

impl<T: SerializeInMillis + ?Sized> Serialize for InMillis<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_in_millis(serializer)
    }
}

impl<T: SerializeInMillis> SerializeInMillis for Option<T> {
    fn serialize_in_millis<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => serializer.serialize_some(&InMillis(value)),
            None => serializer.serialize_none(),
        }
    }
}

impl<T: SerializeInMillis> SerializeInMillis for [T] {
    fn serialize_in_millis<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(InMillis))
    }
}

impl<T: SerializeInMillis> SerializeInMillis for Vec<T> {
    fn serialize_in_millis<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_slice().serialize_in_millis(serializer)
    }
}

impl SerializeInMillis for bool {}
impl SerializeInMillis for u64 {}
impl SerializeInMillis for Box<str> {}
impl SerializeInMillis for Map<String, Value> {}

/// The members of a record that stands flat in another one, and has no times.
pub(crate) fn flat_members<E: serde::ser::Error>(record: &impl Serialize) -> Result<Map<String, Value>, E> {
    match serde_json::to_value(record) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(E::custom("a flat record is no object")),
        Err(error) => Err(E::custom(error)),
    }
}

/// The name of a field without the `r#` of one that is a keyword of Rust.
pub(crate) const fn plain_name(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

/// How a record is written with times in milliseconds; a flat one in it as the members that it has.
macro_rules! write_record {
    ($name:ident; $($field:ident, [$($flatten:ident)?];)+) => {
        impl $crate::in_millis::SerializeInMillis for $name {
            fn serialize_in_millis<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut members = serializer.serialize_map(None)?;
                $($crate::in_millis::write_member!(members, self.$field, stringify!($field), [$($flatten)?]);)+
                serde::ser::SerializeMap::end(members)
            }
        }
    };
}
pub(crate) use write_record;

macro_rules! write_member {
    ($members:ident, $field:expr, $name:expr, []) => {
        serde::ser::SerializeMap::serialize_entry(
            &mut $members,
            $crate::in_millis::plain_name($name),
            &$crate::in_millis::InMillis(&$field),
        )?
    };
    ($members:ident, $field:expr, $name:expr, [$flatten:ident]) => {
        for (name, value) in $crate::in_millis::flat_members(&$field)? {
            serde::ser::SerializeMap::serialize_entry(&mut $members, &name, &value)?;
        }
    };
}
pub(crate) use write_member;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::{CreateSession, Engine};
    use crate::{ManualClock, Timestamp};

    #[test]
    fn both_forms_have_the_same_members_and_differ_in_times_alone() {
        let clock = ManualClock::new(Timestamp::from_millis(1_705_314_600_999));
        let engine = Engine::builder().clock(clock).open(":memory:").unwrap();
        let tenant =
            engine.tenant(&"tnt_acme".parse().unwrap(), &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse().unwrap());
        let request =
            json!({"user_id": "usr_1", "factors": ["pwd"], "claims": {"plan": "pro"}, "role": "admin"});
        let request = CreateSession::from_json(request.as_object().unwrap().clone()).unwrap();
        let session = tenant.unwrap().create(request).unwrap().session;
        let shown = serde_json::to_value(&session).unwrap();
        let mut kept = serde_json::to_value(InMillis(&session)).unwrap();
        for (text, millis) in [
            ("created_at", 1_705_314_600_999_i64),
            ("last_active_at", 1_705_314_600_999),
            ("auth_time", 1_705_314_600_999),
            ("access_expires_at", 1_705_318_200_000),
            ("expires_at", 1_707_906_600_999),
        ] {
            assert_eq!(kept[text], millis, "{text}");
            kept[text] = shown[text].clone();
        }
        assert_eq!(kept["factors"], json!([{"method": "pwd", "at": 1_705_314_600_999_i64}]));
        assert_eq!(shown["factors"], json!([{"method": "pwd", "at": "2024-01-15T10:30:00Z"}]));
        kept["factors"] = shown["factors"].clone();
        assert_eq!(kept, shown);
        assert_eq!(shown["created_at"], "2024-01-15T10:30:00Z");
        assert_eq!((&shown["role"], &shown["revoked_at"]), (&json!("admin"), &Value::Null));
        // What the chain of events hashes.
        let event = crate::Event {
            seq: 7,
            id: "evt_01HZX5M3Q8W9E7R6T5Y4V3B2N1".parse().unwrap(),
            r#type: crate::EventType::SessionEnded,
            at: session.created_at,
            session_id: None,
            user_id: Some("usr_1".parse().unwrap()),
            actor: None,
            data: Map::from_iter([("end_reason".to_owned(), json!("revoked"))]),
            hash: None,
        };
        assert_eq!(
            serde_json::to_value(InMillis(&event)).unwrap(),
            json!({
                "seq": 7, "id": "evt_01HZX5M3Q8W9E7R6T5Y4V3B2N1", "type": "session.ended",
                "at": 1_705_314_600_999_i64, "session_id": null, "user_id": "usr_1", "actor": null,
                "data": {"end_reason": "revoked"}, "hash": null,
            })
        );
        let kept = serde_json::to_string(&InMillis(&session.factors)).unwrap();
        assert_eq!(kept, session.factors.to_stored().unwrap());
    }
}
