//! Refresh tokens: `rt_` + base64url(version ‖ session ULID ‖ generation ‖ tag). The tag is an HMAC under the tenant's
//! refresh key, so that a reader of the database can make no token from what it holds (SPEC 3).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::base64url;
use crate::model::id::SessionId;
use crate::secret::{RefreshToken, SecretBytes};

const PREFIX: &str = "rt_";
const VERSION: u8 = 1;
const TAG_BYTES: usize = 32;
/// The length of every token: the prefix and base64url of 53 bytes, which are 1 of the version, 16 of the session, 4 of the
/// generation and those of the tag.
const TOKEN_CHARS: usize = 74;
/// Sets the tags of refresh tokens apart from other uses of the refresh key.
const TOKEN_DOMAIN: &[u8] = b"hellojohn refresh token v1\0";

/// The random value of a session that its tags depend on, so that they do not repeat in another database.
pub(crate) type Nonce = [u8; 16];

/// A refresh token as read from a text; genuine only if [`RefreshKey::verify`] says so.
#[derive(Clone, Copy)]
pub(crate) struct PresentedToken {
    pub session: SessionId,
    pub generation: u32,
    tag: [u8; TAG_BYTES],
}

impl PresentedToken {
    /// Reads the one canonical text form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != TOKEN_CHARS {
            return None;
        }
        let bytes = base64url::decode(text.strip_prefix(PREFIX)?)?;
        let (version, rest) = bytes.split_first()?;
        let (session, rest) = rest.split_first_chunk::<16>()?;
        let (generation, tag) = rest.split_first_chunk::<4>()?;
        (*version == VERSION).then_some(PresentedToken {
            session: SessionId::from_bytes(*session),
            generation: u32::from_be_bytes(*generation),
            tag: tag.try_into().ok()?,
        })
    }

    /// Whether a text looks like a refresh token rather than an access token.
    pub(crate) fn has_prefix(text: &str) -> bool {
        text.starts_with(PREFIX)
    }
}

/// The session that a text in the form of a refresh token names; nothing for any other text. Whether the token is genuine only
/// a call that takes it says: use this to find a session to look at, never to decide.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
/// let id = hellojohn::session_of_refresh_token(grant.refresh_token.expose());
/// assert_eq!(id, Some(grant.session.id));
/// # Ok::<(), hellojohn::Error>(())
/// ```
pub fn session_of_refresh_token(text: &str) -> Option<SessionId> {
    PresentedToken::parse(text).map(|token| token.session)
}

/// The tenant's key behind the tags of refresh tokens and cursors.
pub(crate) struct RefreshKey(Hmac<Sha256>);

impl RefreshKey {
    pub(crate) fn new(secret: &SecretBytes) -> Self {
        // HMAC pads a short key with zeros to the hash's block (RFC 2104, section 2); done here, it cannot fail.
        let mut block = Zeroizing::new([0; 64]);
        block[..secret.len()].copy_from_slice(secret.as_slice());
        RefreshKey(Hmac::new(&(*block).into()))
    }

    /// Starts a tag for one use of the key, which `domain` sets apart from its other uses.
    pub(super) fn start_tag(&self, domain: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(domain);
        mac
    }

    fn tag(&self, session: SessionId, generation: u32, nonce: &Nonce) -> [u8; TAG_BYTES] {
        let mut mac = self.start_tag(TOKEN_DOMAIN);
        mac.update(&session.to_bytes());
        mac.update(&generation.to_be_bytes());
        mac.update(nonce);
        mac.finalize().into_bytes().into()
    }

    /// Mints the session's refresh token of this generation: the same values give the same token.
    pub(crate) fn mint(&self, session: SessionId, generation: u32, nonce: &Nonce) -> RefreshToken {
        let mut bytes = Vec::with_capacity(TOKEN_CHARS);
        bytes.push(VERSION);
        bytes.extend(session.to_bytes());
        bytes.extend(generation.to_be_bytes());
        bytes.extend(self.tag(session, generation, nonce));
        RefreshToken::new(format!("{PREFIX}{}", base64url::encode(bytes)))
    }

    /// Whether this key made the token, in constant time.
    pub(crate) fn verify(&self, token: &PresentedToken, nonce: &Nonce) -> bool {
        self.tag(token.session, token.generation, nonce).ct_eq(&token.tag).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(byte: u8) -> RefreshKey {
        RefreshKey::new(&Zeroizing::new([byte; 32]))
    }

    #[test]
    fn a_token_with_one_changed_character_is_not_genuine() {
        let session = SessionId::from_bytes([3; 16]);
        let token = key(1).mint(session, 7, &[5; 16]);
        let text = token.expose();
        let read = PresentedToken::parse(text).unwrap();
        assert_eq!((read.session, read.generation), (session, 7));
        assert!(PresentedToken::has_prefix(text) && !PresentedToken::has_prefix(&text[1..]));
        assert_eq!(session_of_refresh_token(text), Some(session));
        assert_eq!(session_of_refresh_token(&text[1..]), None);
        assert!(key(1).verify(&read, &[5; 16]));
        assert!(!key(2).verify(&read, &[5; 16]) && !key(1).verify(&read, &[6; 16]));
        for at in 0..text.len() {
            for other in ["A", "B", "-", "=", "+"] {
                let mut mutated = text.to_owned();
                mutated.replace_range(at..=at, other);
                let genuine =
                    PresentedToken::parse(&mutated).is_some_and(|read| key(1).verify(&read, &[5; 16]));
                assert_eq!(genuine, mutated == text, "{at} {other}");
            }
        }
    }

    proptest! {
        #[test]
        fn texts_that_were_not_minted_are_not_parsed(text in "\\PC{0,100}") {
            prop_assert!(PresentedToken::parse(&text).is_none());
        }

        #[test]
        fn a_minted_token_is_parsed_and_verified(session: [u8; 16], generation: u32, nonce: [u8; 16]) {
            let token = key(9).mint(SessionId::from_bytes(session), generation, &nonce);
            let read = PresentedToken::parse(token.expose()).unwrap();
            prop_assert_eq!(read.session.to_bytes(), session);
            prop_assert_eq!(read.generation, generation);
            prop_assert!(key(9).verify(&read, &nonce));
        }
    }
}
