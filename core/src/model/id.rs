//! Identifiers: those that the engine mints (`ses_…`, `key_…`) and those that the host brings.

use std::fmt;
use std::str::FromStr;

use parking_lot::Mutex;
use ulid::Ulid;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Failure};
use crate::object_reader::ObjectReader;
use crate::random::{self, Random};
use crate::schema::RequestField;
use crate::text::{host_text, text_value};

host_text! {
    /// The host's name for a user (`usr_…` in the documents): opaque, exact bytes, 1 to 255 of them.
    ///
    /// ```
    /// let value: hellojohn::UserId = "usr_1".parse()?;
    /// assert_eq!(value.as_str(), "usr_1");
    /// assert!("".parse::<hellojohn::UserId>().is_err());
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    UserId, "user_id", 255, example "usr_01HABCDEF123456"
}
host_text! {
    /// The name of a tenant (`tnt_…`): opaque, exact bytes, 1 to 255 of them. It is the audience of its access tokens.
    ///
    /// ```
    /// let value: hellojohn::TenantId = "tnt_acme".parse()?;
    /// assert_eq!(value.as_str(), "tnt_acme");
    /// assert!("".parse::<hellojohn::TenantId>().is_err());
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    TenantId, "tenant_id", 255, example "tnt_01HABCDEF654321"
}
host_text! {
    /// The host's name for an organisation (`org_…`): opaque, exact bytes, 1 to 255 of them.
    ///
    /// ```
    /// let value: hellojohn::OrgId = "org_1".parse()?;
    /// assert_eq!(value.as_str(), "org_1");
    /// assert!("".parse::<hellojohn::OrgId>().is_err());
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    OrgId, "org_id", 255
}

impl RequestField for UserId {
    /// A request that needs a user does not mean "any user" when it names none.
    fn read(members: &mut ObjectReader, name: &str) -> Result<Self, Error> {
        members.required(name)
    }
}

macro_rules! minted_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $pattern:literal, $code:expr, $unknown:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl fmt::Debug for $name {
            /// The text form, which logs and lists have too.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl $name {
            pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
                $name(Ulid::from_bytes(bytes))
            }

            pub(crate) const fn to_bytes(self) -> [u8; 16] {
                self.0.to_bytes()
            }

            /// The canonical text or nothing: the ULID reader also takes lower case and look-alike letters.
            fn read(text: &str) -> Option<Self> {
                let ulid = Ulid::from_string(text.strip_prefix($prefix)?).ok()?;
                let id = $name(ulid);
                (id.to_string() == text).then_some(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut buffer = [0; ulid::ULID_LEN];
                f.write_str($prefix)?;
                f.write_str(self.0.array_to_str(&mut buffer))
            }
        }

        impl serde::Serialize for $name {
            /// In one piece: lists of sessions write very many.
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut text = [0; $prefix.len() + ulid::ULID_LEN];
                text[..$prefix.len()].copy_from_slice($prefix.as_bytes());
                if let Some(digits) = text.last_chunk_mut() {
                    self.0.array_to_str(digits);
                }
                serializer.serialize_str(str::from_utf8(&text).map_err(serde::ser::Error::custom)?)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            /// Reads an id; a text that is no id simply names nothing.
            fn from_str(text: &str) -> Result<Self, Error> {
                $name::read(text).ok_or_else(|| Error::new($code, $unknown))
            }
        }

        text_value!($name, pattern $pattern);
    };
}

