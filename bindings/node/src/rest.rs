//! The REST API as JavaScript calls it: a request in, an answer out; for a sign-in, the host checks the credentials between.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hellojohn::rest::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use hellojohn::rest::{
    self, AuthenticateError, BODY_MAX, ClientAddress, PendingSignIn, RestApi, RestOptions, Step, Work,
};
use hellojohn::{CreateSession, Error, ErrorCode, Reauthentication, Tenant};
use napi::bindgen_prelude::Env;
use napi_derive::napi;
use serde_json::{Value, json};

use crate::calls::{Answer, CallRunner, Outcome, read_object};
use crate::encode::encode;
use crate::tenant::NativeTenant;
use crate::thread_pool::{LISTS, LOOKUPS, SURVEYS, WRITES};

/// Sign-ins that wait for the host's check of the credentials, by ticket.
#[derive(Default)]
struct Waiting {
    next: u32,
    sign_ins: HashMap<u32, Box<PendingSignIn>>,
}

/// The REST API of one `HelloJohn` object, with options of its own.
#[napi]
pub struct Rest {
    pub(crate) calls: CallRunner,
    pub(crate) options: RestOptions,
    refusal: Option<Error>,
    waiting: Arc<Mutex<Waiting>>,
}

#[napi]
impl Rest {
    /// `RestOptions` as JSON; whether they hold the whole mount path, or each request tells it. `refusal` says whether they
    /// were bad.
    #[napi(constructor, catch_unwind)]
    pub fn new(tenant: &NativeTenant, options: String, is_mounted: bool) -> Self {
        let validate = if is_mounted { RestOptions::validate } else { RestOptions::validate_unmounted };
        let read = read_object(&options)
            .and_then(|options| RestOptions::from_json(&options))
            .and_then(|options| validate(&options).map(|()| options));
        let (options, refusal) = match read {
            Ok(options) => (options, None),
            Err(error) => (RestOptions::default(), Some(error)),
        };
        Rest { calls: tenant.calls.clone(), options, refusal, waiting: Arc::default() }
    }

    /// What is wrong with the options; null when nothing is.
    #[napi(catch_unwind)]
    pub fn refusal(&self) -> Option<Outcome> {
        self.refusal.clone().map(|error| Err(error).into())
    }

    /// Whether the path, without a query, is one of the API's.
    #[napi(catch_unwind)]
    pub fn is_api_path(&self, path: String) -> bool {
        self.options.is_api_path(&path)
    }

    /// Method, target, names and values of the headers in turn, at most one byte of body more than the limit, the
    /// client's address, the mount path of this request → `{status, headers, error}`, a line break and the body, or
    /// `{ticket, credentials}`.
    #[napi(catch_unwind)]
    #[allow(
        clippy::too_many_arguments,
        reason = "an object would be read member by member; napi hides an expectation"
    )]
    pub fn begin(
        &self,
        env: Env,
        method: String,
        target: String,
        headers: Vec<String>,
        body: &[u8],
        address: Option<String>,
        mount_path: String,
    ) -> u32 {
        let request = build_request(&method, &target, &headers, body.to_vec(), address);
        let work = request
            .as_ref()
            .map_or(Work::Lookup, |request| self.options.work(request.method(), request.uri().path()));
        let waiting = Arc::clone(&self.waiting);
        let options = self.options.clone().mount_path(Some(mount_path));
        let body = move |tenant: &Tenant| {
            // Bad only for this mount path: the host's mistake, not the client's.
            let api = RestApi::new(tenant.clone(), options.clone())
                .map_err(|error| Error::new(ErrorCode::Internal, error.detail()))?;
            match api.begin(request.clone()?) {
                Step::Answer(response) => encode_unless_busy(response),
                Step::Authenticate(pending) => ask_host(&waiting, pending),
                _ => Err(Error::new(ErrorCode::Internal, "a step that this addon does not know")),
            }
        };
        match work {
            Work::Lookup => self.calls.read(env, &LOOKUPS, move |open| body(&open.tenant)),
            Work::List => self.calls.read_on(env, &LISTS, move |_, tenant| body(tenant)),
            Work::Survey => self.calls.read(env, &SURVEYS, move |open| body(&open.tenant)),
            _ => self.calls.write(env, move |open| body(&open.tenant)),
        }
    }

    /// The ticket of a sign-in, and the outcome of the host's check: `user` with `CreateSession` as JSON, `refused`, `failed` or
    /// `not_offered` → the answer.
    #[napi(catch_unwind)]
    pub fn finish(&self, env: Env, ticket: u32, outcome: String, user: Option<String>) -> u32 {
        let pending = self.waiting().sign_ins.remove(&ticket);
        let pending =
            pending.ok_or_else(|| Error::new(ErrorCode::Internal, "the sign-in was already finished"));
        match (outcome.as_str(), user) {
            ("user", Some(user)) => self.calls.write(env, move |_| finish_sign_in(*pending?, &user)),
            ("refused", _) => {
                self.calls.submit(env, &LOOKUPS, move |_, _| encode_unless_busy(pending?.finish(Ok(None))))
            }
            ("not_offered", _) => {
                self.calls.submit(env, &WRITES, move |_, _| encode_unless_busy(pending?.not_offered()))
            }
            _ => self.calls.submit(env, &WRITES, move |_, _| {
                encode_unless_busy(pending?.finish(Err(AuthenticateError)))
            }),
        }
    }

    pub(crate) fn reads_access_cookie(&self) -> bool {
        self.options.cookie.as_ref().is_some_and(|cookie| cookie.access.is_some())
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Rest {
    /// An unfinished sign-in may hold the last reference to the engine, and this may run in the garbage collector: the pool
    /// releases the files.
    fn drop(&mut self) {
        let abandoned = std::mem::take(&mut self.waiting().sign_ins);
        if !abandoned.is_empty() {
            drop(LOOKUPS.submit(Box::new(move || drop(abandoned))));
        }
    }
}

/// The answer to a request that failed outside the API, in the form of [`Rest::begin`]; an unknown code is `internal`. The last
/// two are those of a user who must authenticate in that way.
#[napi(catch_unwind)]
pub fn error_answer(
    code: String,
    detail: String,
    max_age: Option<u32>,
    factors: Option<Vec<String>>,
) -> Outcome {
    let known = ErrorCode::ALL.iter().find(|known| known.as_str() == code);
    let error = match known.unwrap_or(&ErrorCode::Internal) {
        ErrorCode::ReauthenticationRequired => {
            Reauthentication::new(max_age.map(u64::from), factors.unwrap_or_default()).into()
        }
        code => Error::new(*code, detail),
    };
    encode_response(&rest::error_response(error)).into()
}

/// The paths of the API, `{session_id}` standing for one segment.
#[napi(catch_unwind)]
pub fn rest_paths() -> Vec<&'static str> {
    rest::paths()
}

