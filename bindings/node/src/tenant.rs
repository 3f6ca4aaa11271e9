//! The engine as JavaScript calls it: one method for each operation. A method returns the number of its call at once;
//! the answer comes through the [`CompletionQueue`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use hellojohn::{
    CreateSession, Error, ErrorCode, IdentityPatch, ListQuery, LocalVerification, Pending, PurgeBefore,
    RefreshRequest, SecretKey, SessionId, SignOutScope, Tenant, UserId,
};
use napi::bindgen_prelude::{Either, Env};
use napi_derive::napi;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::clock::NativeClock;
use crate::completion_queue::{CompletionQueue, Completions};
use crate::encode;
use crate::guard::guarded;
use crate::lazy_engine::{LazyEngine, Opened};
use crate::options::Options;
use crate::thread_pool::{CHECKS, READS, ThreadPool, WRITES};

pub(crate) type Answer = Result<String, Error>;

/// A failure that is handed over at once instead of through the port.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct Outcome {
    /// The error code, or null.
    pub code: Option<String>,
    /// The answer's JSON, or the error's detail.
    pub text: String,
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        match answer {
            Ok(text) => Outcome { code: None, text },
            Err(error) => {
                Outcome { code: Some(error.code().as_str().to_owned()), text: error.detail().to_owned() }
            }
        }
    }
}

pub(crate) fn object(json: &str) -> Result<Map<String, Value>, Error> {
    serde_json::from_str(json).map_err(|_| Error::validation("request", "must be a JSON object"))
}

/// One tenant of one database.
#[napi]
#[derive(Clone)]
pub struct NativeTenant {
    slot: Option<Arc<LazyEngine>>,
    mailbox: Arc<Completions>,
    refused: Option<Error>,
}

