//! Look-ups that JavaScript has begun in one turn of its event loop, answered on its thread by one read of the store.

use hellojohn::{Error, ListQuery, SessionId, Tenant};
use napi_derive::napi;

use crate::calls::{CallRunner, read_object};
use crate::encode::{SESSION_BYTES, write_page, write_session};
use crate::guard::catch_panic;
use crate::lazy_engine::LazyEngine;
use crate::tenant::NativeTenant;

#[napi]
impl NativeTenant {
    /// Session ids → the answers of `get` to the first of them, at least one, as a JSON array; null for one that has to be asked alone.
    #[napi(catch_unwind)]
    pub fn get_together(&self, session_ids: Vec<String>) -> String {
        self.calls.read_together(&session_ids, |id| id.parse::<SessionId>().ok(), |engine, tenant, ids| {
            tenant.get_together(ids, |answers: &mut Answers, found| {
                answers.add(found, |text, (session, validator)| {
                    write_session(text, &session, Some(engine.validators.keep(validator)))
                });
            })
        })
    }

    /// `ListQuery`s as JSON → the answers of `list` to the first of them, at least one, as a JSON array: the sessions, the next cursor
    /// and the number of the page's validator; null for one that has to be asked alone.
    #[napi(catch_unwind)]
    pub fn list_together(&self, queries: Vec<String>) -> String {
        let parse =
            |query: &str| read_object(query).and_then(ListQuery::from_json).ok().filter(ListQuery::is_short);
        self.calls.read_together(&queries, parse, |engine, tenant, queries| {
            tenant.list_together(queries, |answers: &mut Answers, found| {
                answers.add(found, |text, (page, validator)| {
                    text.reserve(SESSION_BYTES * (page.data.len() + 1));
                    write_page(text, &page, validator.map(|validator| engine.validators.keep(validator)))
                });
            })
        })
    }
}

/// A JSON array of answers, without its end.
#[derive(Default)]
struct Answers(Vec<u8>);

impl Answers {
    /// Adds an answer, or null: also where it cannot be written.
    fn add<T>(&mut self, found: Option<T>, write: impl FnOnce(&mut Vec<u8>, T) -> Result<(), Error>) {
        self.0.push(if self.0.is_empty() { b'[' } else { b',' });
        let start = self.0.len();
        if found.is_none_or(|found| write(&mut self.0, found).is_err()) {
            self.0.truncate(start);
            self.0.extend_from_slice(b"null");
        }
    }

    fn into_text(mut self) -> Option<String> {
        self.0.push(b']');
        String::from_utf8(self.0).ok()
    }

    /// So many nulls.
    fn none(count: usize) -> Self {
        let mut answers = Answers::default();
        (0..count).for_each(|_| answers.add(None::<()>, |_, ()| Ok(())));
        answers
    }
}

impl CallRunner {
    fn read_together<Q>(
        &self,
        questions: &[String],
        parse: impl Fn(&str) -> Option<Q>,
        read: impl FnOnce(&LazyEngine, &Tenant, &[Q]) -> Result<Answers, Error>,
    ) -> String {
        let parsed: Vec<Q> = questions.iter().map_while(|question| parse(question)).collect();
        let answers = self.engine.as_ref().filter(|_| !parsed.is_empty()).and_then(|engine| {
            let open = engine.if_open().filter(|open| !open.tenant.reads_over_network())?;
            let answers = catch_panic(|| read(engine, &open.non_blocking, &parsed));
            answers.ok()?.into_text()
        });
        answers.or_else(|| Answers::none(parsed.len().max(1)).into_text()).unwrap_or_default()
    }
}
