//! The engine as JavaScript calls it: one method for each operation. A method returns the number of its call at once, and
//! the [`CompletionQueue`] delivers the answer.

use std::sync::Arc;

use hellojohn::in_millis::InMillis;
use hellojohn::{
    CacheValidator, CreateSession, Duration, Error, EventConsumer, EventQuery, IdentityPatch, ImportRequest,
    ListQuery, LocalVerification, Pending, PurgeBefore, RefreshRequest, RevokeWhere, SecretKey,
    SessionFilter, SessionId, SignOutScope, StatsSeries, Tenant, UserId,
};
use napi::bindgen_prelude::{Buffer, Either, Env};
use napi_derive::napi;
use zeroize::Zeroizing;

use crate::calls::{Answer, CallRunner, Outcome, read_object};
use crate::clock::NativeClock;
use crate::completion_queue::CompletionQueue;
use crate::encode::{
    encode, encode_count, encode_event_page, encode_grant, encode_nothing, encode_page, encode_preview,
    encode_record, encode_session, encode_session_verification, encode_token_verification, encode_updated,
};
use crate::guard::catch_panic;
use crate::lazy_engine::LazyEngine;
use crate::options::Options;
use crate::thread_pool::{CHECKS, LISTS, LOOKUPS, SURVEYS};

