//! Sessions of another system that are imported (SPEC 15): the credential that their clients hold, and a row of an import.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::json;
use crate::model::client::ClientInfo;
use crate::model::id::UserId;
use crate::model::identity::Identity;
use crate::model::session::SessionTimes;
use crate::object_reader::ObjectReader;
use crate::schema::RequestField;
use crate::text::host_text;

host_text! {
    /// The name of a session in the system that it is imported from: opaque, exact bytes, 1 to 255 of them.
    ExternalId, "external_id", 255
}

/// The shortest credential that may be imported: what can be guessed could be found from its hash.
const CREDENTIAL_MIN: usize = 12;

/// The longest credential, in bytes: browsers keep no longer cookie.
const CREDENTIAL_MAX: usize = 4096;

/// SHA-256 of the credential that a client of another system holds. The credential itself is not kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CredentialHash(pub(crate) [u8; 32]);

impl CredentialHash {
    /// Of a credential that a client presents; nothing for a text that cannot be one.
    pub(crate) fn of(credential: &str) -> Option<Self> {
        let is_possible = (CREDENTIAL_MIN..=CREDENTIAL_MAX).contains(&credential.len());
        is_possible.then(|| CredentialHash(Sha256::digest(credential).into()))
    }

    /// Of the text that [`of`](Self::of) would get of a system that keeps SHA-256 twice over and hands out what is hashed: its
    /// credential is the hexadecimal form of the first hash.
    pub(crate) fn of_hashed(credential: &str) -> Option<Self> {
        let once = CredentialHash::of(credential)?;
        Some(CredentialHash(Sha256::digest(once.to_hex()).into()))
    }

    fn to_hex(self) -> String {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
        self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }
}

impl fmt::Debug for CredentialHash {
    /// All of it: the digest by which two databases are compared is of what records print.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl FromStr for CredentialHash {
    type Err = Error;

    /// # Errors
    /// `validation_error` for anything but 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::validation("credential_sha256", "must be 64 hexadecimal digits");
        let nibble = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(wrong()) };
        let bytes: Option<Vec<u8>> =
            pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect();
        let bytes = bytes.ok_or_else(wrong)?.try_into().map_err(|_| wrong())?;
        Ok(CredentialHash(bytes))
    }
}

/// By what a session that was imported before is found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImportKey {
    pub credential: CredentialHash,
    pub external_id: Option<ExternalId>,
}

/// One session of another system.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ImportRow {
    pub key: ImportKey,
    pub user_id: UserId,
    pub created_at: Timestamp,
    pub last_active_at: Timestamp,
    /// Where the system that it comes from ends it.
    pub expires_at: Option<Timestamp>,
    pub client: ClientInfo,
    pub identity: Identity,
}

impl ImportRow {
    /// Reads a line of an import. A time that is not given is the nearest one that is: the sign-in was the last activity, the
    /// last activity is now.
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub(crate) fn parse(line: &[u8], now: Timestamp) -> Result<Self, Error> {
        let object: Map<String, Value> = json::parse_object(line)
            .ok_or_else(|| Error::validation("row", "must be a JSON object without duplicate names"))?;
        let mut members = ObjectReader::request(object);
        let user_id = UserId::read(&mut members, "user_id")?;
        let credential = read_credential(&mut members)?;
        let external_id = members.optional("external_id")?;
        let mut time = |name| -> Result<Option<Timestamp>, Error> {
            let millis: Option<u64> = members.optional(name)?;
            Ok(millis.map(|millis| Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))))
        };
        let (created_at, last_active_at) = (time("created_at")?, time("last_active_at")?);
        let expires_at = time("expires_at")?;
        let mut client = ClientInfo::read(&mut members, "")?;
        let identity = Identity::read(&mut members, "")?;
        members.finish()?;
        let last_active_at = last_active_at.unwrap_or(now);
        let created_at = created_at.unwrap_or(last_active_at);
        if last_active_at > now {
            return Err(Error::validation("last_active_at", "must not be later than now"));
        }
        if created_at > last_active_at {
            return Err(Error::validation("created_at", "must not be later than last_active_at or now"));
        }
        client.device_type = Some(client.effective_device_type());
        let key = ImportKey { credential, external_id };
        Ok(ImportRow { key, user_id, created_at, last_active_at, expires_at, client, identity })
    }

    /// Whether the system that it comes from has ended it by `now`.
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// The times of the session that it becomes: its own, and the earlier one of its own end and `latest_end`.
    pub(crate) fn times(&self, latest_end: Timestamp) -> SessionTimes {
        SessionTimes {
            created_at: self.created_at,
            last_active_at: self.last_active_at,
            expires_at: self.expires_at.map_or(latest_end, |end| end.min(latest_end)),
            end: None,
            judged_by: 0,
        }
    }
}

