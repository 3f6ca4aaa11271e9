//! The signing keys of a tenant and their states: next → active → retiring → retired (SPEC 4, keys).

use std::sync::Arc;

use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, OctetKeyPairParameters,
    OctetKeyPairType, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, Header};

use super::base64url;
use super::jwks::Jwks;
use super::signature::{KeyPair, SIGNATURE_BYTES};
use crate::clock::Timestamp;
use crate::model::id::KeyId;
use crate::schema::public_record;
use crate::secret::SecretBytes;
use crate::word_enum::word_enum;

word_enum! {
    /// The state of a signing key.
    pub enum KeyState as "state" {
        /// Published, signs nothing yet.
        Next = "next",
        /// Signs new tokens.
        Active = "active",
        /// Signs no new tokens; those that it signed are still good.
        Retiring = "retiring",
        /// Deleted: its tokens are not good any more.
        Retired = "retired",
    }
}

public_record! {
    /// A signing key. As JSON: the names below, times as RFC 3339 in whole
    /// seconds, absent values null.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// let keys = tenant.keys()?;
    /// assert!(keys.iter().any(|key| key.state == hellojohn::KeyState::Active));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct KeyInfo {
        /// Its id, the `kid` of its tokens: `key_` and a ULID.
        pub kid: KeyId,
        /// Its state.
        pub state: KeyState,
        /// When it was made.
        pub created_at: Timestamp,
        /// Of an active or retiring key: when it began to sign.
        pub activated_at: Option<Timestamp>,
        /// Of a retiring key: when another key took over. Absent where the records of retired keys cannot tell.
        pub retiring_at: Option<Timestamp>,
        /// Of a retiring key: when the last token that it signed expires, and it leaves the JWK Set.
        pub leaves_at: Option<Timestamp>,
    }
}

/// A key's number within its tenant: short enough for every session's row.
pub(crate) type KeyNo = i64;

/// The `typ` of a revocation list, which no access token has.
pub(super) const LIST_TYPE: &str = "hellojohn-revocations+jwt";

/// A key that can sign or verify.
pub(crate) struct RingKey {
    pub no: KeyNo,
    pub id: KeyId,
    pub state: KeyState,
    /// For a retiring key: when the last of the tokens that it signed expires.
    pub drained_at: Timestamp,
    pub(super) keys: KeyPair,
    /// The only header that tokens of this key have, encoded. Comparing it as a whole compares `alg`, finds the `kid`
    /// and refuses `crit`, `jku` and every other member that a header could smuggle in.
    pub(super) header: String,
    /// The header of the revocation lists that it signs, encoded.
    pub(super) list_header: String,
}

impl RingKey {
    pub(crate) fn new(
        no: KeyNo,
        id: KeyId,
        state: KeyState,
        drained_at: Timestamp,
        seed: &SecretBytes,
    ) -> Self {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(id.to_string());
        let encode = |header: &Header| base64url::encode(serde_json::to_vec(header).unwrap_or_default());
        let token_header = encode(&header);
        header.typ = Some(LIST_TYPE.to_owned());
        RingKey {
            no,
            id,
            state,
            drained_at,
            keys: KeyPair::from_seed(seed),
            header: token_header,
            list_header: encode(&header),
        }
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.keys.sign(bytes)
    }

    /// Whether the JWKS lists it. A retiring key leaves when its last token has expired.
    fn is_published(&self, now: Timestamp) -> bool {
        match self.state {
            KeyState::Next | KeyState::Active => true,
            KeyState::Retiring => now < self.drained_at,
            KeyState::Retired => false,
        }
    }

    /// Whether a token with this `exp` can be this key's: an attacker with a leaked old key cannot sign tokens that last
    /// longer than those the key signed in its time.
    pub(super) fn may_sign_until(&self, expires_at: Timestamp) -> bool {
        match self.state {
            KeyState::Next | KeyState::Active => true,
            KeyState::Retiring => expires_at <= self.drained_at,
            KeyState::Retired => false,
        }
    }

    fn jwk(&self) -> Jwk {
        Jwk {
            common: CommonParameters {
                public_key_use: Some(PublicKeyUse::Signature),
                key_algorithm: Some(KeyAlgorithm::EdDSA),
                key_id: Some(self.id.to_string()),
                ..CommonParameters::default()
            },
            algorithm: AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
                key_type: OctetKeyPairType::OctetKeyPair,
                curve: EllipticCurve::Ed25519,
                x: base64url::encode(self.keys.public_bytes()),
            }),
        }
    }
}

/// The keys of a tenant that are not retired, as of one moment of the database.
pub(crate) struct KeyRing {
    keys: Vec<Arc<RingKey>>,
    active: Arc<RingKey>,
}

impl KeyRing {
    /// `None` if no key is active, which only a damaged database can cause.
    pub(crate) fn new(keys: Vec<RingKey>) -> Option<Self> {
        let keys: Vec<_> = keys.into_iter().map(Arc::new).collect();
        let active = Arc::clone(keys.iter().find(|key| key.state == KeyState::Active)?);
        Some(KeyRing { keys, active })
    }