/// The longest body in bytes.
#[napi(catch_unwind)]
pub fn rest_body_max() -> u32 {
    BODY_MAX as u32
}

/// Builds the request in the engine's types. A text that is no address counts as an unknown address.
pub(crate) fn build_request(
    method: &str,
    target: &str,
    headers: &[String],
    body: Vec<u8>,
    address: Option<String>,
) -> Result<Request<Vec<u8>>, Error> {
    let unreadable = |what: &str| Error::new(ErrorCode::BadRequest, format!("{what} is not HTTP"));
    let mut request = Request::new(body);
    *request.method_mut() =
        Method::from_bytes(method.as_bytes()).map_err(|_| unreadable("the request's method"))?;
    *request.uri_mut() = target.parse::<Uri>().map_err(|_| unreadable("the request's target"))?;
    for pair in headers.chunks_exact(2) {
        let name =
            HeaderName::from_bytes(pair[0].as_bytes()).map_err(|_| unreadable("the name of a header"))?;
        // JavaScript holds the bytes of a value as characters.
        let bytes: Result<Vec<u8>, _> = pair[1].chars().map(u8::try_from).collect();
        let value = bytes.ok().and_then(|bytes| HeaderValue::from_maybe_shared(bytes).ok());
        request.headers_mut().append(name, value.ok_or_else(|| unreadable("the value of a header"))?);
    }
    let address = address.and_then(|address| address.parse().ok());
    request.extensions_mut().insert(ClientAddress(address));
    Ok(request)
}

/// Names and values in turn.
pub(crate) fn encode_headers(headers: &HeaderMap) -> Result<Vec<&str>, Error> {
    let mut encoded = Vec::new();
    for (name, value) in headers {
        encoded.push(name.as_str());
        encoded.push(value.to_str().map_err(|_| Error::new(ErrorCode::Internal, "a header is not text"))?);
    }
    Ok(encoded)
}

fn ask_host(waiting: &Mutex<Waiting>, pending: Box<PendingSignIn>) -> Answer {
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.next = waiting.next.wrapping_add(1);
    let ticket = waiting.next;
    let question = encode(&json!({"ticket": ticket, "credentials": pending.credentials().as_object()}))?;
    waiting.sign_ins.insert(ticket, pending);
    Ok(question)
}

/// Finishes a sign-in with the host's user. An invalid user is the host's mistake: the host learns it, the client does not.
fn finish_sign_in(pending: PendingSignIn, user: &str) -> Answer {
    match read_object(user).and_then(CreateSession::from_json) {
        Ok(user) => encode_unless_busy(pending.finish(Ok(Some(user)))),
        Err(error) => {
            let mut response = pending.finish(Err(AuthenticateError));
            let detail = format!("the answer of authenticate is no user: {}", error.detail());
            response.extensions_mut().insert(Error::new(ErrorCode::Internal, detail));
            encode_unless_busy(response)
        }
    }
}

/// Encodes a response; `storage_busy` becomes the error of the call, as for every write, because `LazyEngine` watches it.
fn encode_unless_busy(response: Response<Vec<u8>>) -> Answer {
    match response.extensions().get::<Error>() {
        Some(error) if error.code() == ErrorCode::StorageBusy => Err(error.clone()),
        _ => encode_response(&response),
    }
}

/// One line of JSON, then the body as it is: it may be long, and is not written and read again as a text in JSON.
fn encode_response(response: &Response<Vec<u8>>) -> Answer {
    let unwritable = |_| Error::new(ErrorCode::Internal, "the answer is not text");
    let headers = encode_headers(response.headers())?;
    let body = str::from_utf8(response.body()).map_err(unwritable)?;
    let error = response.extensions().get::<Error>();
    let head = encode(&json!({
        "status": response.status().as_u16(),
        "headers": headers,
        "error": error.map_or(Value::Null, |error| {
            json!({"code": error.code().as_str(), "detail": error.detail()})
        }),
    }))?;
    Ok(format!("{head}\n{body}"))
}
