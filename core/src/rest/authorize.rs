//! The gate in front of a host's own routes: who is calling, by the same reading of the same headers as the API's.

use http::request::Parts;
use serde_json::{Map, Value};

use super::auth::{as_credential, bearer, same_tenant};
use super::request::within_limits;
use crate::engine::{LocalVerification, Tenant};
use crate::error::{Error, ErrorCode};
use crate::token::access_claims::AccessClaims;
use crate::word_enum::word_enum;

word_enum! {
    /// What the access token of a request is checked against.
    pub enum Verification as "verify" default Store {
        /// Its session in the store: refused from the instant that the session ended. The default.
        Store = "store",
        /// Signature and claims only: good until it expires, even after its session was revoked.
        Local = "local",
    }
}

/// What becomes of a request without a bearer token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum MissingToken {
    /// It is refused. The default.
    #[default]
    Reject,
    /// It passes as nobody's. A bad token is refused all the same.
    Allow,
}

/// How [`authorize`] decides; each option has a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuthorizeOptions {
    /// What the token is checked against.
    pub verification: Verification,
    /// What becomes of a request without one.
    pub anonymous: MissingToken,
}

impl AuthorizeOptions {
    /// Reads the options in their JSON form: `verify` (`store`, `local`) and `optional` (true: anonymous requests pass).
    ///
    /// # Errors
    /// `validation_error` naming the option.
    pub fn from_json(object: &Map<String, Value>) -> Result<Self, Error> {
        let mut options = AuthorizeOptions::default();
        for (name, value) in object {
            match (name.as_str(), value) {
                (_, Value::Null) => {}
                ("verify", Value::String(word)) if word == "store" => {
                    options.verification = Verification::Store;
                }
                ("verify", Value::String(word)) if word == "local" => {
                    options.verification = Verification::Local;
                }
                ("verify", _) => return Err(Error::validation("verify", "must be store or local")),
                ("optional", Value::Bool(true)) => options.anonymous = MissingToken::Allow,
                ("optional", Value::Bool(false)) => options.anonymous = MissingToken::Reject,
                ("optional", _) => return Err(Error::validation("optional", "must be true or false")),
                _ => return Err(Error::validation("options", "hold verify and optional only")),
            }
        }
        Ok(options)
    }
}