/// One tenant of one database.
#[napi]
pub struct NativeTenant {
    pub(crate) calls: CallRunner,
    refusal: Option<Error>,
    /// Absent for the default, nothing inside for never.
    maintenance_interval: Option<Option<Duration>>,
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
        let maintenance_interval = engine.as_ref().and_then(|engine| engine.maintenance_interval());
        let completions = Arc::clone(&completion_queue.completions);
        if let Some(engine) = &engine {
            completions.close_at_end(engine);
        }
        NativeTenant { calls: CallRunner { engine, actor: None, completions }, refusal, maintenance_interval }
    }

    /// What is wrong with the options; null when nothing is.
    #[napi(catch_unwind)]
    pub fn refusal(&self) -> Option<Outcome> {
        self.refusal.clone().map(|error| Err(error).into())
    }

    /// The same tenant for changes that this actor makes; its `refusal` says whether the actor was bad.
    #[napi(catch_unwind)]
    pub fn with_actor(&self, actor: String) -> NativeTenant {
        let (actor, refusal) = match actor.parse() {
            Ok(actor) => (Some(actor), None),
            Err(error) => (None, Some(error)),
        };
        NativeTenant {
            calls: CallRunner { actor, ..self.calls.clone() },
            refusal,
            maintenance_interval: None,
        }
    }

    /// Opens the engine if it is not open yet.
    #[napi(catch_unwind)]
    pub fn ready(&self, env: Env) -> u32 {
        self.calls.write(env, |_| encode_nothing())
    }

    /// `CreateSession` as JSON → grant.
    #[napi(catch_unwind)]
    pub fn create(&self, env: Env, request: String) -> u32 {
        self.calls.begin_write(env, move |open| {
            let request = CreateSession::from_json(read_object(&request)?)?;
            Ok(open.tenant.begin_create(request).map(|grant| encode_grant(&grant)))
        })
    }

    /// A refresh token and `RefreshRequest` as JSON → grant.
    #[napi(catch_unwind)]
    pub fn refresh(&self, env: Env, refresh_token: String, request: String) -> u32 {
        self.calls.begin_write(env, move |open| {
            let request = RefreshRequest::from_json(read_object(&request)?)?;
            Ok(open.tenant.begin_refresh(&refresh_token, request).map(|grant| encode_grant(&grant)))
        })
    }

    /// The credential of an imported session and `RefreshRequest` as JSON → grant.
    #[napi(catch_unwind)]
    pub fn adopt(&self, env: Env, credential: String, request: String) -> u32 {
        self.calls.begin_write(env, move |open| {
            let request = RefreshRequest::from_json(read_object(&request)?)?;
            Ok(open.tenant.begin_adopt(&credential, request).map(|grant| encode_grant(&grant)))
        })
    }

    /// The path of a file and `ImportRequest` as JSON → `ImportReport`.
    #[napi(catch_unwind)]
    pub fn import(&self, env: Env, path: String, request: String) -> u32 {
        self.calls.write_on(env, &SURVEYS, move |open| {
            let request = ImportRequest::from_json(read_object(&request)?)?;
            encode(&open.tenant.import_file(path, &request, |_| {})?)
        })
    }

    /// A session id and `IdentityPatch` as JSON → grant without a refresh token.
    #[napi(catch_unwind)]
    pub fn update(&self, env: Env, session_id: String, patch: String) -> u32 {
        self.calls.begin_write(env, move |open| {
            let patch = IdentityPatch::from_json(read_object(&patch)?)?;
            let updated = open.tenant.begin_update(session_id.parse()?, patch);
            Ok(updated.map(|session| encode_updated(&session)))
        })
    }

    /// A session id → session with the number of its validator.
    #[napi(catch_unwind)]
    pub fn get(&self, env: Env, session_id: String) -> Either<String, u32> {
        let begun = self.calls.begin_read(env, |tenant| {
            let pending = tenant.begin_get(session_id.parse()?);
            Ok(move || encode_session(&pending.wait()?, None))
        });
        if let Some(call) = begun {
            return Either::B(call);
        }
        self.calls.read_inline(env, move |engine, tenant| {
            let (session, validator) = tenant.get_cacheable(session_id.parse()?)?;
            encode_session(&session, Some(engine.validators.keep(validator)))
        })
    }

    /// `ListQuery` as JSON → the lines of a page, with the number of its validator if it may be cached. A short page is read on this
    /// thread, unless that would block.
    #[napi(catch_unwind)]
    pub fn list(&self, env: Env, query: String) -> Either<String, u32> {
        let query = read_object(&query).and_then(ListQuery::from_json);
        let begun = self.calls.begin_read(env, |tenant| {
            let pending = tenant.begin_list(query.clone()?);
            Ok(move || encode_page(&pending.wait()?, None))
        });
        if let Some(call) = begun {
            return Either::B(call);
        }
        let is_short = query.as_ref().is_ok_and(ListQuery::is_short);
        let body = move |engine: &LazyEngine, tenant: &Tenant| {
            let (page, validator) = tenant.list_cacheable(query.as_ref().map_err(Error::clone)?)?;
            encode_page(&page, validator.map(|validator| engine.validators.keep(validator)))
        };
        if is_short {
            return self.calls.read_inline(env, body);
        }
        Either::B(self.calls.read_on(env, &LISTS, body))
    }

    /// A session id → explanation.
    #[napi(catch_unwind)]
    pub fn explain(&self, env: Env, session_id: String) -> u32 {
        self.calls.read(env, &SURVEYS, move |open| encode_record(&open.tenant.explain(session_id.parse()?)?))
    }

    /// `SessionFilter` as JSON → `{count}`.
    #[napi(catch_unwind)]
    pub fn count(&self, env: Env, filter: String) -> u32 {
        self.calls.read(env, &SURVEYS, move |open| {
            encode_count("count", open.tenant.count(&SessionFilter::from_json(read_object(&filter)?)?)?)
        })
    }

    /// A session id → verification.
    #[napi(catch_unwind)]
    pub fn verify_session(&self, env: Env, session_id: String) -> Either<String, u32> {
        let engine = self.calls.engine.clone();
        let begun = self.calls.begin_read(env, |tenant| {
            let pending = session_id.parse().map(|id| tenant.begin_verify_session_cacheable(id));
            Ok(move || {
                let outcome = pending.map_err(Into::into).and_then(Pending::wait);
                encode_session_verification(outcome.map(|(session, validator)| {
                    let number = keep_leased(engine.as_deref(), &validator);
                    (session, number)
                }))
            })
        });
        if let Some(call) = begun {
            return Either::B(call);
        }
        self.calls.read_inline(env, move |engine, tenant| {
            let outcome = session_id
                .parse::<SessionId>()
                .map_err(Into::into)
                .and_then(|id| tenant.verify_session_cacheable(id));
            encode_session_verification(
                outcome.map(|(session, validator)| (session, Some(engine.validators.keep(validator)))),
            )
        })
    }

    /// An access token → verification with the token's payload. `inline`: on this thread even if a signature has to be computed.
    #[napi(catch_unwind)]
    pub fn verify_access_token(&self, env: Env, token: String, inline: bool) -> Either<String, u32> {
        let engine = self.calls.engine.clone();
        let begun = self.calls.begin_read(env, |tenant| {
            let pending = tenant.begin_verify_access_token(&token);
            Ok(move || {
                let outcome = pending.wait();
                let access = outcome.as_ref().ok();
                let number = access.and_then(|access| keep_leased(engine.as_deref(), access.validator()));
                encode_token_verification(outcome, number)
            })
        });
        if let Some(call) = begun {
            return Either::B(call);
        }
        let body = move |engine: &LazyEngine, tenant: &Tenant| {
            let outcome = tenant.verify_access_token(&token);
            let number =
                outcome.as_ref().ok().map(|access| engine.validators.keep(access.validator().clone()));
            encode_token_verification(outcome, number)
        };
        if inline {
            return self.calls.read_inline(env, body);
        }
        Either::B(
            self.calls
                .submit(env, &LOOKUPS, move |engine, queued| body(engine, &engine.open(queued)?.tenant)),
        )
    }

    /// Whether the cached answer with this number is certainly fresh. Reads no file; false means unknown.
    #[napi(catch_unwind)]
    pub fn is_fresh(&self, number: i64) -> bool {
        self.calls.is_fresh(number, true)
    }

    /// [`is_fresh`](Self::is_fresh) for what a verification may tell and a look-up may not: an answer that is remembered for a time.
    #[napi(catch_unwind)]
    pub fn is_unchanged(&self, number: i64) -> bool {
        self.calls.is_fresh(number, false)
    }

    /// An access token and `LocalVerification` as JSON → payload, on another thread.
    #[napi(catch_unwind)]
    pub fn verify_locally(&self, env: Env, token: String, options: String) -> u32 {
        self.calls.submit(env, &CHECKS, move |engine, queued| {
            verify_locally(&engine.open(queued)?.tenant, &token, &options)
        })
    }

    /// [`verify_locally`](Self::verify_locally) on this thread, if it does not block.
    #[napi(catch_unwind)]
    pub fn verify_locally_inline(&self, env: Env, token: String, options: String) -> Either<String, u32> {
        self.calls.read_inline(env, move |_, tenant| verify_locally(tenant, &token, &options))
    }

    /// [`verify_locally`](Self::verify_locally) on this thread; opens the engine on this thread if it is not open.
    #[napi(catch_unwind)]
    pub fn verify_locally_sync(&self, token: String, options: String) -> Outcome {
        self.calls.run_sync(|tenant| verify_locally(tenant, &token, &options)).into()
    }

    /// A session id → nothing.
    #[napi(catch_unwind)]
    pub fn revoke(&self, env: Env, session_id: String) -> u32 {
        self.calls.begin_write(env, move |open| {
            Ok(open.tenant.begin_revoke(session_id.parse()?).map(|()| encode_nothing()))
        })
    }

    /// A user id, and the id of a session to keep → `{revoked}`.
    #[napi(catch_unwind)]
    pub fn revoke_user(&self, env: Env, user_id: String, except: Option<String>) -> u32 {
        self.calls.write(env, move |open| {
            let user_id: UserId = user_id.parse()?;
            let except = except.map(|id| id.parse()).transpose()?;
            encode_count("revoked", open.tenant.revoke_user(&user_id, except)?)
        })
    }

    /// → `{revoked}`.
    #[napi(catch_unwind)]
    pub fn revoke_tenant(&self, env: Env) -> u32 {
        self.calls.write(env, |open| encode_count("revoked", open.tenant.revoke_tenant()?))
    }

    /// `SessionFilter` as JSON and the plan of a preview → `{revoked}`.
    #[napi(catch_unwind)]
    pub fn revoke_where(&self, env: Env, filter: String, plan: Option<String>) -> u32 {
        self.calls.write(env, move |open| {
            let filter = SessionFilter::from_json(read_object(&filter)?)?;
            let plan = plan.map(|plan| plan.parse()).transpose()?;
            encode_count("revoked", open.tenant.revoke_where(RevokeWhere::new(filter).plan(plan))?)
        })
    }

    /// `SessionFilter` as JSON → `{count, sample, plan}`.
    #[napi(catch_unwind)]
    pub fn preview_revoke_where(&self, env: Env, filter: String) -> u32 {
        self.calls.read(env, &SURVEYS, move |open| {
            let filter = SessionFilter::from_json(read_object(&filter)?)?;
            encode_preview(&open.tenant.preview_revoke_where(&filter)?)
        })
    }

    /// An access or refresh token and a scope → `{revoked}`.
    #[napi(catch_unwind)]
    pub fn sign_out(&self, env: Env, token: String, scope: Option<String>) -> u32 {
        self.calls.write(env, move |open| {
            let scope = scope.map_or(Ok(SignOutScope::default()), |scope| scope.parse())?;
            encode_count("revoked", open.tenant.sign_out(&token, scope)?)
        })
    }

    /// → settings.
    #[napi(catch_unwind)]
    pub fn config(&self, env: Env) -> u32 {
        self.calls.read(env, &LOOKUPS, |open| encode(&open.tenant.config()?.to_json_with_warnings()))
    }

    /// `ConfigPatch` as JSON → settings.
    #[napi(catch_unwind)]
    pub fn update_config(&self, env: Env, patch: String) -> u32 {
        self.calls.write(env, move |open| {
            encode(&open.tenant.update_config(&patch.parse()?)?.to_json_with_warnings())
        })
    }

    /// → JWK Set.
    #[napi(catch_unwind)]
    pub fn jwks(&self, env: Env) -> u32 {
        self.calls.read(env, &LOOKUPS, |open| encode(&open.tenant.jwks()?.to_json()))
    }

    /// → keys.
    #[napi(catch_unwind)]
    pub fn keys(&self, env: Env) -> u32 {
        self.calls.read(env, &LOOKUPS, |open| encode_record(&open.tenant.keys()?))
    }

    /// → the id of the key that signs from now on.
    #[napi(catch_unwind)]
    pub fn rotate_keys(&self, env: Env) -> u32 {
        self.calls.write(env, |open| encode(&open.tenant.rotate_keys()?))
    }

    /// A key id → nothing.
    #[napi(catch_unwind)]
    pub fn retire_key(&self, env: Env, kid: String) -> u32 {
        self.calls.write(env, move |open| {
            open.tenant.retire_key(kid.parse()?)?;
            encode_nothing()
        })
    }

    /// A secret key → nothing.
    #[napi(catch_unwind)]
    pub fn change_secret_key(&self, env: Env, secret_key: String) -> u32 {
        let secret_key = Zeroizing::new(secret_key);
        self.calls.write(env, move |open| {
            open.tenant.change_secret_key(&secret_key.parse::<SecretKey>()?)?;
            encode_nothing()
        })
    }

    /// → nothing.
    #[napi(catch_unwind)]
    pub fn rotate_refresh_key(&self, env: Env) -> u32 {
        self.calls.write(env, |open| {
            open.tenant.rotate_refresh_key()?;
            encode_nothing()
        })
    }

    /// `EventQuery` as JSON → page of events.
    #[napi(catch_unwind)]
    pub fn events(&self, env: Env, query: String) -> Either<String, u32> {
        self.calls.read_inline(env, move |_, tenant| {
            encode_event_page(&tenant.events(&EventQuery::from_json(read_object(&query)?)?)?)
        })
    }

    /// → `{sealed, through}`.
    #[napi(catch_unwind)]
    pub fn seal_events(&self, env: Env) -> u32 {
        self.calls.write_on(env, &SURVEYS, |open| encode_record(&open.tenant.seal_events()?))
    }

    /// The number of an event and the path of a new file → `{events}`.
    #[napi(catch_unwind)]
    pub fn export_events(&self, env: Env, after: i64, path: String) -> u32 {
        self.calls.write_on(env, &SURVEYS, move |open| {
            let after = u64::try_from(after).unwrap_or_default();
            encode_count("events", open.tenant.export_events_to(after, path)?)
        })
    }

    /// Whether there may be events since the page with this mark; reads no file.
    #[napi(catch_unwind)]
    pub fn may_have_events_since(&self, mark: String) -> Outcome {
        self.calls.run_sync(|tenant| encode(&tenant.may_have_events_since(&mark)?)).into()
    }

    /// A consumer's name, its holder and `EventQuery` as JSON → page of events, or null.
    #[napi(catch_unwind)]
    pub fn next_events(&self, env: Env, name: String, holder: Buffer, query: String) -> u32 {
        let holder = holder.to_vec();
        self.calls.write(env, move |open| {
            let query = EventQuery::from_json(read_object(&query)?)?;
            match consumer(&open.tenant, &name, &holder)?.next(&query)? {
                Some(page) => encode_event_page(&page),
                None => encode_nothing(),
            }
        })
    }

    /// A consumer's name, its holder and the number of the event that it is done with, negative for none → whether it holds
    /// its lease.
    #[napi(catch_unwind)]
    pub fn hold_events(&self, env: Env, name: String, holder: Buffer, through: i64) -> u32 {
        let holder = holder.to_vec();
        self.calls.write(env, move |open| {
            let consumer = consumer(&open.tenant, &name, &holder)?;
            encode(&match u64::try_from(through) {
                Ok(through) => consumer.finish(through)?,
                Err(_) => consumer.renew()?,
            })
        })
    }

    /// A consumer's name and its holder → nothing.
    #[napi(catch_unwind)]
    pub fn release_events(&self, env: Env, name: String, holder: Buffer) -> u32 {
        let holder = holder.to_vec();
        self.calls.write(env, move |open| {
            consumer(&open.tenant, &name, &holder)?.release()?;
            encode_nothing()
        })
    }

    /// → `MaintenanceReport`.
    #[napi(catch_unwind)]
    pub fn maintain(&self, env: Env) -> u32 {
        self.calls.write_on(env, &SURVEYS, |open| encode(&open.tenant.maintain()?))
    }

    /// A holder and seconds → `MaintenanceReport`, or null if another process has done a round within them.
    #[napi(catch_unwind)]
    pub fn maintain_in_turn(&self, env: Env, holder: Buffer, seconds: i64) -> u32 {
        let holder = holder.to_vec();
        self.calls.write_on(env, &SURVEYS, move |open| {
            let period = Duration::from_secs(u64::try_from(seconds).unwrap_or_default())?;
            encode(&open.tenant.maintain_in_turn(read_holder(&holder)?, period)?)
        })
    }

    /// After how many seconds the package does a round of maintenance by itself; null for the default, 0 for never.
    #[napi(catch_unwind)]
    pub fn maintenance_interval(&self) -> Option<i64> {
        self.maintenance_interval.map(|interval| interval.map_or(0, |interval| interval.as_secs() as i64))
    }

    /// Whether the engine is open.
    #[napi(catch_unwind)]
    pub fn is_open(&self) -> bool {
        self.calls.engine.as_ref().is_some_and(|engine| engine.if_open().is_some())
    }

    /// Whether the engine is open, and each of its reads waits for a network.
    #[napi(catch_unwind)]
    pub fn reads_over_network(&self) -> bool {
        let open = self.calls.engine.as_ref().and_then(|engine| engine.if_open());
        open.is_some_and(|open| open.tenant.reads_over_network())
    }

    /// The number that an answer gave → page of the revocation list.
    #[napi(catch_unwind)]
    pub fn revocations(&self, env: Env, since: i64) -> u32 {
        let since = u64::try_from(since).unwrap_or_default();
        self.calls.read(env, &LOOKUPS, move |open| encode(&open.tenant.revocations(since)?))
    }

    /// → counts.
    #[napi(catch_unwind)]
    pub fn stats(&self, env: Env) -> u32 {
        self.calls.read(env, &SURVEYS, |open| encode_record(&open.tenant.stats()?))
    }

    /// "24h" or "30d" → counts with `series`.
    #[napi(catch_unwind)]
    pub fn stats_series(&self, env: Env, series: String) -> u32 {
        self.calls.read(env, &SURVEYS, move |open| {
            let StatsSeries { stats, periods, .. } = open.tenant.stats_series(series.parse()?)?;
            let mut counts = serde_json::to_value(InMillis(&stats)).unwrap_or_default();
            counts["series"] = serde_json::to_value(InMillis(&periods)).unwrap_or_default();
            encode(&counts)
        })
    }

    /// → `{stamped}`.
    #[napi(catch_unwind)]
    pub fn sweep(&self, env: Env) -> u32 {
        self.calls.write_on(env, &SURVEYS, |open| encode_count("stamped", open.tenant.sweep()?))
    }

    /// `PurgeBefore` as JSON → `{purged}`.
    #[napi(catch_unwind)]
    pub fn purge(&self, env: Env, before: String) -> u32 {
        self.calls.write_on(env, &SURVEYS, move |open| {
            encode_count("purged", open.tenant.purge(PurgeBefore::from_json(read_object(&before)?)?)?)
        })
    }

    /// → nothing.
    #[napi(catch_unwind)]
    pub fn lower_clock_mark(&self, env: Env) -> u32 {
        self.calls.write(env, |open| {
            open.engine.lower_clock_mark()?;
            encode_nothing()
        })
    }

    /// Refuses all further calls at once and releases the files → nothing.
    #[napi(catch_unwind)]
    pub fn close(&self, env: Env) -> u32 {
        if let Some(engine) = &self.calls.engine {
            engine.refuse_calls();
        }
        self.calls.submit(env, &LOOKUPS, |engine, _| {
            engine.close()?;
            encode_nothing()
        })
    }
}

fn read_holder(bytes: &[u8]) -> Result<[u8; 16], Error> {
    bytes.try_into().map_err(|_| Error::validation("holder", "must be 16 bytes"))
}

fn consumer(tenant: &Tenant, name: &str, holder: &[u8]) -> Result<EventConsumer, Error> {
    tenant.event_consumer_as(name, read_holder(holder)?)
}

/// The number of the validator, if the answer may be remembered for a time.
fn keep_leased(engine: Option<&LazyEngine>, validator: &CacheValidator) -> Option<i64> {
    let engine = engine.filter(|_| validator.is_leased())?;
    Some(engine.validators.keep(validator.clone()))
}

/// The number of a verification's validator; nothing if the answer could never be remembered.
pub(crate) fn keep_validator(engine: &LazyEngine, tenant: &Tenant, validator: CacheValidator) -> Option<i64> {
    let may_be_fresh = !tenant.reads_over_network() || validator.is_leased();
    may_be_fresh.then(|| engine.validators.keep(validator))
}

fn verify_locally(tenant: &Tenant, token: &str, options: &str) -> Answer {
    let options = LocalVerification::from_json(read_object(options)?)?;
    encode(&tenant.verify_locally(token, &options)?.payload)
}