minted_id! {
    /// The name of a session: `ses_` and a ULID, sortable by sign-in. A name, never a credential.
    ///
    /// ```
    /// let id: hellojohn::SessionId = "ses_01HZX5M3Q8W9E7R6T5Y4V3B2N1".parse()?;
    /// assert_eq!(id.to_string(), "ses_01HZX5M3Q8W9E7R6T5Y4V3B2N1");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    SessionId, "ses_", "^ses_[0-9A-HJKMNP-TV-Z]{26}$", ErrorCode::SessionNotFound, "no such session"
}
minted_id! {
    /// The name of a signing key, the `kid` of its tokens: `key_` and a ULID.
    ///
    /// ```
    /// let id: hellojohn::KeyId = "key_01HZX5M3Q8W9E7R6T5Y4V3B2N1".parse()?;
    /// assert_eq!(id.to_string(), "key_01HZX5M3Q8W9E7R6T5Y4V3B2N1");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    KeyId, "key_", "^key_[0-9A-HJKMNP-TV-Z]{26}$", ErrorCode::NotFound, "no such key"
}
minted_id! {
    /// The name of an event: `evt_` and a ULID of the time at which the event was recorded.
    ///
    /// ```
    /// let id: hellojohn::EventId = "evt_01HZX5M3Q8W9E7R6T5Y4V3B2N1".parse()?;
    /// assert_eq!(id.to_string(), "evt_01HZX5M3Q8W9E7R6T5Y4V3B2N1");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    EventId, "evt_", "^evt_[0-9A-HJKMNP-TV-Z]{26}$", ErrorCode::NotFound, "no such event"
}
host_text! {
    /// Who changed something, as the host names it (`admin:ada`, `cron`): opaque, exact bytes, 1 to 255 of them.
    ///
    /// ```
    /// let value: hellojohn::Actor = "admin:ada".parse()?;
    /// assert_eq!(value.as_str(), "admin:ada");
    /// assert!("".parse::<hellojohn::Actor>().is_err());
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    Actor, "actor", 255, example "admin:ada"
}

impl SessionId {
    /// The name of a session that was opened then, elsewhere.
    pub(crate) fn drawn_at(time: Timestamp, random: &dyn Random) -> Result<Self, Failure> {
        let entropy = random::draw_bytes::<16>(random)?;
        Ok(SessionId(Ulid::from_parts(time.as_millis().max(0) as u64, u128::from_be_bytes(*entropy))))
    }

    /// Above every id that is minted before this time, and below every other.
    pub(crate) fn first_at(time: Timestamp) -> Self {
        SessionId(Ulid::from_parts(time.as_millis().max(0) as u64, 0))
    }
}

/// Mints ULIDs that grow within this process even while the clock stands still, so that sign-ins of one millisecond
/// keep their order.
pub(crate) struct IdMint(Mutex<Ulid>);

impl IdMint {
    pub(crate) fn new() -> Self {
        IdMint(Mutex::new(Ulid::nil()))
    }

    pub(crate) fn session(&self, now: Timestamp, random: &dyn Random) -> Result<SessionId, Failure> {
        self.mint(now, random).map(SessionId)
    }

    pub(crate) fn key(&self, now: Timestamp, random: &dyn Random) -> Result<KeyId, Failure> {
        self.mint(now, random).map(KeyId)
    }

    pub(crate) fn event(&self, now: Timestamp, random: &dyn Random) -> Result<EventId, Failure> {
        self.mint(now, random).map(EventId)
    }

    fn mint(&self, now: Timestamp, random: &dyn Random) -> Result<Ulid, Failure> {
        let millis = now.as_millis().max(0) as u64;
        let entropy = random::draw_bytes::<16>(random)?;
        let mut last = self.0.lock();
        let fresh = Ulid::from_parts(millis, u128::from_be_bytes(*entropy));
        *last = if last.timestamp_ms() == millis {
            // Overflow of the 80 random bits needs a first value within a hair of the top: take the fresh one then.
            last.increment().unwrap_or(fresh)
        } else {
            fresh
        };
        Ok(*last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn ids_grow_within_one_millisecond() {
        let (mint, random) = (IdMint::new(), SeededRandom::new(1));
        let ids: Vec<_> =
            (0..100).map(|_| mint.session(Timestamp::from_millis(5), &random).unwrap()).collect();
        assert!(ids.is_sorted());
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn only_the_canonical_text_is_an_id() {
        let id = SessionId::from_bytes([7; 16]);
        let text = id.to_string();
        assert_eq!(text.parse::<SessionId>().unwrap(), id);
        assert_eq!(format!("{id:?}"), format!("SessionId({text})"));
        let zeros = SessionId::from_bytes([0; 16]).to_string();
        for bad in [
            text.to_lowercase(),
            text[4..].to_owned(),
            text.replace("ses_", "key_"),
            format!("{text}0"),
            format!("{text} "),
            zeros.replacen('0', "O", 1),
            "ses_01HABCDEF999888".into(),
            "ses_ZZZZZZZZZZZZZZZZZZZZZZZZZZ".into(),
            String::new(),
        ] {
            assert_eq!(bad.parse::<SessionId>().unwrap_err().code(), ErrorCode::SessionNotFound, "{bad}");
        }
    }
}