/// Who calls a route of the host's own: the claims of the request's access token, or nothing for an anonymous request
/// that may pass. Answer an error with [`error_response`](super::error_response). Reaches the disk unless the token is
/// verified locally.
///
/// # Errors
/// `missing_token`; `invalid_token`, `token_expired`, `session_revoked`, `session_expired`; `bad_request` for a header
/// that must not be there twice; `tenant_mismatch`; what the store could not say is its own error, never a pass.
pub fn authorize(
    tenant: &Tenant,
    parts: &Parts,
    options: &AuthorizeOptions,
) -> Result<Option<AccessClaims>, Error> {
    within_limits(parts, &[])?;
    same_tenant(parts, tenant)?;
    let Some(token) = bearer(parts)? else {
        return match options.anonymous {
            MissingToken::Allow => Ok(None),
            MissingToken::Reject => {
                Err(Error::new(ErrorCode::MissingToken, "the Authorization header has no bearer token"))
            }
        };
    };
    let verified = match options.verification {
        Verification::Store => {
            tenant.verify_access_token(token).map(|verified| verified.claims.clone()).map_err(Error::from)
        }
        Verification::Local => tenant.verify_locally(token, &LocalVerification::default()),
    };
    verified.map(Some).map_err(as_credential)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{CreateSession, Engine, Grant};

    const STORE: AuthorizeOptions =
        AuthorizeOptions { verification: Verification::Store, anonymous: MissingToken::Reject };
    const LOCAL: AuthorizeOptions = AuthorizeOptions { verification: Verification::Local, ..STORE };
    const OPTIONAL: AuthorizeOptions = AuthorizeOptions { anonymous: MissingToken::Allow, ..STORE };

    fn tenant() -> (Engine, Tenant, Grant) {
        let engine = Engine::open(":memory:").unwrap();
        let tenant = engine.tenant(&"tnt_acme".parse().unwrap(), &"sk_live_abc123".parse().unwrap()).unwrap();
        let grant = tenant.create(CreateSession::new("usr_1".parse().unwrap())).unwrap();
        (engine, tenant, grant)
    }

    fn ask(
        tenant: &Tenant,
        options: AuthorizeOptions,
        headers: &[(&str, &str)],
    ) -> Result<String, ErrorCode> {
        let mut request = http::Request::get("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        match authorize(tenant, &parts, &options) {
            Ok(claims) => Ok(claims.map_or_else(String::new, |claims| claims.user_id.to_string())),
            Err(error) => Err(error.code()),
        }
    }

    #[test]
    fn a_good_token_passes_and_everything_else_has_its_error() {
        let (_engine, tenant, grant) = tenant();
        let good = format!("Bearer {}", grant.access_token.expose());
        for options in [STORE, LOCAL, OPTIONAL] {
            assert_eq!(ask(&tenant, options, &[("authorization", &good)]), Ok("usr_1".into()));
            for bad in ["Bearer a.b.c", "Bearer sk_live_abc123", "bearer a b"] {
                assert_eq!(
                    ask(&tenant, options, &[("authorization", bad)]),
                    Err(ErrorCode::InvalidToken),
                    "{bad}"
                );
            }
            let twice = [("authorization", good.as_str()), ("authorization", &good)];
            assert_eq!(ask(&tenant, options, &twice), Err(ErrorCode::BadRequest));
            let elsewhere = [("authorization", good.as_str()), ("x-tenant-id", "tnt_other")];
            assert_eq!(ask(&tenant, options, &elsewhere), Err(ErrorCode::TenantMismatch));
        }
        for anonymous in [&[][..], &[("authorization", "Basic YTpi")], &[("authorization", "Bearer ")]] {
            assert_eq!(ask(&tenant, STORE, anonymous), Err(ErrorCode::MissingToken));
            assert_eq!(ask(&tenant, LOCAL, anonymous), Err(ErrorCode::MissingToken));
            assert_eq!(ask(&tenant, OPTIONAL, anonymous), Ok(String::new()));
        }
    }

    #[test]
    fn only_the_store_knows_of_a_revocation_and_a_closed_store_lets_nobody_pass() {
        let (engine, tenant, grant) = tenant();
        let headers = [("authorization", &*format!("Bearer {}", grant.access_token.expose()))];
        tenant.revoke(grant.session.id).unwrap();
        assert_eq!(ask(&tenant, STORE, &headers), Err(ErrorCode::SessionRevoked));
        assert_eq!(ask(&tenant, OPTIONAL, &headers), Err(ErrorCode::SessionRevoked));
        assert_eq!(ask(&tenant, LOCAL, &headers), Ok("usr_1".into()));
        engine.close().unwrap();
        assert_eq!(ask(&tenant, OPTIONAL, &headers), Err(ErrorCode::EngineClosed));
        assert_eq!(ask(&tenant, LOCAL, &headers), Err(ErrorCode::EngineClosed));
    }

    #[test]
    fn the_json_form() {
        let read = |text: &str| {
            AuthorizeOptions::from_json(serde_json::from_str::<Value>(text).unwrap().as_object().unwrap())
        };
        assert_eq!(read("{}"), Ok(STORE));
        assert_eq!(read(r#"{"verify":"local","optional":false}"#), Ok(LOCAL));
        assert_eq!(read(r#"{"verify":"store","optional":true}"#), Ok(OPTIONAL));
        for bad in [r#"{"verify":"no"}"#, r#"{"verify":true}"#, r#"{"optional":"yes"}"#, r#"{"option":1}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
