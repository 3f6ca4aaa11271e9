//! Sign-ins whose credentials JavaScript checks. An attempt travels as a text: JavaScript may forget it, and nothing is left here.

use hellojohn::CreateSession;
use napi::bindgen_prelude::Env;
use napi_derive::napi;
use serde_json::json;

use crate::calls::read_object;
use crate::encode::{encode, encode_grant, encode_nothing, encode_sign_in_refusal};
use crate::tenant::NativeTenant;
use crate::thread_pool::LOOKUPS;

#[napi]
impl NativeTenant {
    /// The account and the client's address, if known → `{attempt}`, or the refusal of [`encode_sign_in_refusal`].
    #[napi(catch_unwind)]
    pub fn begin_sign_in(&self, env: Env, account: String, address: Option<String>) -> u32 {
        self.calls.write(env, move |open| {
            let address = address.map(|address| address.parse()).transpose()?;
            match open.tenant.begin_sign_in(&account, address) {
                Ok(attempt) => encode(&json!({"attempt": attempt.suspend()})),
                Err(error) => encode_sign_in_refusal(error),
            }
        })
    }

    /// An attempt and `CreateSession` as JSON → grant, or the refusal.
    #[napi(catch_unwind)]
    pub fn succeed_sign_in(&self, env: Env, attempt: String, request: String) -> u32 {
        self.calls.write(env, move |open| {
            let request = CreateSession::from_json(read_object(&request)?)?;
            match open.tenant.resume_sign_in(&attempt)?.succeed(request) {
                Ok(grant) => encode_grant(&grant),
                Err(error) => encode_sign_in_refusal(error),
            }
        })
    }

    /// An attempt → the refusal.
    #[napi(catch_unwind)]
    pub fn fail_sign_in(&self, env: Env, attempt: String) -> u32 {
        self.calls.read(env, &LOOKUPS, move |open| {
            encode_sign_in_refusal(open.tenant.resume_sign_in(&attempt)?.fail())
        })
    }

    /// An attempt → nothing.
    #[napi(catch_unwind)]
    pub fn cancel_sign_in(&self, env: Env, attempt: String) -> u32 {
        self.calls.write(env, move |open| {
            open.tenant.resume_sign_in(&attempt)?.cancel()?;
            encode_nothing()
        })
    }
}
