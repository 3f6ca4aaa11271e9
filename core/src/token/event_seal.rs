//! The chain of a tenant's events and the seals that sign it (SPEC 10).
//!
//! The hash of an event is SHA-256 over the hash before it and the event's canonical JSON without its hash. The first event
//! follows a hash of the tenant's id, so that no log passes for another tenant's.

use jsonwebtoken::jwk::AlgorithmParameters;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::base64url;
use super::jwks::Jwks;
use super::keyring::RingKey;
use super::signature::{PublicKey, SIGNATURE_BYTES};
use crate::clock::Timestamp;
use crate::in_millis::InMillis;
use crate::json;
use crate::model::event::{Event, EventHash, EventSeq};
use crate::model::id::{KeyId, TenantId};

/// Before everything that is hashed or signed, so that it is nothing else: no token begins like this.
const FIRST_HASH_DOMAIN: &[u8] = b"hellojohn events of tenant\n";
const SEAL_DOMAIN: &[u8] = b"hellojohn seal of events\n";

/// The hash that the first event of a tenant follows.
pub(crate) fn first_hash(tenant: &TenantId) -> EventHash {
    hash(&[FIRST_HASH_DOMAIN, tenant.as_str().as_bytes()])
}

/// The hash of an event that follows this one.
pub(crate) fn chain(previous: EventHash, event: &Event) -> EventHash {
    match serde_json::to_value(InMillis(event)) {
        Ok(Value::Object(mut members)) => chain_members(previous, &mut members),
        // An event always becomes an object.
        _ => hash(&[&previous.0]),
    }
}

/// The hash of an event in its JSON form, from which the one that it states is taken out.
pub(crate) fn chain_members(previous: EventHash, event: &mut Map<String, Value>) -> EventHash {
    event.remove("hash");
    hash(&[&previous.0, json::to_canonical(event).as_bytes()])
}

fn hash(parts: &[&[u8]]) -> EventHash {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    EventHash(hasher.finalize().into())
}

/// What a seal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement<'a> {
    pub tenant_id: &'a str,
    /// The last event that it vouches for, 0 for none, and that event's hash.
    pub seq: EventSeq,
    pub hash: EventHash,
    pub sealed_at: Timestamp,
    pub kid: KeyId,
    /// Whether a log ends here: the seal of its last line.
    pub is_end: bool,
}

impl Statement<'_> {
    /// The statement's members, as an exported log has them beside the signature.
    pub(crate) fn members(&self) -> Map<String, Value> {
        let members = json!({
            "tenant_id": self.tenant_id,
            "seq": self.seq,
            "hash": self.hash.to_string(),
            "sealed_at": self.sealed_at.as_millis(),
            "kid": self.kid.to_string(),
        });
        match members {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    fn signed_bytes(&self) -> Vec<u8> {
        let mut members = self.members();
        members.insert("end".to_owned(), self.is_end.into());
        [SEAL_DOMAIN, json::to_canonical(&members).as_bytes()].concat()
    }

    /// Signs it with the key that it names.
    pub(crate) fn sign(&self, key: &RingKey) -> [u8; SIGNATURE_BYTES] {
        key.sign(&self.signed_bytes())
    }

    /// Whether the signature is good; nothing if the set does not have the key.
    pub(crate) fn verify(&self, signature: &[u8; SIGNATURE_BYTES], keys: &Jwks) -> Option<bool> {
        let key = keys.find(&self.kid.to_string())?;
        Some(key.verify(&self.signed_bytes(), signature))
    }
}

impl Jwks {
    /// The Ed25519 key with this id.
    fn find(&self, kid: &str) -> Option<PublicKey> {
        let jwk = self.0.keys.iter().find(|jwk| jwk.common.key_id.as_deref() == Some(kid))?;
        let AlgorithmParameters::OctetKeyPair(parameters) = &jwk.algorithm else { return None };
        let bytes: [u8; 32] = base64url::decode(&parameters.x)?.try_into().ok()?;
        PublicKey::from_bytes(&bytes)
    }
}

/// Reads a text of base64url as this many bytes.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    base64url::decode(text)?.try_into().ok()
}

