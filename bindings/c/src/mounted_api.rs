//! Answering a request of the REST API, on whatever thread may wait.

use std::ffi::c_void;

use hellojohn_core::rest::http::{Request, Response};
use hellojohn_core::rest::{RestApi, Step, error_response};
use hellojohn_core::{Error, ErrorCode, Tenant};

use crate::sign_in::{hj_authenticate, hj_sign_in};

/// The API with the host's check of credentials, for the thread that answers.
pub(crate) struct MountedApi {
    pub(crate) api: RestApi,
    pub(crate) tenant: Tenant,
    pub(crate) authenticate: hj_authenticate,
    pub(crate) user_data: *mut c_void,
}

// SAFETY: the host's function may be called from any thread, several at once, as its documentation ("hj_authenticate") says.
unsafe impl Send for MountedApi {}
// SAFETY: as above.
unsafe impl Sync for MountedApi {}

impl MountedApi {
    pub(crate) fn answer(&self, request: Request<&[u8]>) -> Result<Response<Vec<u8>>, Error> {
        match self.api.begin(request) {
            Step::Answer(response) => Ok(response),
            Step::Authenticate(pending) => Ok(match self.authenticate {
                Some(authenticate) => {
                    // SAFETY: the host passed a function that takes this pointer ("hj_authenticate").
                    let ask = |sign_in| unsafe { authenticate(self.user_data, sign_in) };
                    let user = hj_sign_in::ask(pending.credentials(), ask);
                    pending.finish(user)
                }
                None => pending.not_offered(),
            }),
            _ => Err(Error::new(ErrorCode::Internal, "a step that this binding does not know")),
        }
    }
}

pub(crate) fn refuse_non_http(is_head: bool) -> Response<Vec<u8>> {
    let mut response = error_response(Error::new(ErrorCode::BadRequest, "the request is not HTTP"));
    if is_head {
        // A client would read a body after the answer to a HEAD as the next answer.
        response.body_mut().clear();
    }
    response
}
