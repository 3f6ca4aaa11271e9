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
    AccessToken
}
secret_text! {
    /// A refresh token (`rt_…`). Printing it shows nothing; [`expose`](Self::expose) hands it out.
    RefreshToken
}
secret_text! {
    /// The tenant's secret key (`sk_…`, at most 255 bytes), under which all its other keys are wrapped.
    ///
    /// The engine stretches it with Argon2id (19 MiB, 2 passes), so that a short key is not lost together with the file;
    /// choose a long random one all the same.
    SecretKey
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

impl SecretKey {
    /// Refuses a text that may not become a tenant's key. Presented for an existing tenant it is simply not its key.
    pub(crate) fn require_well_formed(&self) -> Result<&Self, Error> {
        match self.0.strip_prefix("sk_") {
            Some(rest) if !rest.is_empty() => Ok(self),
            _ => Err(Error::validation("secret_key", "must start with sk_ and go on after it")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_secret() {
        let key: SecretKey = "sk_live_abc".parse().unwrap();
        assert_eq!(format!("{key:?} {:?}", RefreshToken::new("rt_x".into())), "SecretKey(…) RefreshToken(…)");
    }
}