/// Writes bytes as base64url.
pub(crate) fn encode(bytes: &[u8]) -> String {
    base64url::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::EventType;
    use crate::model::id::EventId;
    use crate::token::keyring::{KeyRing, KeyState};
    use zeroize::Zeroizing;

    fn key(byte: u8) -> RingKey {
        let id = KeyId::from_bytes([byte; 16]);
        RingKey::new(byte.into(), id, KeyState::Active, Timestamp::default(), &Zeroizing::new([byte; 32]))
    }

    #[test]
    fn a_seal_is_good_for_its_key_and_statement_only() {
        let jwks = KeyRing::new(vec![key(2), key(1)]).unwrap().jwks(Timestamp::default());
        let statement = Statement {
            tenant_id: "t",
            seq: 7,
            hash: EventHash([3; 32]),
            sealed_at: Timestamp::from_millis(1_001),
            kid: KeyId::from_bytes([1; 16]),
            is_end: false,
        };
        let signature = statement.sign(&key(1));
        assert_eq!(statement.verify(&signature, &jwks), Some(true));
        for other in [
            Statement { tenant_id: "u", ..statement.clone() },
            Statement { seq: 8, ..statement.clone() },
            Statement { hash: EventHash([4; 32]), ..statement.clone() },
            Statement { sealed_at: Timestamp::from_millis(1_002), ..statement.clone() },
            Statement { kid: KeyId::from_bytes([2; 16]), ..statement.clone() },
            Statement { is_end: true, ..statement.clone() },
        ] {
            assert_eq!(other.verify(&signature, &jwks), Some(false), "{other:?}");
        }
        assert_eq!(statement.verify(&statement.sign(&key(2)), &jwks), Some(false));
        let unknown = Statement { kid: KeyId::from_bytes([3; 16]), ..statement.clone() };
        assert_eq!(unknown.verify(&unknown.sign(&key(3)), &jwks), None);
        let members = json!({
            "tenant_id": "t", "seq": 7, "hash": EventHash([3; 32]).to_string(), "sealed_at": 1_001,
            "kid": statement.kid.to_string(),
        });
        assert_eq!(Value::Object(statement.members()), members);
    }

    #[test]
    fn a_hash_depends_on_the_tenant_the_hash_before_and_all_of_the_event_but_its_own_hash() {
        let event = Event {
            seq: 1,
            id: EventId::from_bytes([1; 16]),
            r#type: EventType::SessionEnded,
            at: Timestamp::from_millis(1_001),
            session_id: None,
            user_id: None,
            actor: None,
            data: Map::new(),
            hash: None,
        };
        let first = first_hash(&"t".parse().unwrap());
        assert_ne!(first, first_hash(&"u".parse().unwrap()));
        let hash = chain(first, &event);
        assert_eq!(chain(first, &Event { hash: Some(hash), ..event.clone() }), hash);
        assert_ne!(chain(hash, &event), hash);
        // To the millisecond, though texts for people have whole seconds.
        assert_ne!(chain(first, &Event { at: Timestamp::from_millis(1_002), ..event.clone() }), hash);
        assert_ne!(chain(first, &Event { seq: 2, ..event.clone() }), hash);
        assert_ne!(chain(first, &Event { user_id: Some("u".parse().unwrap()), ..event.clone() }), hash);
    }

    #[test]
    fn bytes_of_one_length_are_read_as_they_were_written() {
        assert_eq!(encode(&[0xfb, 0xff]), "-_8");
        assert_eq!(decode::<2>("-_8"), Some([0xfb, 0xff]));
        assert_eq!((decode::<1>("-_8"), decode::<3>("-_8"), decode::<2>("+/8")), (None, None, None));
    }
}
