//! Tokens: signing and verifying access tokens (JWT, RFC 7519; EdDSA, RFC 8037), minting and recognising refresh
//! tokens, the keys of a tenant. Signatures and JWT occur in this folder only.
//!
//! jsonwebtoken supplies the header and JWK types. The bytes are signed and verified with ed25519-dalek directly:
//! jsonwebtoken's own `encode` and `decode` depend on a process-wide provider that belongs to the host, and on the
//! system clock.

pub(crate) mod access_claims;
pub(crate) mod issuer;
pub(crate) mod keyring;
pub(crate) mod refresh_token;
pub(crate) mod verifier;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The longest access token, in bytes.
pub(crate) const ACCESS_TOKEN_MAX: usize = 8 * 1024;

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Canonical unpadded base64url or nothing (RFC 7515, section 2; RFC 4648, section 3.5).
fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
