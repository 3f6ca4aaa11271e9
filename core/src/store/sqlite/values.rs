//! How the model's values are kept in SQL. A trait of our own, because the driver's would show on the crate's public types.

use rusqlite::types::{ToSqlOutput, Value as SqlValue};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::json;
use crate::model::claims::Claims;
use crate::model::event::EventHash;
use crate::model::factor::Factors;
use crate::model::imported::CredentialHash;
use crate::model::ip_address::IpAddress;
use crate::model::session_actor::SessionActor;
use crate::model::session_filter::SessionFilter;
use crate::text::AsText;

pub(super) trait AsSql {
    fn as_sql(&self) -> ToSqlOutput<'_>;
}

impl<T: AsText> AsSql for T {
    fn as_sql(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::from(self.as_text())
    }
}

impl<T: AsSql> AsSql for Option<T> {
    fn as_sql(&self) -> ToSqlOutput<'_> {
        self.as_ref().map_or(ToSqlOutput::Owned(SqlValue::Null), T::as_sql)
    }
}

macro_rules! as_sql {
    ($($Type:ty),+: |$value:ident| $sql:expr) => {
        $(impl AsSql for $Type {
            fn as_sql(&self) -> ToSqlOutput<'_> {
                let $value = self;
                ToSqlOutput::from($sql)
            }
        })+
    };
}

as_sql! { bool, i64, u32: |number| *number }
as_sql! { u64: |number| *number as i64 } // the model bounds every such number to what SQL holds
as_sql! { [u8; 16], [u8; 64], Vec<u8>: |bytes| bytes.as_slice() }
as_sql! { EventHash, CredentialHash: |hash| hash.0.as_slice() }
as_sql! { String: |text| text.as_str() }
as_sql! { Map<String, Value>: |object| json::to_canonical(object) }
as_sql! { Timestamp: |time| time.as_millis() }
as_sql! { Duration, IpAddress: |value| value.to_string() }
as_sql! { SessionFilter: |filter| filter.to_json() }

impl AsSql for Factors {
    fn as_sql(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Owned(self.to_stored().map_or(SqlValue::Null, SqlValue::Text))
    }
}

impl AsSql for SessionActor {
    fn as_sql(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Owned(self.to_stored().map_or(SqlValue::Null, SqlValue::Text))
    }
}

impl AsSql for Claims {
    fn as_sql(&self) -> ToSqlOutput<'_> {
        let text = (!self.as_object().is_empty()).then(|| self.to_string());
        ToSqlOutput::Owned(text.map_or(SqlValue::Null, SqlValue::Text))
    }
}