#[napi]
impl NativeTenant {
    /// Checks the options and opens nothing yet. `refusal` says whether they were bad.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        port: &CompletionQueue,
        options: String,
        secret_key: String,
        clock: Option<&NativeClock>,
    ) -> Self {
        let clock = clock.map(|clock| clock.hand.clone());
        let (slot, refused) = match guarded(|| Options::read(&options, secret_key, clock)) {
            Ok(options) => (Some(Arc::new(LazyEngine::new(options))), None),
            Err(error) => (None, Some(error)),
        };
        NativeTenant { slot, mailbox: Arc::clone(&port.mailbox), refused }
    }

    /// What is wrong with the options; null when nothing is.
    #[napi(catch_unwind)]
    pub fn refusal(&self) -> Option<Outcome> {
        self.refused.clone().map(|error| Err(error).into())
    }

    /// The generic task: runs `body` on the lane and answers through the port.
    pub(crate) fn submit(
        &self,
        env: Env,
        lane: &Arc<ThreadPool>,
        body: impl FnOnce(&LazyEngine, Duration) -> Answer + Send + 'static,
    ) -> u32 {
        let call = self.mailbox.begin(env);
        match self.slot.clone() {
            Some(slot) => self.run(call, lane, move |waited| body(&slot, waited)),
            None => self.mailbox.put(call, Err(Error::new(ErrorCode::Internal, "the options were refused"))),
        }
        call
    }

    fn run(&self, call: u32, lane: &Arc<ThreadPool>, body: impl FnOnce(Duration) -> Answer + Send + 'static) {
        let mailbox = Arc::clone(&self.mailbox);
        let asked = Instant::now();
        let job = move || {
            if !mailbox.is_abandoned() {
                mailbox.put(call, guarded(|| body(asked.elapsed())));
            }
        };
        // A write that was begun may happen without this thread: only its own answer is a right one, late or not.
        if let Err(job) = lane.submit(Box::new(job)) {
            job();
        }
    }

    /// A read that JavaScript does not wait for on its own thread.
    pub(crate) fn read(&self, env: Env, body: impl FnOnce(&Opened) -> Answer + Send + 'static) -> u32 {
        self.submit(env, &READS, move |slot, waited| body(&slot.opened(waited)?))
    }

    /// A read that takes less time than changing threads for it: answered here, at once, unless it would have to wait.
    fn look(
        &self,
        env: Env,
        body: impl Fn(&LazyEngine, &Tenant) -> Answer + Send + 'static,
    ) -> Either<String, u32> {
        let at_once = self.slot.as_ref().and_then(|slot| {
            let open = slot.if_open()?;
            Some(guarded(|| body(slot, &open.hurried)))
        });
        Either::B(match at_once {
            Some(Ok(answer)) => return Either::A(answer),
            Some(Err(error)) if error.code() != ErrorCode::StorageBusy => {
                let call = self.mailbox.begin(env);
                self.mailbox.put(call, Err(error));
                call
            }
            _ => self.submit(env, &READS, move |slot, waited| body(slot, &slot.opened(waited)?.tenant)),
        })
    }

    pub(crate) fn write(&self, env: Env, body: impl FnOnce(&Opened) -> Answer + Send + 'static) -> u32 {
        self.submit(env, &WRITES, move |slot, waited| slot.write(waited, body))
    }

    /// A write that joins the queue of the engine on this thread, if it is open: all that are begun before the next commit
    /// share it.
    fn begin(
        &self,
        env: Env,
        begin: impl FnOnce(&Opened) -> Result<Pending<Answer>, Error> + Send + 'static,
    ) -> u32 {
        let Some((slot, open)) = self.slot.as_ref().and_then(|slot| Some((slot, slot.if_open()?))) else {
            return self.write(env, move |open| begin(open)?.wait()?);
        };
        let call = self.mailbox.begin(env);
        match guarded(|| begin(&open)) {
            Ok(pending) => self.run(call, &slot.commits, move |_| pending.wait()?),
            Err(error) => self.mailbox.put(call, Err(error)),
        }
        call
    }

    /// Opens the engine if it is not open yet.
    #[napi(catch_unwind)]
    pub fn ready(&self, env: Env) -> u32 {
        self.write(env, |_| encode::nothing())
    }

    /// `CreateSession` as JSON → grant.
    #[napi(catch_unwind)]
    pub fn create(&self, env: Env, request: String) -> u32 {
        self.begin(env, move |open| {
            let request = CreateSession::from_json(object(&request)?)?;
            Ok(open.tenant.begin_create(request).map(|grant| encode::grant(&grant)))
        })
    }

    /// A refresh token and `RefreshRequest` as JSON → grant.
    #[napi(catch_unwind)]
    pub fn refresh(&self, env: Env, refresh_token: String, request: String) -> u32 {
        self.begin(env, move |open| {
            let request = RefreshRequest::from_json(object(&request)?)?;
            Ok(open.tenant.begin_refresh(&refresh_token, request).map(|grant| encode::grant(&grant)))
        })
    }

    /// A session id and `IdentityPatch` as JSON → grant without a refresh token.
    #[napi(catch_unwind)]
    pub fn update(&self, env: Env, session_id: String, patch: String) -> u32 {
        self.begin(env, move |open| {
            let patch = IdentityPatch::from_json(object(&patch)?)?;
            let updated = open.tenant.begin_update(session_id.parse()?, patch);
            Ok(updated.map(|session| encode::updated(&session)))
        })
    }

    /// A session id → session with the number of what that rests on.
    #[napi(catch_unwind)]
    pub fn get(&self, env: Env, session_id: String) -> Either<String, u32> {
        self.look(env, move |slot, tenant| {
            let (session, basis) = tenant.get_cacheable(session_id.parse()?)?;
            encode::session(&session, slot.bases.keep(basis))
        })
    }

    /// `ListQuery` as JSON → page.
    #[napi(catch_unwind)]
    pub fn list(&self, env: Env, query: String) -> Either<String, u32> {
        self.look(env, move |_, tenant| encode::page(&tenant.list(&ListQuery::from_json(object(&query)?)?)?))
    }

    /// A session id → verdict.
    #[napi(catch_unwind)]
    pub fn verify_session(&self, env: Env, session_id: String) -> Either<String, u32> {
        self.look(env, move |slot, tenant| {
            let outcome = session_id
                .parse::<SessionId>()
                .map_err(Into::into)
                .and_then(|id| tenant.verify_session_cacheable(id));
            encode::session_verdict(outcome.map(|(session, basis)| (session, slot.bases.keep(basis))))
        })
    }

    /// An access token → verdict with the token's payload. `here`: even if a signature has to be computed.
    #[napi(catch_unwind)]
    pub fn verify_access_token(&self, env: Env, token: String, here: bool) -> Either<String, u32> {
        let body = move |slot: &LazyEngine, tenant: &Tenant| {
            let outcome = tenant.verify_access_token(&token);
            let number = outcome.as_ref().ok().map(|access| slot.bases.keep(access.validator().clone()));
            encode::access_verdict(outcome, number)
        };
        if here {
            return self.look(env, body);
        }
        Either::B(self.submit(env, &READS, move |slot, waited| body(slot, &slot.opened(waited)?.tenant)))
    }

    /// Whether the answer with this number certainly still holds. Reaches no disk; false is no verdict.
    #[napi(catch_unwind)]
    pub fn is_fresh(&self, number: i64) -> bool {
        self.slot.as_ref().is_some_and(|slot| {
            slot.if_open()
                .is_some_and(|open| guarded(|| slot.bases.is_fresh(number, &open.tenant)).unwrap_or(false))
        })
    }

    /// An access token and `LocalVerification` as JSON → payload, on another thread.
    #[napi(catch_unwind)]
    pub fn verify_locally(&self, env: Env, token: String, options: String) -> u32 {
        self.submit(env, &CHECKS, move |slot, waited| {
            verify_locally(&slot.opened(waited)?.tenant, &token, &options)
        })
    }

    /// The same on this thread.
    #[napi(catch_unwind)]
    pub fn verify_locally_here(&self, env: Env, token: String, options: String) -> Either<String, u32> {
        self.look(env, move |_, tenant| verify_locally(tenant, &token, &options))
    }

    /// [`verify_locally`](Self::verify_locally) on this thread; opens the engine on this thread if it is not open.
    #[napi(catch_unwind)]
    pub fn verify_locally_sync(&self, token: String, options: String) -> Outcome {
        let Some(slot) = &self.slot else {
            return Err(Error::new(ErrorCode::Internal, "the options were refused")).into();
        };
        guarded(|| verify_locally(&slot.opened(Duration::ZERO)?.tenant, &token, &options)).into()
    }

    /// A session id → nothing.
    #[napi(catch_unwind)]
    pub fn revoke(&self, env: Env, session_id: String) -> u32 {
        self.begin(env, move |open| {
            Ok(open.tenant.begin_revoke(session_id.parse()?).map(|()| encode::nothing()))
        })
    }

    /// A user id, and a session of his to leave → `{revoked}`.
    #[napi(catch_unwind)]
    pub fn revoke_user(&self, env: Env, user_id: String, except: Option<String>) -> u32 {
        self.write(env, move |open| {
            let user_id: UserId = user_id.parse()?;
            let except = except.map(|id| id.parse()).transpose()?;
            encode::count("revoked", open.tenant.revoke_user(&user_id, except)?)
        })
    }

    /// → `{revoked}`.
    #[napi(catch_unwind)]
    pub fn revoke_tenant(&self, env: Env) -> u32 {
        self.write(env, |open| encode::count("revoked", open.tenant.revoke_tenant()?))
    }

    /// An access or refresh token and a scope → `{revoked}`.
    #[napi(catch_unwind)]
    pub fn sign_out(&self, env: Env, token: String, scope: Option<String>) -> u32 {
        self.write(env, move |open| {
            let scope = scope.map_or(Ok(SignOutScope::default()), |scope| scope.parse())?;
            encode::count("revoked", open.tenant.sign_out(&token, scope)?)
        })
    }

    /// → settings.
    #[napi(catch_unwind)]
    pub fn config(&self, env: Env) -> u32 {
        self.read(env, |open| encode::text(&open.tenant.config()?.to_json()))
    }

    /// `ConfigPatch` as JSON → settings.
    #[napi(catch_unwind)]
    pub fn update_config(&self, env: Env, patch: String) -> u32 {
        self.write(env, move |open| encode::text(&open.tenant.update_config(&patch.parse()?)?.to_json()))
    }

    /// → JWK Set.
    #[napi(catch_unwind)]
    pub fn jwks(&self, env: Env) -> u32 {
        self.read(env, |open| encode::text(&open.tenant.jwks()?.to_json()))
    }

    /// → keys.
    #[napi(catch_unwind)]
    pub fn keys(&self, env: Env) -> u32 {
        self.read(env, |open| encode::text(&open.tenant.keys()?))
    }

    /// → the id of the key that signs from now on.
    #[napi(catch_unwind)]
    pub fn rotate_keys(&self, env: Env) -> u32 {
        self.write(env, |open| encode::text(&open.tenant.rotate_keys()?))
    }

    /// A key id → nothing.
    #[napi(catch_unwind)]
    pub fn retire_key(&self, env: Env, kid: String) -> u32 {
        self.write(env, move |open| {
            open.tenant.retire_key(kid.parse()?)?;
            encode::nothing()
        })
    }

    /// A secret key → nothing.
    #[napi(catch_unwind)]
    pub fn change_secret_key(&self, env: Env, secret_key: String) -> u32 {
        let secret_key = Zeroizing::new(secret_key);
        self.write(env, move |open| {
            open.tenant.change_secret_key(&secret_key.parse::<SecretKey>()?)?;
            encode::nothing()
        })
    }

    /// → counts.
    #[napi(catch_unwind)]
    pub fn stats(&self, env: Env) -> u32 {
        self.read(env, |open| encode::text(&open.tenant.stats()?))
    }

    /// → `{stamped}`.
    #[napi(catch_unwind)]
    pub fn sweep(&self, env: Env) -> u32 {
        self.write(env, |open| encode::count("stamped", open.tenant.sweep()?))
    }

    /// `PurgeBefore` as JSON → `{purged}`.
    #[napi(catch_unwind)]
    pub fn purge(&self, env: Env, before: String) -> u32 {
        self.write(env, move |open| {
            encode::count("purged", open.tenant.purge(PurgeBefore::from_json(object(&before)?)?)?)
        })
    }

    /// → nothing.
    #[napi(catch_unwind)]
    pub fn lower_clock_mark(&self, env: Env) -> u32 {
        self.write(env, |open| {
            open.engine.lower_clock_mark()?;
            encode::nothing()
        })
    }

    /// Refuses all further calls at once and releases the files → nothing.
    #[napi(catch_unwind)]
    pub fn close(&self, env: Env) -> u32 {
        if let Some(slot) = &self.slot {
            slot.refuse_calls();
        }
        self.submit(env, &READS, |slot, _| {
            slot.close()?;
            encode::nothing()
        })
    }
}

fn verify_locally(tenant: &Tenant, token: &str, options: &str) -> Answer {
    let options = LocalVerification::from_json(object(options)?)?;
    encode::text(&tenant.verify_locally(token, &options)?.payload)
}
