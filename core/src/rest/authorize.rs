//! Authorisation of requests to a host's own routes. It reads the same headers in the same way as the API.

use http::Method;
use http::request::Parts;
use serde_json::{Map, Value};

use super::auth::{read_bearer_credentials, require_same_tenant, to_credential_error};
use super::options::without_nulls;
use super::request_auth::RequestAuth;
use super::request_head::require_within_limits;
use crate::engine::{CacheValidator, LocalVerification, Tenant};
use crate::error::{Error, ErrorCode};
use crate::model::required_auth::RequiredAuth;
use crate::object_reader::ObjectReader;
use crate::schema::{RequestField, request_struct};
use crate::secret::AccessToken;
use crate::word_enum::word_enum;

word_enum! {
    /// What the access token of a request is checked against.
    pub enum Verification as "verify" default Store in rest {
        /// Its session in the store: refused from the instant that the session ended. The default.
        Store = "store",
        /// Signature and claims only: good until it expires, even after its session was revoked.
        Local = "local",
    }
}

/// What happens to a request without a bearer token.
///
/// ```
/// use hellojohn::rest::{AuthorizeOptions, MissingToken};
///
/// let visitors_too = AuthorizeOptions::default().missing_token(MissingToken::Allow);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum MissingToken {
    /// It is refused. The default.
    #[default]
    Reject,
    /// It passes as anonymous. A bad token is refused all the same.
    Allow,
}

request_struct! {
    /// Options of [`authorize`]; each has a default.
    ///
    /// ```
    /// use hellojohn::rest::{AuthorizeOptions, MissingToken, Verification};
    ///
    /// let options = AuthorizeOptions::default().missing_token(MissingToken::Allow).verification(Verification::Local);
    ///
    /// let json = serde_json::json!({"optional": true, "verify": "local"});
    /// assert_eq!(AuthorizeOptions::from_json(json.as_object().unwrap())?, options);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq, Default)]
    pub struct AuthorizeOptions {
        /// What the token is checked against.
        pub verification: Verification,
        /// What happens to a request without one.
        pub missing_token: MissingToken,
        /// How the user must have authenticated, else the request is refused with `reauthentication_required`, and whether
        /// another person may act for the user, else `insufficient_permissions`. By default any session passes. An anonymous
        /// request that may pass is not asked.
        pub required: RequiredAuth,
        /// Whether the host sends the [`headers`](field@super::Authorization::headers) of the outcome with its response, whatever that
        /// is; default false. Then [`RestApi::authorize`](super::RestApi::authorize) may replace the cookies of a page whose access token
        /// has expired. A host that loses them signs its users out.
        pub renew: bool,
    }
}

impl AuthorizeOptions {
    /// Reads the options in their JSON form: `verify` (`store`, `local`), `optional` (true: anonymous requests pass), `max_age`
    /// (a duration), `factors` (an array of names), `refuse_actor`, `role` (a text), `mfa` and `renew` (true or false).
    ///
    /// # Errors
    /// `validation_error` naming the option.
    pub fn from_json(object: &Map<String, Value>) -> Result<Self, Error> {
        let mut reader = ObjectReader::options(without_nulls(object));
        let verification = reader.optional("verify")?.unwrap_or_default();
        let missing_token = match reader.optional("optional")? {
            Some(true) => MissingToken::Allow,
            Some(false) | None => MissingToken::Reject,
        };
        let required = RequiredAuth::read(&mut reader, "")?;
        let renew = reader.optional("renew")?.unwrap_or_default();
        reader.finish()?;
        Ok(AuthorizeOptions { verification, missing_token, required, renew })
    }
}

/// The access token of a request that cannot carry it in `Authorization`, such as that of a WebSocket, which has it in its
/// query or sub-protocol: an extension of the request for [`authorize`]. It counts instead of the header.
///
/// ```
/// use hellojohn::rest::{BearerToken, http::Request};
///
/// let mut request = Request::get("/chat?access_token=eyJhbGciOi").body(()).expect("a request");
/// let token = request.uri().query().and_then(|query| query.strip_prefix("access_token=")).map(str::to_owned);
/// if let Some(token) = token {
///     request.extensions_mut().insert(BearerToken::from(token));
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BearerToken(pub AccessToken);

impl From<String> for BearerToken {
    fn from(token: String) -> Self {
        BearerToken(AccessToken::new(token))
    }
}

/// What a request brings in `Authorization`, or instead of it.
pub(super) enum Credentials<'a> {
    /// Nothing: it is a CORS preflight, which passes.
    Preflight,
    Token(&'a str),
    None,
}

