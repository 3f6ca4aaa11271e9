//! REST's calls, made inside of this process by the holder of the secret key.

use hellojohn::rest::http::{Method, Request};
use hellojohn::rest::{RestApi, RestOptions};
use hellojohn::{Error, ErrorCode, Tenant};
use serde_json::Value;

use crate::failure::CommandFailure;

/// REST's calls on one tenant.
pub(crate) struct Api {
    rest: RestApi,
    actor: String,
}

impl Api {
    pub fn new(tenant: Tenant, actor: &str) -> Result<Self, CommandFailure> {
        Ok(Api { rest: RestApi::new(tenant, RestOptions::default())?, actor: percent_encode(actor) })
    }

    /// Reads; `query` holds names and values that are not encoded.
    pub fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, CommandFailure> {
        let query: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={}", percent_encode(value))).collect();
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) };
        self.call(Method::GET, &target, None)
    }

    pub fn delete(&self, path: &str) -> Result<Value, CommandFailure> {
        self.call(Method::DELETE, path, None)
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Value, CommandFailure> {
        self.call(Method::POST, path, Some(body))
    }

    pub fn patch(&self, path: &str, body: &Value) -> Result<Value, CommandFailure> {
        self.call(Method::PATCH, path, Some(body))
    }

    fn call(&self, method: Method, target: &str, body: Option<&Value>) -> Result<Value, CommandFailure> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("content-type", "application/json")
            .header("x-actor", &self.actor)
            .body(body)
            .map_err(|_| Error::new(ErrorCode::BadRequest, "a value is too long"))?;
        let response = self.rest.handle_as_key_holder(request);
        if let Some(error) = response.extensions().get::<Error>() {
            return Err(error.clone().into());
        }
        match response.body().as_slice() {
            [] => Ok(Value::Null), // as revoking answers
            body => Ok(serde_json::from_slice(body).map_err(|cause| {
                Error::new(ErrorCode::Internal, format!("the answer cannot be read: {cause}"))
            })?),
        }
    }
}

/// The path of one session, or of what is about it.
pub(crate) fn session_path(id: &str, rest: &str) -> String {
    format!("/v1/sessions/{}{rest}", percent_encode(id))
}

fn percent_encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
