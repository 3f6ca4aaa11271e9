//! Tokens: signing and verifying access tokens (JWT, RFC 7519; EdDSA, RFC 8037), minting and verifying refresh tokens
//! and list cursors, the keys of a tenant. Signatures and JWT occur in this folder only.
//!
//! jsonwebtoken supplies the header and JWK types. The bytes are signed and verified with ed25519-dalek directly
//! (`signature.rs`): jsonwebtoken's own `encode` and `decode` depend on a process-wide provider that belongs to the host, and on the
//! system clock.

pub(crate) mod access_claims;
mod base64url;
pub(crate) mod event_seal;
pub(crate) mod failure_key;
pub(crate) mod issuer;
pub(crate) mod jwks;
pub(crate) mod keyring;
mod list_cursor;
pub(crate) mod refresh_token;
pub(crate) mod revocation_list;
mod revoke_plan;
mod signature;
pub(crate) mod verifier;