/// Authorises a request to a route of the host's own by its `Authorization` header: returns the user that it comes from, or `None`
/// for an anonymous request that may pass, and for a CORS preflight, in which browsers send no credentials. Answer an error with
/// [`error_response`](super::error_response). Reaches the disk unless the token is verified locally.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
/// use hellojohn::rest::{AuthorizeOptions, authorize, http::Request};
///
/// let bearer = format!("Bearer {}", grant.access_token.expose());
/// let (request, ()) = Request::get("/account").header("authorization", bearer).body(()).expect("a request").into_parts();
/// let user = authorize(&tenant, &request, &AuthorizeOptions::default())?.expect("no preflight");
/// assert_eq!(user.user_id.as_str(), "usr_1");
/// # Ok::<(), hellojohn::Error>(())
/// ```
///
/// # Errors
/// `missing_token`; `invalid_token`, `token_expired`, `session_revoked`, `session_expired`;
/// `reauthentication_required`; `insufficient_permissions` for a person who acts for the user where that is refused;
/// `bad_request` for a header that must not be there twice; `tenant_mismatch`; an error of the store refuses the request and
/// never lets it pass.
pub fn authorize(
    tenant: &Tenant,
    parts: &Parts,
    options: &AuthorizeOptions,
) -> Result<Option<RequestAuth>, Error> {
    Ok(find_user(tenant, parts, options)?.map(|checked| checked.auth))
}

/// [`authorize`] with what the answer depends on.
pub(super) fn find_user(
    tenant: &Tenant,
    parts: &Parts,
    options: &AuthorizeOptions,
) -> Result<Option<CheckedToken>, Error> {
    match read_credentials(tenant, parts)? {
        Credentials::Preflight => Ok(None),
        Credentials::Token(token) => Ok(Some(check_token(tenant, token, options)?.of_request(parts))),
        Credentials::None => match options.missing_token {
            MissingToken::Allow => Ok(None),
            MissingToken::Reject => {
                Err(Error::new(ErrorCode::MissingToken, "the request has no bearer token"))
            }
        },
    }
}

pub(super) fn read_credentials<'a>(tenant: &Tenant, parts: &'a Parts) -> Result<Credentials<'a>, Error> {
    require_within_limits(parts, &[])?;
    if is_preflight(parts) {
        return Ok(Credentials::Preflight);
    }
    require_same_tenant(parts, tenant)?;
    let elsewhere = parts.extensions.get::<BearerToken>().map(|BearerToken(token)| token.expose());
    let token = match elsewhere {
        Some(token) => Some(token),
        None => read_bearer_credentials(parts)?,
    };
    Ok(token.map_or(Credentials::None, Credentials::Token))
}

/// The user of an access token that may pass.
pub(super) struct CheckedToken {
    pub auth: RequestAuth,
    /// Absent where the answer may change though nothing was committed, other than by the end of the token or of its session.
    pub validator: Option<CacheValidator>,
}

impl CheckedToken {
    /// The `Authorization` header of a request whose token came otherwise says nothing of its user: then nothing is to be remembered by it.
    pub(super) fn of_request(self, parts: &Parts) -> Self {
        let is_from_header = parts.extensions.get::<BearerToken>().is_none();
        CheckedToken { validator: self.validator.filter(|_| is_from_header), ..self }
    }
}

/// The user of an access token, if the route lets them pass.
pub(super) fn check_token(
    tenant: &Tenant,
    token: &str,
    options: &AuthorizeOptions,
) -> Result<CheckedToken, Error> {
    let verified = match options.verification {
        Verification::Store => tenant
            .require_auth(token, &options.required)
            .map(|verified| CheckedToken {
                auth: RequestAuth::of_access(&verified),
                // A factor grows too old while nothing else happens.
                validator: options.required.max_age.is_none().then(|| verified.validator().clone()),
            })
            .map_err(Error::from),
        Verification::Local => tenant
            .require_auth_locally(token, &LocalVerification::default(), &options.required)
            .map(|claims| CheckedToken { auth: RequestAuth::of_token(claims), validator: None }),
    };
    verified.map_err(to_credential_error)
}

