//! The REST API of a tenant as a host mounts it.

use hellojohn::rest::http::{HeaderMap, Request};
use hellojohn::rest::{RestApi, RestOptions};
use serde_json::Value;

use crate::forge::Forge;

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }
}

/// Asks with this credential, if any.
pub fn ask(
    forge: &Forge,
    method: &str,
    target: &str,
    credential: Option<&str>,
    body: Option<Value>,
) -> Answer {
    let api = RestApi::new(forge.tenant.clone(), RestOptions::default()).expect("an API");
    let mut request = Request::builder().method(method).uri(target);
    if let Some(credential) = credential {
        request = request.header("authorization", format!("Bearer {credential}"));
    }
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let (parts, body) = api.handle(request.body(bytes).expect("a request")).into_parts();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}