fn read_credential(members: &mut ObjectReader) -> Result<CredentialHash, Error> {
    let credential: Option<String> = members.optional("credential")?;
    let hash: Option<String> = members.optional("credential_sha256")?;
    match (credential, hash) {
        (Some(credential), None) => CredentialHash::of(&Zeroizing::new(credential)).ok_or_else(|| {
            let problem = format_args!("must be {CREDENTIAL_MIN} to {CREDENTIAL_MAX} bytes");
            Error::validation("credential", problem)
        }),
        (None, Some(hash)) => hash.parse(),
        _ => Err(Error::validation(
            "credential",
            "exactly one of credential and credential_sha256 is required",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn problem(line: &str) -> String {
        ImportRow::parse(line.as_bytes(), NOW).unwrap_err().detail().to_owned()
    }

    #[test]
    fn a_hash_is_what_its_credential_hashes_to() {
        let hash = "1a5d44a2dca19669d72edf4c4f1c27c4c1ca4b4408fbb17f6ce4ad452d78ddb3";
        let of_hash = format!(r#"{{"user_id":"u","credential_sha256":"{}"}}"#, hash.to_uppercase());
        let of_text = r#"{"user_id":"u","credential":"0123456789abcdef"}"#;
        let [of_hash, of_text] =
            [&of_hash, of_text].map(|line| ImportRow::parse(line.as_bytes(), NOW).unwrap());
        assert_eq!(of_text.key.credential, CredentialHash::of("0123456789abcdef").unwrap());
        assert_ne!(of_hash.key, of_text.key);
        assert_eq!(format!("{:?}", of_hash.key.credential), hash);
        let once = format!("{:?}", of_text.key.credential);
        assert_eq!(CredentialHash::of_hashed("0123456789abcdef"), CredentialHash::of(&once));
    }

    #[test]
    fn a_time_that_is_not_given_is_the_nearest_one_that_is() {
        let times = |times: &str| {
            let line = format!(r#"{{"user_id":"u","credential":"0123456789abcdef"{times}}}"#);
            let row = ImportRow::parse(line.as_bytes(), NOW).unwrap();
            (row.created_at.as_millis(), row.last_active_at.as_millis())
        };
        assert_eq!(times(""), (1_000, 1_000));
        assert_eq!(times(r#","created_at":5"#), (5, 1_000));
        assert_eq!(times(r#","last_active_at":7"#), (7, 7));
        assert_eq!(times(r#","created_at":5,"last_active_at":7"#), (5, 7));
    }

    #[test]
    fn a_bad_row_is_named_by_its_field() {
        for (line, expected) in [
            ("[]", "row: must be"),
            (r#"{"credential":"0123456789abcdef"}"#, "user_id: is required"),
            (r#"{"user_id":"u"}"#, "credential: exactly one"),
            (r#"{"user_id":"u","credential":"short"}"#, "credential: must be 12 to 4096 bytes"),
            (r#"{"user_id":"u","credential_sha256":"1a"}"#, "credential_sha256: must be 64"),
            (
                r#"{"user_id":"u","credential":"0123456789abcdef","created_at":-1}"#,
                "created_at: must be a whole",
            ),
            (
                r#"{"user_id":"u","credential":"0123456789abcdef","created_at":1001}"#,
                "created_at: must not be",
            ),
            (
                r#"{"user_id":"u","credential":"0123456789abcdef","last_active_at":1001}"#,
                "last_active_at: must",
            ),
            (r#"{"user_id":"u","credential":"0123456789abcdef","ip_address":"x"}"#, "ip_address: "),
            (r#"{"user_id":"u","credential":"0123456789abcdef","rolle":"x"}"#, "rolle: is not"),
        ] {
            assert!(problem(line).starts_with(expected), "{line}: {}", problem(line));
        }
    }
}
