//! The engine as JavaScript calls it: one method for each operation. A method returns the number of its call at once, and
//! the [`CompletionQueue`] delivers the answer.

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
use crate::encode::{
    encode, encode_count, encode_grant, encode_nothing, encode_page, encode_session,
    encode_session_verification, encode_token_verification, encode_updated,
};
use crate::guard::catch_panic;
use crate::lazy_engine::{LazyEngine, OpenTenant};
use crate::options::Options;
use crate::thread_pool::{CHECKS, READS, ThreadPool, WRITES};

pub(crate) type Answer = Result<String, Error>;

/// The outcome of a call that returns it at once instead of through the completion queue.
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
    engine: Option<Arc<LazyEngine>>,
    completions: Arc<Completions>,
    refusal: Option<Error>,
}

#[napi]
impl NativeTenant {
    /// Checks the options and opens nothing yet. `refusal` says whether they were bad.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        completion_queue: &CompletionQueue,
        options: String,
        secret_key: String,
        clock: Option<&NativeClock>,
    ) -> Self {
        let clock = clock.map(|clock| clock.inner.clone());
        let (engine, refusal) = match catch_panic(|| Options::read(&options, secret_key, clock)) {
            Ok(options) => (Some(Arc::new(LazyEngine::new(options))), None),
            Err(error) => (None, Some(error)),
        };
        NativeTenant { engine, completions: Arc::clone(&completion_queue.completions), refusal }
    }

    /// What is wrong with the options; null when nothing is.
    #[napi(catch_unwind)]
    pub fn refusal(&self) -> Option<Outcome> {
        self.refusal.clone().map(|error| Err(error).into())
    }

    /// Runs `body` on a pool; the completion queue delivers the answer.
    pub(crate) fn submit(
        &self,
        env: Env,
        pool: &Arc<ThreadPool>,
        body: impl FnOnce(&LazyEngine, Duration) -> Answer + Send + 'static,
    ) -> u32 {
        let call = self.completions.register(env);
        match self.engine.clone() {
            Some(engine) => self.run(call, pool, move |queued| body(&engine, queued)),
            None => self
                .completions
                .complete(call, Err(Error::new(ErrorCode::Internal, "the options were refused"))),
        }
        call
    }

    fn run(&self, call: u32, pool: &Arc<ThreadPool>, body: impl FnOnce(Duration) -> Answer + Send + 'static) {
        let completions = Arc::clone(&self.completions);
        let called_at = Instant::now();
        let job = move || {
            if !completions.is_abandoned() {
                completions.complete(call, catch_panic(|| body(called_at.elapsed())));
            }
        };
        // A write that was begun may commit without this job, so only the job knows the right answer, late or not.
        if let Err(job) = pool.submit(Box::new(job)) {
            job();
        }
    }

    /// Runs a read on another thread.
    pub(crate) fn read(&self, env: Env, body: impl FnOnce(&OpenTenant) -> Answer + Send + 'static) -> u32 {
        self.submit(env, &READS, move |engine, queued| body(&engine.open(queued)?))
    }

    /// Runs a read on JavaScript's thread, which takes less time than changing threads; on another thread if it would block.
    fn read_inline(
        &self,
        env: Env,
        body: impl Fn(&LazyEngine, &Tenant) -> Answer + Send + 'static,
    ) -> Either<String, u32> {
        let answer = self.engine.as_ref().and_then(|engine| {
            let open = engine.if_open()?;
            Some(catch_panic(|| body(engine, &open.non_blocking)))
        });
        Either::B(match answer {
            Some(Ok(answer)) => return Either::A(answer),
            Some(Err(error)) if error.code() != ErrorCode::StorageBusy => {
                let call = self.completions.register(env);
                self.completions.complete(call, Err(error));
                call
            }
            _ => self.submit(env, &READS, move |engine, queued| body(engine, &engine.open(queued)?.tenant)),
        })
    }

    pub(crate) fn write(&self, env: Env, body: impl FnOnce(&OpenTenant) -> Answer + Send + 'static) -> u32 {
        self.submit(env, &WRITES, move |engine, queued| engine.write(queued, body))
    }

    /// Queues a write in the engine on this thread, if the engine is open: writes that are queued before the next commit share
    /// it.
    fn begin_write(
        &self,
        env: Env,
        begin: impl FnOnce(&OpenTenant) -> Result<Pending<Answer>, Error> + Send + 'static,
    ) -> u32 {
        let Some((engine, open)) = self.engine.as_ref().and_then(|engine| Some((engine, engine.if_open()?)))
        else {
            return self.write(env, move |open| begin(open)?.wait()?);
        };
        let call = self.completions.register(env);
        match catch_panic(|| begin(&open)) {
            Ok(pending) => self.run(call, &engine.commits, move |_| pending.wait()?),
            Err(error) => self.completions.complete(call, Err(error)),
        }
        call
    }

    /// Opens the engine if it is not open yet.
    #[napi(catch_unwind)]
    pub fn ready(&self, env: Env) -> u32 {
        self.write(env, |_| encode_nothing())
    }

    /// `CreateSession` as JSON → grant.
    #[napi(catch_unwind)]
    pub fn create(&self, env: Env, request: String) -> u32 {
        self.begin_write(env, move |open| {
            let request = CreateSession::from_json(object(&request)?)?;
            Ok(open.tenant.begin_create(request).map(|grant| encode_grant(&grant)))
        })
    }

    /// A refresh token and `RefreshRequest` as JSON → grant.
    #[napi(catch_unwind)]
    pub fn refresh(&self, env: Env, refresh_token: String, request: String) -> u32 {
        self.begin_write(env, move |open| {
            let request = RefreshRequest::from_json(object(&request)?)?;
            Ok(open.tenant.begin_refresh(&refresh_token, request).map(|grant| encode_grant(&grant)))
        })
    }

    /// A session id and `IdentityPatch` as JSON → grant without a refresh token.
    #[napi(catch_unwind)]
    pub fn update(&self, env: Env, session_id: String, patch: String) -> u32 {
        self.begin_write(env, move |open| {
            let patch = IdentityPatch::from_json(object(&patch)?)?;
            let updated = open.tenant.begin_update(session_id.parse()?, patch);
            Ok(updated.map(|session| encode_updated(&session)))
        })
    }

    /// A session id → session with the number of its validator.
    #[napi(catch_unwind)]
    pub fn get(&self, env: Env, session_id: String) -> Either<String, u32> {
        self.read_inline(env, move |engine, tenant| {
            let (session, validator) = tenant.get_cacheable(session_id.parse()?)?;
            encode_session(&session, engine.validators.keep(validator))
        })
    }

    /// `ListQuery` as JSON → page.
    #[napi(catch_unwind)]
    pub fn list(&self, env: Env, query: String) -> Either<String, u32> {
        self.read_inline(env, move |_, tenant| {
            encode_page(&tenant.list(&ListQuery::from_json(object(&query)?)?)?)
        })
    }

    /// A session id → verification.
    #[napi(catch_unwind)]
    pub fn verify_session(&self, env: Env, session_id: String) -> Either<String, u32> {
        self.read_inline(env, move |engine, tenant| {
            let outcome = session_id
                .parse::<SessionId>()
                .map_err(Into::into)
                .and_then(|id| tenant.verify_session_cacheable(id));
            encode_session_verification(
                outcome.map(|(session, validator)| (session, engine.validators.keep(validator))),
            )
        })
    }

    /// An access token → verification with the token's payload. `inline`: on this thread even if a signature has to be computed.
    #[napi(catch_unwind)]
    pub fn verify_access_token(&self, env: Env, token: String, inline: bool) -> Either<String, u32> {
        let body = move |engine: &LazyEngine, tenant: &Tenant| {
            let outcome = tenant.verify_access_token(&token);
            let number = outcome.as_ref().ok().map(|access| engine.validators.keep(access.validator().clone()));
            encode_token_verification(outcome, number)
        };
        if inline {
            return self.read_inline(env, body);
        }
        Either::B(self.submit(env, &READS, move |engine, queued| body(engine, &engine.open(queued)?.tenant)))
    }

    /// Whether the cached answer with this number is certainly fresh. Reads no file; false means unknown.
    #[napi(catch_unwind)]
    pub fn is_fresh(&self, number: i64) -> bool {
        self.engine.as_ref().is_some_and(|engine| {
            engine.if_open().is_some_and(|open| {
                catch_panic(|| engine.validators.is_fresh(number, &open.tenant)).unwrap_or(false)
            })
        })
    }

    /// An access token and `LocalVerification` as JSON → payload, on another thread.
    #[napi(catch_unwind)]
    pub fn verify_locally(&self, env: Env, token: String, options: String) -> u32 {
        self.submit(env, &CHECKS, move |engine, queued| {
            verify_locally(&engine.open(queued)?.tenant, &token, &options)
        })
    }

    /// [`verify_locally`](Self::verify_locally) on this thread, if it does not block.
    #[napi(catch_unwind)]
    pub fn verify_locally_inline(&self, env: Env, token: String, options: String) -> Either<String, u32> {
        self.read_inline(env, move |_, tenant| verify_locally(tenant, &token, &options))
    }

    /// [`verify_locally`](Self::verify_locally) on this thread; opens the engine on this thread if it is not open.
    #[napi(catch_unwind)]
    pub fn verify_locally_sync(&self, token: String, options: String) -> Outcome {
        let Some(engine) = &self.engine else {
            return Err(Error::new(ErrorCode::Internal, "the options were refused")).into();
        };
        catch_panic(|| verify_locally(&engine.open(Duration::ZERO)?.tenant, &token, &options)).into()
    }

    /// A session id → nothing.
    #[napi(catch_unwind)]
    pub fn revoke(&self, env: Env, session_id: String) -> u32 {
        self.begin_write(env, move |open| {
            Ok(open.tenant.begin_revoke(session_id.parse()?).map(|()| encode_nothing()))
        })
    }

    /// A user id, and the id of a session to keep → `{revoked}`.
    #[napi(catch_unwind)]
    pub fn revoke_user(&self, env: Env, user_id: String, except: Option<String>) -> u32 {
        self.write(env, move |open| {
            let user_id: UserId = user_id.parse()?;
            let except = except.map(|id| id.parse()).transpose()?;
            encode_count("revoked", open.tenant.revoke_user(&user_id, except)?)
        })
    }

    /// → `{revoked}`.
    #[napi(catch_unwind)]
    pub fn revoke_tenant(&self, env: Env) -> u32 {
        self.write(env, |open| encode_count("revoked", open.tenant.revoke_tenant()?))
    }

    /// An access or refresh token and a scope → `{revoked}`.
    #[napi(catch_unwind)]
    pub fn sign_out(&self, env: Env, token: String, scope: Option<String>) -> u32 {
        self.write(env, move |open| {
            let scope = scope.map_or(Ok(SignOutScope::default()), |scope| scope.parse())?;
            encode_count("revoked", open.tenant.sign_out(&token, scope)?)
        })
    }

    /// → settings.
    #[napi(catch_unwind)]
    pub fn config(&self, env: Env) -> u32 {
        self.read(env, |open| encode(&open.tenant.config()?.to_json()))
    }

    /// `ConfigPatch` as JSON → settings.
    #[napi(catch_unwind)]
    pub fn update_config(&self, env: Env, patch: String) -> u32 {
        self.write(env, move |open| encode(&open.tenant.update_config(&patch.parse()?)?.to_json()))
    }

    /// → JWK Set.
    #[napi(catch_unwind)]
    pub fn jwks(&self, env: Env) -> u32 {
        self.read(env, |open| encode(&open.tenant.jwks()?.to_json()))
    }

    /// → keys.
    #[napi(catch_unwind)]
    pub fn keys(&self, env: Env) -> u32 {
        self.read(env, |open| encode(&open.tenant.keys()?))
    }

    /// → the id of the key that signs from now on.
    #[napi(catch_unwind)]
    pub fn rotate_keys(&self, env: Env) -> u32 {
        self.write(env, |open| encode(&open.tenant.rotate_keys()?))
    }

    /// A key id → nothing.
    #[napi(catch_unwind)]
    pub fn retire_key(&self, env: Env, kid: String) -> u32 {
        self.write(env, move |open| {
            open.tenant.retire_key(kid.parse()?)?;
            encode_nothing()
        })
    }

    /// A secret key → nothing.
    #[napi(catch_unwind)]
    pub fn change_secret_key(&self, env: Env, secret_key: String) -> u32 {
        let secret_key = Zeroizing::new(secret_key);
        self.write(env, move |open| {
            open.tenant.change_secret_key(&secret_key.parse::<SecretKey>()?)?;
            encode_nothing()
        })
    }

    /// → counts.
    #[napi(catch_unwind)]
    pub fn stats(&self, env: Env) -> u32 {
        self.read(env, |open| encode(&open.tenant.stats()?))
    }

    /// → `{stamped}`.
    #[napi(catch_unwind)]
    pub fn sweep(&self, env: Env) -> u32 {
        self.write(env, |open| encode_count("stamped", open.tenant.sweep()?))
    }

    /// `PurgeBefore` as JSON → `{purged}`.
    #[napi(catch_unwind)]
    pub fn purge(&self, env: Env, before: String) -> u32 {
        self.write(env, move |open| {
            encode_count("purged", open.tenant.purge(PurgeBefore::from_json(object(&before)?)?)?)
        })
    }

    /// → nothing.
    #[napi(catch_unwind)]
    pub fn lower_clock_mark(&self, env: Env) -> u32 {
        self.write(env, |open| {
            open.engine.lower_clock_mark()?;
            encode_nothing()
        })
    }

    /// Refuses all further calls at once and releases the files → nothing.
    #[napi(catch_unwind)]
    pub fn close(&self, env: Env) -> u32 {
        if let Some(engine) = &self.engine {
            engine.refuse_calls();
        }
        self.submit(env, &READS, |engine, _| {
            engine.close()?;
            encode_nothing()
        })
    }
}

fn verify_locally(tenant: &Tenant, token: &str, options: &str) -> Answer {
    let options = LocalVerification::from_json(object(options)?)?;
    encode(&tenant.verify_locally(token, &options)?.payload)
}
