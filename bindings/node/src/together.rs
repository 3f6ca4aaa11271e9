//! Look-ups that JavaScript has begun in one turn of its event loop, answered on its thread by one read of the store.

use hellojohn::{Error, ListQuery, SessionFilter, SessionId, Tenant};
use napi::bindgen_prelude::Int32ArraySlice;
use napi_derive::napi;
use serde::Deserialize;

use crate::calls::{CallRunner, read_object};
use crate::encode::Answers;
use crate::guard::catch_panic;
use crate::lazy_engine::LazyEngine;
use crate::tenant::NativeTenant;

#[napi]
impl NativeTenant {
    /// Session ids → the answers of `get` to the first of them, at least one, as a JSON array; null for one that has to be asked alone.
    /// The sessions lack their numbers, which are written to `numbers`, one session's after the other's.
    #[napi(catch_unwind)]
    pub fn get_together(&self, session_ids: Vec<String>, numbers: Int32ArraySlice<'_>) -> String {
        let parse = |id: &str| id.parse::<SessionId>().ok();
        let room = numbers.len();
        self.calls.read_together(&session_ids, numbers, parse, |engine, tenant, ids| {
            tenant.get_together(ids, |answers: &mut Answers, found| {
                answers.add(room, |answers| {
                    let (session, validator) = found?;
                    answers.add_session(&session, engine.validators.keep(validator)).ok()
                });
            })
        })
    }

    /// `ListQuery`s as JSON → the answers of `list` to the first of them, at least one, as a JSON array; null for one that has to be asked
    /// alone. The numbers of the sessions as in `getTogether`.
    #[napi(catch_unwind)]
    pub fn list_together(&self, queries: Vec<String>, numbers: Int32ArraySlice<'_>) -> String {
        let room = numbers.len();
        self.calls.read_together(&queries, numbers, short_query, |engine, tenant, queries| {
            tenant.list_together(queries, |answers: &mut Answers, found| {
                answers.add(room, |answers| {
                    let (page, validator) = found?;
                    let number = validator.map(|validator| engine.validators.keep(validator));
                    answers.add_page(&page, number).ok()
                });
            })
        })
    }
}

/// What nearly every list asks for. To read it member by member takes as long as to read a session.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionsOfUser<'a> {
    user_id: &'a str,
    status: &'a str,
}

impl SessionsOfUser<'_> {
    fn query(&self) -> Option<ListQuery> {
        let filter = SessionFilter::of_user(self.user_id.parse().ok()?).status(self.status.parse().ok());
        filter.status.is_some().then(|| ListQuery::default().filter(filter))
    }
}

/// The query, if it is good and its page is short.
fn short_query(query: &str) -> Option<ListQuery> {
    let of_user = serde_json::from_str::<SessionsOfUser<'_>>(query).ok().and_then(|asked| asked.query());
    of_user.or_else(|| read_object(query).and_then(ListQuery::from_json).ok()).filter(ListQuery::is_short)
}

impl CallRunner {
    fn read_together<Q>(
        &self,
        questions: &[String],
        mut numbers: Int32ArraySlice<'_>,
        parse: impl Fn(&str) -> Option<Q>,
        read: impl FnOnce(&LazyEngine, &Tenant, &[Q]) -> Result<Answers, Error>,
    ) -> String {
        let parsed: Vec<Q> = questions.iter().map_while(|question| parse(question)).collect();
        let answered = self.engine.as_ref().filter(|_| !parsed.is_empty()).and_then(|engine| {
            let open = engine.if_open().filter(|open| !open.tenant.reads_over_network())?;
            let answers = catch_panic(|| read(engine, &open.non_blocking, &parsed)).ok()?;
            // SAFETY: this is JavaScript's thread, in a call, and no other one has the array.
            let written = unsafe { numbers.as_mut() }.get_mut(..answers.numbers.len())?;
            written.copy_from_slice(&answers.numbers);
            answers.finish().ok()
        });
        answered.unwrap_or_else(|| format!("[{}]", vec!["null"; parsed.len().max(1)].join(",")))
    }
}
