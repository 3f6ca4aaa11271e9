//! Look-ups that JavaScript has begun in one turn of its event loop, answered on its thread by one read of the store.

use hellojohn::{Error, ListQuery, SessionId, Tenant};
use napi_derive::napi;

use crate::calls::{CallRunner, read_object};
use crate::encode::{encode_page, encode_session};
use crate::guard::catch_panic;
use crate::lazy_engine::LazyEngine;
use crate::tenant::NativeTenant;

#[napi]
impl NativeTenant {
    /// Session ids → the answers of `get` to the first of them, at least one, as a JSON array; null for one that has to be asked alone.
    #[napi(catch_unwind)]
    pub fn get_together(&self, session_ids: Vec<String>) -> String {
        let parse = |id: &str| id.parse::<SessionId>().ok();
        let answers = self.calls.read_together(&session_ids, parse, |engine, tenant, ids| {
            tenant.get_together(ids, |answers: &mut Vec<_>, found| {
                answers.push(found.and_then(|(session, validator)| {
                    encode_session(&session, Some(engine.validators.keep(validator))).ok()
                }));
            })
        });
        let answers: Vec<&str> = answers.iter().map(|answer| answer.as_deref().unwrap_or("null")).collect();
        format!("[{}]", answers.join(","))
    }

    /// `ListQuery`s as JSON → the answers of `list` to the first of them, at least one; null for one that has to be asked alone.
    #[napi(catch_unwind)]
    pub fn list_together(&self, queries: Vec<String>) -> Vec<Option<String>> {
        let parse =
            |query: &str| read_object(query).and_then(ListQuery::from_json).ok().filter(ListQuery::is_short);
        self.calls.read_together(&queries, parse, |engine, tenant, queries| {
            tenant.list_together(queries, |answers: &mut Vec<_>, found| {
                answers.push(found.and_then(|(page, validator)| {
                    encode_page(&page, validator.map(|validator| engine.validators.keep(validator))).ok()
                }));
            })
        })
    }
}

impl CallRunner {
    fn read_together<Q>(
        &self,
        questions: &[String],
        parse: impl Fn(&str) -> Option<Q>,
        read: impl FnOnce(&LazyEngine, &Tenant, &[Q]) -> Result<Vec<Option<String>>, Error>,
    ) -> Vec<Option<String>> {
        let parsed: Vec<Q> = questions.iter().map_while(|question| parse(question)).collect();
        let answers = self.engine.as_ref().filter(|_| !parsed.is_empty()).and_then(|engine| {
            let open = engine.if_open().filter(|open| !open.tenant.reads_over_network())?;
            catch_panic(|| read(engine, &open.non_blocking, &parsed)).ok()
        });
        answers.unwrap_or_else(|| vec![None; parsed.len().max(1)])
    }
}
