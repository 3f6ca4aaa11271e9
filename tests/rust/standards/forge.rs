//! A tenant whose signing key the tests know: what only a genuine signature lets through to the next check can be tried.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hellojohn::{
    CreateSession, Engine, EngineBuilder, ErrorCode, Grant, KeyState, LocalVerification, ManualClock, Random,
    RandomUnavailable, SeededRandom, Tenant, Timestamp,
};
use hellojohn_tests::fixture::{SECRET, START, user};
use serde_json::Value;

use crate::signature::KeyPair;

pub const TENANT: &str = "tnt_standards";

/// A source of random bytes that remembers what it gave.
#[derive(Clone)]
pub struct Recorder {
    source: Arc<dyn Random>,
    given: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Recorder {
    pub fn new(source: impl Random + 'static) -> Self {
        Recorder { source: Arc::new(source), given: Arc::default() }
    }

    /// Everything that was given, in its order.
    pub fn given(&self) -> Vec<Vec<u8>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The 32 bytes that were given: seeds and keys.
    pub fn keys(&self) -> Vec<[u8; 32]> {
        self.given().into_iter().filter_map(|bytes| bytes.try_into().ok()).collect()
    }
}

impl Random for Recorder {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomUnavailable> {
        self.source.fill(buffer)?;
        self.given.lock().unwrap_or_else(PoisonError::into_inner).push(buffer.to_vec());
        Ok(())
    }
}

/// The tenant, and a genuine token of it to change.
pub struct Forge {
    pub engine: Engine,
    pub tenant: Tenant,
    pub clock: ManualClock,
    pub grant: Grant,
    random: Recorder,
}

impl Forge {
    pub fn new() -> Self {
        Forge::with(Engine::builder(), SeededRandom::new(11), ":memory:")
    }

    pub fn with(
        builder: EngineBuilder,
        random: impl Random + 'static,
        database: impl AsRef<std::ffi::OsStr>,
    ) -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(START));
        let random = Recorder::new(random);
        let engine = builder.clock(clock.clone()).random(random.clone()).open(database).expect("an engine");
        let tenant = engine.tenant(&TENANT.parse().expect("an id"), &SECRET.parse().expect("a key"));
        let tenant = tenant.expect("a tenant");
        let grant = tenant.create(CreateSession::new(user("usr_1"))).expect("a session");
        Forge { engine, tenant, clock, grant, random }
    }

    pub fn token(&self) -> &str {
        self.grant.access_token.expose()
    }

    /// Every random value that the engine has drawn.
    pub fn random(&self) -> &Recorder {
        &self.random
    }

    /// The public key of the key that signs now, as the JWK Set has it.
    pub fn public_key(&self) -> [u8; 32] {
        let kid = self.active_kid();
        let set = self.tenant.jwks().expect("the keys").to_json();
        let keys = set["keys"].as_array().expect("a list");
        let key = keys.iter().find(|key| key["kid"] == *kid).expect("the key");
        decode(key["x"].as_str().expect("a text")).try_into().expect("32 bytes")
    }

    pub fn active_kid(&self) -> String {
        let keys = self.tenant.keys().expect("the keys");
        let active = keys.iter().find(|key| key.state == KeyState::Active).expect("an active key");
        active.kid.to_string()
    }

    /// The private half of the key that signs now.
    pub fn key_pair(&self) -> KeyPair {
        let public = self.public_key();
        let pairs = self.random.keys().into_iter().map(|seed| KeyPair::from_seed(&seed));
        pairs.into_iter().find(|pair| pair.public_bytes() == public).expect("the seed was drawn")
    }

    /// A token of these two encoded parts with the signature that the tenant's key makes of them.
    pub fn sign(&self, header: &str, payload: &str) -> String {
        let signature = self.key_pair().sign(format!("{header}.{payload}").as_bytes());
        format!("{header}.{payload}.{}", encode(signature))
    }

    /// A signed token with this header instead of the genuine one.
    pub fn with_header(&self, header: &str) -> String {
        self.sign(&encode(header), part(self.token(), 1))
    }

    /// A signed token with this payload instead of the genuine one.
    pub fn with_payload(&self, payload: impl AsRef<[u8]>) -> String {
        self.sign(part(self.token(), 0), &encode(payload))
    }

    /// A signed token with this claim changed, or taken away where there is no value.
    pub fn with_claim(&self, name: &str, value: Option<Value>) -> String {
        let mut claims = self.claims();
        match value {
            Some(value) => claims.insert(name.to_owned(), value),
            None => claims.remove(name),
        };
        self.with_payload(serde_json::to_vec(&claims).expect("JSON"))
    }

    /// The genuine header.
    pub fn header(&self) -> String {
        String::from_utf8(decode(part(self.token(), 0))).expect("UTF-8")
    }

    /// The genuine payload.
    pub fn payload(&self) -> String {
        String::from_utf8(decode(part(self.token(), 1))).expect("UTF-8")
    }

    pub fn claims(&self) -> BTreeMap<String, Value> {
        serde_json::from_str(&self.payload()).expect("an object")
    }

    /// What each way to verify says of a token.
    pub fn verdicts(&self, token: &str) -> [Result<(), ErrorCode>; 2] {
        let local = self.tenant.verify_locally(token, &LocalVerification::default());
        let stored = self.tenant.verify_access_token(token);
        [
            local.map(drop).map_err(|error| error.code()),
            stored.map(drop).map_err(|refused| refused.error.code()),
        ]
    }

    #[track_caller]
    pub fn accepts(&self, token: &str) {
        assert_eq!(self.verdicts(token), [Ok(()), Ok(())], "{token}");
    }

    #[track_caller]
    pub fn refuses(&self, token: &str) {
        let verdict = || Err(ErrorCode::InvalidToken);
        assert_eq!(self.verdicts(token), [verdict(), verdict()], "{token}: {}", readable(token));
    }
}

/// One of the parts of a token.
pub fn part(token: &str, at: usize) -> &str {
    token.split('.').nth(at).expect("a part")
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

pub fn decode_hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2) && text.is_ascii(), "{text}");
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(digits).collect()
}

/// The first two parts in clear, for a failure's text.
fn readable(token: &str) -> String {
    let parts = token.split('.').take(2).map(|part| URL_SAFE_NO_PAD.decode(part).unwrap_or_default());
    parts.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect::<Vec<_>>().join(" . ")
}