    pub(crate) fn active(&self) -> &Arc<RingKey> {
        &self.active
    }

    /// When the last token of the retiring keys expires.
    pub(crate) fn drained_at(&self) -> Timestamp {
        let retiring = self.keys.iter().filter(|key| key.state == KeyState::Retiring);
        retiring.map(|key| key.drained_at).max().unwrap_or_default()
    }

    /// The key with this number, unless it is retired.
    pub(crate) fn by_no(&self, no: KeyNo) -> Option<&Arc<RingKey>> {
        self.keys.iter().find(|key| key.no == no)
    }

    pub(super) fn by_header(&self, header: &str) -> Option<&RingKey> {
        self.keys.iter().find(|key| key.header == header).map(Arc::as_ref)
    }

    /// Whether this could be the header of a key that the ring does not hold.
    pub(super) fn could_be_of_another_key(&self, header: &str) -> bool {
        // Both encode `{"typ":"JWT","alg":"EdDSA","kid":"key_…"}`, so they share length and the part before the ULID.
        const SHARED: usize = 48;
        header.len() == self.active.header.len()
            && header.as_bytes().get(..SHARED) == self.active.header.as_bytes().get(..SHARED)
    }

    /// The public keys as a JWK Set (RFC 7517): next, active, and retiring ones with tokens that have not
    /// expired.
    pub(crate) fn jwks(&self, now: Timestamp) -> Jwks {
        let published = self.keys.iter().filter(|key| key.is_published(now));
        Jwks(JwkSet { keys: published.map(|key| key.jwk()).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    #[test]
    fn header_and_jwk_stay_the_same_when_packages_are_updated() {
        let key = RingKey::new(
            1,
            KeyId::from_bytes([1; 16]),
            KeyState::Active,
            Timestamp::default(),
            &Zeroizing::new([2; 32]),
        );
        let header = String::from_utf8(base64url::decode(&key.header).unwrap()).unwrap();
        assert_eq!(header, r#"{"typ":"JWT","alg":"EdDSA","kid":"key_01040G2081040G2081040G2081"}"#);
        let jwk = serde_json::to_value(key.jwk()).unwrap();
        assert_eq!(jwk["kty"], "OKP");
        assert_eq!(jwk["crv"], "Ed25519");
        assert_eq!(jwk["use"], "sig");
        assert_eq!(jwk["alg"], "EdDSA");
    }

    fn key(no: u8, state: KeyState, drained_secs: i64) -> RingKey {
        let drained_at = Timestamp::from_secs(drained_secs);
        RingKey::new(no.into(), KeyId::from_bytes([no; 16]), state, drained_at, &Zeroizing::new([no; 32]))
    }

    #[test]
    fn a_retiring_key_is_published_until_its_last_token_has_expired() {
        let keys =
            [key(1, KeyState::Retiring, 50), key(2, KeyState::Retiring, 100), key(3, KeyState::Active, 200)];
        let ring = KeyRing::new(keys.into_iter().chain([key(4, KeyState::Next, 0)]).collect()).unwrap();
        assert_eq!(ring.drained_at(), Timestamp::from_secs(100), "of those that retire");
        assert!((1..=4).all(|no| ring.by_no(no).is_some_and(|key| key.no == no)) && ring.by_no(5).is_none());
        let published = |millis| {
            let keys = ring.jwks(Timestamp::from_millis(millis)).0.keys;
            keys.into_iter().filter_map(|jwk| jwk.common.key_id).collect::<Vec<_>>()
        };
        let ids: Vec<String> = (1..=4).map(|no| KeyId::from_bytes([no; 16]).to_string()).collect();
        assert_eq!(published(49_999), ids);
        assert_eq!(published(50_000), ids[1..]);
        assert_eq!(published(99_999), ids[1..]);
        assert_eq!(published(100_000), ids[2..]);
        assert!(!key(5, KeyState::Retired, 100).is_published(Timestamp::default()));
        assert!(!key(5, KeyState::Retired, 100).may_sign_until(Timestamp::default()));
    }

    #[test]
    fn a_header_of_the_same_form_could_be_of_another_key_and_no_other_header() {
        let ring = KeyRing::new(vec![key(1, KeyState::Active, 0)]).unwrap();
        let other = key(2, KeyState::Active, 0).header;
        assert!(ring.could_be_of_another_key(&other) && ring.by_header(&other).is_none());
        let header = key(1, KeyState::Active, 0).header;
        assert_eq!(ring.by_header(&header).map(|key| key.no), Some(1));
        for changed in
            [format!("{other}A"), other[1..].to_owned(), other.replacen('e', "f", 1), String::new()]
        {
            assert!(!ring.could_be_of_another_key(&changed), "{changed}");
        }
        assert!(!ring.could_be_of_another_key(&key(2, KeyState::Active, 0).list_header));
    }
}
