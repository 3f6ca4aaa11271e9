//! Requests to the host's own routes as JavaScript asks about them: who they come from, and which cookies are renewed on the way.

use hellojohn::in_millis::InMillis;
use hellojohn::rest::{self, Authorization, AuthorizeOptions, BearerToken, RequestAuth, RestApi};
use hellojohn::{Error, ErrorCode, Operation};
use napi::bindgen_prelude::{Either, Env};
use napi_derive::napi;
use serde::Serialize;
use serde_json::json;

use crate::calls::{Answer, Outcome, read_object};
use crate::encode::encode;
use crate::rest::{Rest, build_request, encode_headers};
use crate::tenant::keep_validator;

#[napi]
impl Rest {
    /// Authorizes a request to a route of the host: method, names and values of the headers in turn, `AuthorizeOptions` as
    /// JSON, an access token that counts instead of the header's → `{auth, number, operation}`: the user or null, the number of the
    /// answer's validator where it may be remembered, and as what it is told; `{required: {max_age, factors}}` for a user who must authenticate in that way;
    /// `{renew: true}` where the cookies have to be renewed. On this thread, so that no request waits behind other reads.
    #[napi(catch_unwind)]
    pub fn authorize(
        &self,
        env: Env,
        method: String,
        headers: Vec<String>,
        options: String,
        token: Option<String>,
    ) -> Either<String, u32> {
        let parts = build_request(&method, "/", &headers, Vec::new(), None).map(|mut request| {
            if let Some(token) = token {
                request.extensions_mut().insert(BearerToken::from(token));
            }
            request.into_parts().0
        });
        let api = self.reads_access_cookie().then(|| self.options.clone());
        self.calls.read_inline(env, move |engine, tenant| {
            let options = AuthorizeOptions::from_json(&read_object(&options)?)?;
            let parts = parts.as_ref().map_err(Error::clone)?;
            let found = match &api {
                Some(api) => RestApi::new(tenant.clone(), api.clone())?.authorize_by_reading(parts, &options),
                None => Some(rest::authorize_cacheable(tenant, parts, &options)),
            };
            let Some(Authorization { auth, validator, .. }) = found else {
                return encode(&json!({"renew": true}));
            };
            let number = validator.and_then(|validator| keep_validator(engine, tenant, validator));
            match auth {
                Err(error) => encode_required(error),
                Ok(auth) => {
                    let is_plain = options.required.is_nothing();
                    let operation =
                        if is_plain { Operation::VerifyAccessToken } else { Operation::RequireAuth };
                    encode(&Passed { auth: InMillis(&auth), number, operation: operation.as_str() })
                }
            }
        })
    }

    /// What `authorize` is asked, for a request whose cookies have to be renewed, and the client's address → `{auth, headers,
    /// error}`: the user or null, names and values of headers for the host's answer in turn, the refusal or null.
    #[napi(catch_unwind)]
    pub fn renew(
        &self,
        env: Env,
        method: String,
        headers: Vec<String>,
        options: String,
        address: Option<String>,
    ) -> u32 {
        let parts =
            build_request(&method, "/", &headers, Vec::new(), address).map(|request| request.into_parts().0);
        let api = self.options.clone();
        self.calls.write(env, move |open| {
            let options = AuthorizeOptions::from_json(&read_object(&options)?)?;
            let api = RestApi::new(open.tenant.clone(), api.clone())?;
            let found = api.authorize(parts.as_ref().map_err(Error::clone)?, &options);
            encode_authorization(found)
        })
    }
}

/// A request that may pass.
#[derive(Serialize)]
struct Passed<'a> {
    auth: InMillis<'a, Option<RequestAuth>>,
    number: Option<i64>,
    /// As what an answer that is remembered is told.
    operation: &'static str,
}

/// What is wrong with `AuthorizeOptions` as JSON; null when nothing is.
#[napi(catch_unwind)]
pub fn authorize_options_refusal(options: String) -> Option<Outcome> {
    let read = read_object(&options).and_then(|options| AuthorizeOptions::from_json(&options));
    read.err().map(|error| Err(error).into())
}

/// Encodes an outcome with the headers that belong into the host's answer; `storage_busy` becomes the error of the call, as for
/// every write.
fn encode_authorization(found: Authorization) -> Answer {
    let (auth, error) = match found.auth {
        Ok(auth) => (auth, None),
        Err(error) if error.code() == ErrorCode::StorageBusy => return Err(error),
        Err(error) => (None, Some(error)),
    };
    let error = error.map(|error| {
        let required = error.required_authentication();
        json!({
            "code": error.code().as_str(),
            "detail": error.detail(),
            "max_age": required.and_then(|required| required.max_age_secs),
            "factors": required.map_or(Vec::new(), |required| required.factors.clone()),
        })
    });
    encode(&json!({"auth": InMillis(&auth), "headers": encode_headers(&found.headers)?, "error": error}))
}

/// The refusal of a user who must authenticate again as an answer, because it says more than an error can. Any other error
/// stays one.
fn encode_required(error: Error) -> Answer {
    match error.required_authentication() {
        Some(required) => encode(&json!({"required": {
            "detail": error.detail(),
            "max_age": required.max_age_secs,
            "factors": required.factors,
        }})),
        None => Err(error),
    }
}