/// Whether a browser asks here if a page of another origin may send a request (Fetch Standard, section "CORS-preflight
/// fetch"). The request itself follows, with its token.
fn is_preflight(parts: &Parts) -> bool {
    let has = |name: &str| parts.headers.contains_key(name);
    parts.method == Method::OPTIONS && has("origin") && has("access-control-request-method")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::{CreateSession, Engine, Grant};
    use crate::model::factor_methods::FactorMethods;

    const fn options(verification: Verification, missing_token: MissingToken) -> AuthorizeOptions {
        let required = RequiredAuth {
            max_age: None,
            factors: FactorMethods::NONE,
            refuse_actor: false,
            role: None,
            mfa: false,
        };
        AuthorizeOptions { verification, missing_token, required, renew: false }
    }

    static STORE: AuthorizeOptions = options(Verification::Store, MissingToken::Reject);
    static LOCAL: AuthorizeOptions = options(Verification::Local, MissingToken::Reject);
    static OPTIONAL: AuthorizeOptions = options(Verification::Store, MissingToken::Allow);

    fn tenant() -> (Engine, Tenant, Grant) {
        let engine = Engine::open(":memory:").unwrap();
        let tenant = engine
            .tenant(&"tnt_acme".parse().unwrap(), &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse().unwrap())
            .unwrap();
        let grant = tenant.create(CreateSession::new("usr_1".parse().unwrap())).unwrap();
        (engine, tenant, grant)
    }

    fn authorize_get(
        tenant: &Tenant,
        options: &AuthorizeOptions,
        headers: &[(&str, &str)],
    ) -> Result<String, ErrorCode> {
        let mut request = http::Request::get("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        match authorize(tenant, &parts, options) {
            Ok(auth) => Ok(auth.map_or_else(String::new, |auth| auth.user_id.to_string())),
            Err(error) => Err(error.code()),
        }
    }

    #[test]
    fn a_good_token_passes_and_everything_else_has_its_error() {
        let (_engine, tenant, grant) = tenant();
        let good = format!("Bearer {}", grant.access_token.expose());
        for options in [&STORE, &LOCAL, &OPTIONAL] {
            assert_eq!(authorize_get(&tenant, options, &[("authorization", &good)]), Ok("usr_1".into()));
            for bad in ["Bearer a.b.c", "Bearer sk_live_Vq3nT8kLx0cJ5wRzE7uYbA", "bearer a b"] {
                assert_eq!(
                    authorize_get(&tenant, options, &[("authorization", bad)]),
                    Err(ErrorCode::InvalidToken),
                    "{bad}"
                );
            }
            let twice = [("authorization", good.as_str()), ("authorization", &good)];
            assert_eq!(authorize_get(&tenant, options, &twice), Err(ErrorCode::BadRequest));
            let elsewhere = [("authorization", good.as_str()), ("x-tenant-id", "tnt_other")];
            assert_eq!(authorize_get(&tenant, options, &elsewhere), Err(ErrorCode::TenantMismatch));
        }
        for anonymous in [&[][..], &[("authorization", "Basic YTpi")], &[("authorization", "Bearer ")]] {
            assert_eq!(authorize_get(&tenant, &STORE, anonymous), Err(ErrorCode::MissingToken));
            assert_eq!(authorize_get(&tenant, &LOCAL, anonymous), Err(ErrorCode::MissingToken));
            assert_eq!(authorize_get(&tenant, &OPTIONAL, anonymous), Ok(String::new()));
        }
    }

    #[test]
    fn only_the_store_sees_a_revocation_and_a_closed_store_refuses_every_request() {
        let (engine, tenant, grant) = tenant();
        let headers = [("authorization", &*format!("Bearer {}", grant.access_token.expose()))];
        tenant.revoke(grant.session.id).unwrap();
        assert_eq!(authorize_get(&tenant, &STORE, &headers), Err(ErrorCode::SessionRevoked));
        assert_eq!(authorize_get(&tenant, &OPTIONAL, &headers), Err(ErrorCode::SessionRevoked));
        assert_eq!(authorize_get(&tenant, &LOCAL, &headers), Ok("usr_1".into()));
        engine.close().unwrap();
        assert_eq!(authorize_get(&tenant, &OPTIONAL, &headers), Err(ErrorCode::EngineClosed));
        assert_eq!(authorize_get(&tenant, &LOCAL, &headers), Err(ErrorCode::EngineClosed));
    }

    #[test]
    fn a_preflight_passes_and_nothing_that_only_looks_like_one() {
        let (_engine, tenant, _) = tenant();
        let ask = |method: &str, headers: &[(&str, &str)]| {
            let mut request = http::Request::builder().method(method).uri("/");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            authorize(&tenant, &parts, &STORE).map_err(|error| error.code())
        };
        let preflight = [("origin", "https://app.example"), ("access-control-request-method", "GET")];
        assert_eq!(ask("OPTIONS", &preflight), Ok(None));
        for (method, headers) in [("GET", &preflight[..]), ("OPTIONS", &preflight[..1]), ("OPTIONS", &[])] {
            assert_eq!(ask(method, headers), Err(ErrorCode::MissingToken), "{method}");
        }
    }

    #[test]
    fn a_token_from_elsewhere_counts_instead_of_the_header() {
        let (_engine, tenant, grant) = tenant();
        let ask = |token: &str, header: &str| {
            let request = http::Request::get("/chat").header("authorization", header);
            let request = request.extension(BearerToken::from(token.to_owned()));
            let (parts, ()) = request.body(()).unwrap().into_parts();
            authorize(&tenant, &parts, &STORE).map(drop).map_err(|error| error.code())
        };
        let good = grant.access_token.expose();
        assert_eq!(ask(good, "Bearer a.b.c"), Ok(()));
        assert_eq!(ask("a.b.c", &format!("Bearer {good}")), Err(ErrorCode::InvalidToken));
        assert_eq!(ask("a b\u{1}", "Basic YTpi"), Err(ErrorCode::InvalidToken));
    }

    #[test]
    fn the_store_answers_with_the_session_as_it_is_now_and_a_token_with_what_it_says() {
        let (_engine, tenant, grant) = tenant();
        let update = |text: &str| {
            let patch = serde_json::from_str::<Value>(text).unwrap().as_object().unwrap().clone();
            tenant
                .update(grant.session.id, crate::model::identity::IdentityPatch::from_json(patch).unwrap())
                .unwrap()
        };
        let admin = update(r#"{"role":"admin","org_id":"org_1","claims":{"plan":"pro"}}"#).access_token;
        let member = update(r#"{"role":"member","mfa_verified":true,"claims":{"plan":"free"}}"#).access_token;
        let ask = |token: &AccessToken, options: &AuthorizeOptions| {
            let request =
                http::Request::get("/").header("authorization", format!("Bearer {}", token.expose()));
            let (parts, ()) = request.body(()).unwrap().into_parts();
            let auth = authorize(&tenant, &parts, options).unwrap().unwrap();
            serde_json::to_value(auth).unwrap()
        };
        let now = json!({
            "user_id": "usr_1",
            "session_id": grant.session.id,
            "tenant_id": "tnt_acme",
            "org_id": "org_1",
            "role": "member",
            "mfa_verified": true,
            "claims": {"plan": "free"},
            "auth_time": grant.session.auth_time,
            "factors": [],
            "actor_user_id": null,
            "outdated": false,
        });
        assert_eq!(ask(&member, &STORE), now);
        assert_eq!(ask(&member, &LOCAL), now);
        let mut outdated = now.clone();
        outdated["outdated"] = true.into();
        assert_eq!(ask(&admin, &STORE), outdated);
        assert_eq!(ask(&grant.access_token, &STORE), outdated);
        let mut said = now;
        said["role"] = "admin".into();
        said["mfa_verified"] = false.into();
        said["claims"] = json!({"plan": "pro"});
        assert_eq!(ask(&admin, &LOCAL), said);
    }

    #[test]
    fn options_are_read_from_json() {
        let read = |text: &str| {
            AuthorizeOptions::from_json(serde_json::from_str::<Value>(text).unwrap().as_object().unwrap())
        };
        assert_eq!(read("{}"), Ok(STORE.clone()));
        assert_eq!(read(r#"{"verify":"local","optional":false}"#), Ok(LOCAL.clone()));
        assert_eq!(read(r#"{"verify":"store","optional":true}"#), Ok(OPTIONAL.clone()));
        let recent = read(r#"{"max_age":"5m","factors":["otp"]}"#).unwrap();
        assert_eq!(recent.required.max_age, Some("5m".parse().unwrap()));
        assert_eq!(recent.required.factors, "otp".parse().unwrap());
        for bad in [
            r#"{"verify":"no"}"#,
            r#"{"verify":true}"#,
            r#"{"optional":"yes"}"#,
            r#"{"option":1}"#,
            r#"{"max_age":0}"#,
            r#"{"factors":"otp"}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_factor_that_is_missing_or_too_old_is_asked_for() {
        let (_engine, tenant, grant) = tenant();
        let headers = [("authorization", &*format!("Bearer {}", grant.access_token.expose()))];
        let asking = |verify: &str| {
            let text = format!(r#"{{"verify":"{verify}","max_age":"1h","factors":["otp"]}}"#);
            AuthorizeOptions::from_json(crate::json::parse_object(text.as_bytes()).as_ref().unwrap()).unwrap()
        };
        let refused = Err(ErrorCode::ReauthenticationRequired);
        assert_eq!(authorize_get(&tenant, &asking("store"), &headers), refused);
        let patch = crate::model::identity::IdentityPatch::default().factor(Some("otp".parse().unwrap()));
        let updated = tenant.update(grant.session.id, patch).unwrap();
        // The store knows of the factor, the token of before does not.
        assert_eq!(authorize_get(&tenant, &asking("store"), &headers), Ok("usr_1".into()));
        assert_eq!(authorize_get(&tenant, &asking("local"), &headers), refused);
        let headers = [("authorization", &*format!("Bearer {}", updated.access_token.expose()))];
        assert_eq!(authorize_get(&tenant, &asking("local"), &headers), Ok("usr_1".into()));
    }
}
