//! Secret texts: wiped when dropped, redacted when printed, compared in constant time.

use std::fmt;
use std::str::FromStr;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::text;

/// 32 secret bytes.
pub(crate) type SecretBytes = Zeroizing<[u8; 32]>;

macro_rules! secret_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            pub(crate) fn new(text: String) -> Self {
                $name(Zeroizing::new(text))
            }

            /// The secret itself, to hand to its owner. Do not log it.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
            }
        }

        impl Eq for $name {}
    };
}

secret_text! {
    /// A signed access token (JWT, RFC 7519). Printing it shows nothing; [`expose`](Self::expose) hands it out.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// assert_eq!(format!("{:?}", grant.access_token), "AccessToken(…)");
    /// let header = format!("Bearer {}", grant.access_token.expose());
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    AccessToken
}
secret_text! {
    /// A refresh token (`rt_…`). Printing it shows nothing; [`expose`](Self::expose) hands it out.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// assert_eq!(format!("{:?}", grant.refresh_token), "RefreshToken(…)");
    /// assert!(grant.refresh_token.expose().starts_with("rt_"));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    RefreshToken
}
secret_text! {
    /// The tenant's secret key (`sk_…`, at most 255 bytes), under which all its other keys are wrapped.
    ///
    /// Make a random one: `echo "sk_live_$(openssl rand -hex 16)"`. The engine stretches it with Argon2id (19 MiB, 2
    /// passes) all the same. A tenant in a file is made with, and changed to, a key of at least 22 characters after the
    /// prefix (`sk_live_`, `sk_test_`, else `sk_`); a tenant in memory may have a shorter one.
    ///
    /// ```
    /// let key: hellojohn::SecretKey = "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?;
    /// assert_eq!(format!("{key:?}"), "SecretKey(…)");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    SecretKey
}

#[cfg(feature = "postgres")]
secret_text! {
    /// What a login at a database needs: a password, or a URL that holds one.
    DatabaseSecret
}

impl FromStr for SecretKey {
    type Err = Error;

    /// # Errors
    /// `validation_error` for an empty text, one that is too long, or one with a NUL character. The form (`sk_…`) is
    /// checked only where the text becomes a tenant's key.
    fn from_str(key: &str) -> Result<Self, Error> {
        text::bounded("secret_key", key, 255).map(|key| SecretKey::new(key.into()))
    }
}

/// How strong a text must be to become a tenant's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyStrength {
    /// Of any length: nothing is on disk that a guess could open.
    Any,
    /// As long as 128 random bits are in base64.
    Full,
}

/// The characters of 16 bytes in base64 without padding.
const FULL_STRENGTH_CHARS: usize = 22;

impl SecretKey {
    /// Refuses a text that may not become a tenant's key. Presented for an existing tenant it is simply not its key.
    ///
    /// Only `live_` and `test_` belong to the prefix: any other word may be the beginning of a random text, in which
    /// base64url has underscores too.
    pub(crate) fn require_strength(&self, strength: KeyStrength) -> Result<&Self, Error> {
        let rest = self.0.strip_prefix("sk_").unwrap_or_default();
        if rest.is_empty() {
            return Err(Error::validation("secret_key", "must start with sk_ and go on after it"));
        }
        // A key that was read from a file with its line end would be another key than the one without.
        if self.0.chars().any(char::is_whitespace) {
            return Err(Error::validation(
                "secret_key",
                "must not have white space, such as a line end behind it",
            ));
        }
        let random = rest.strip_prefix("live_").or_else(|| rest.strip_prefix("test_")).unwrap_or(rest);
        if strength == KeyStrength::Full && random.chars().count() < FULL_STRENGTH_CHARS {
            let problem = format_args!(
                "must have at least {FULL_STRENGTH_CHARS} characters after its prefix (sk_live_, sk_test_ or sk_); \
                 make one with: echo \"sk_live_$(openssl rand -hex 16)\""
            );
            return Err(Error::validation("secret_key", problem));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strong_key_has_22_characters_after_its_prefix() {
        let check = |text: &str, strength| {
            let key: SecretKey = text.parse().unwrap();
            key.require_strength(strength).map(|_| ()).map_err(|error| error.detail().to_owned())
        };
        let random = "Vq3nT8kLx0cJ5wRzE7uYbA";
        for prefix in ["sk_", "sk_live_", "sk_test_"] {
            assert_eq!(check(&format!("{prefix}{random}"), KeyStrength::Full), Ok(()));
            let weak = format!("{prefix}{}", &random[1..]);
            assert!(check(&weak, KeyStrength::Full).unwrap_err().contains("openssl rand"), "{weak}");
            assert_eq!(check(&weak, KeyStrength::Any), Ok(()));
        }
        // Characters count, not bytes; a random text may have underscores.
        assert!(
            check("sk_\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", KeyStrength::Full)
                .is_err()
        );
        assert_eq!(check("sk_abc_efghijklmnopqrstuv", KeyStrength::Full), Ok(()));
        for space in ["\n", "\r\n", " ", "\t", "\u{a0}"] {
            for strength in [KeyStrength::Any, KeyStrength::Full] {
                let refused = check(&format!("sk_live_{random}{space}"), strength);
                assert!(refused.unwrap_err().contains("white space"), "{space:?}");
            }
        }
        for shapeless in ["sk_", "sk", "pk_live_Vq3nT8kLx0cJ5wRzE7uYbA", "SK_live_Vq3nT8kLx0cJ5wRzE7uYbA"] {
            for strength in [KeyStrength::Any, KeyStrength::Full] {
                assert!(
                    check(shapeless, strength).unwrap_err().contains("must start with sk_"),
                    "{shapeless}"
                );
            }
        }
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let key: SecretKey = "sk_live_abc".parse().unwrap();
        assert_eq!(format!("{key:?} {:?}", RefreshToken::new("rt_x".into())), "SecretKey(…) RefreshToken(…)");
    }
}
