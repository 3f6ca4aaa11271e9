//! Look-ups that JavaScript has begun in one turn of its event loop, answered on its thread by one read of the store.

use hellojohn::{Error, ListQuery, SessionId, Tenant};
use napi_derive::napi;

use crate::calls::{Answer, CallRunner, read_object};
use crate::encode::{encode_page, encode_session};
use crate::guard::catch_panic;
use crate::tenant::NativeTenant;
use crate::validator_table::ValidatorTable;

#[napi]
impl NativeTenant {
    /// Session ids → the answers of `get` to the first of them, at least one; null for one that has to be asked alone.
    #[napi(catch_unwind)]
    pub fn get_together(&self, session_ids: Vec<String>) -> Vec<Option<String>> {
        self.calls.read_together(
            &session_ids,
            |id| id.parse::<SessionId>().ok(),
            Tenant::get_together,
            |validators, (session, validator)| encode_session(&session, Some(validators.keep(validator))),
        )
    }

    /// `ListQuery`s as JSON → the answers of `list` to the first of them, at least one; null for one that has to be asked alone.
    #[napi(catch_unwind)]
    pub fn list_together(&self, queries: Vec<String>) -> Vec<Option<String>> {
        self.calls.read_together(
            &queries,
            |query| read_object(query).and_then(ListQuery::from_json).ok().filter(ListQuery::is_short),
            Tenant::list_together,
            |validators, (page, validator)| {
                encode_page(&page, validator.map(|validator| validators.keep(validator)))
            },
        )
    }
}

impl CallRunner {
    fn read_together<Q, T>(
        &self,
        questions: &[String],
        parse: impl Fn(&str) -> Option<Q>,
        read: impl FnOnce(&Tenant, &[Q]) -> Result<Vec<Option<T>>, Error>,
        encode: impl Fn(&ValidatorTable, T) -> Answer,
    ) -> Vec<Option<String>> {
        let parsed: Vec<Q> = questions.iter().map_while(|question| parse(question)).collect();
        let answers = self.engine.as_ref().filter(|_| !parsed.is_empty()).and_then(|engine| {
            let open = engine.if_open().filter(|open| !open.tenant.reads_over_network())?;
            let answers = catch_panic(|| {
                let found = read(&open.non_blocking, &parsed)?;
                Ok(found.into_iter().map(|found| encode(&engine.validators, found?).ok()).collect())
            });
            answers.ok()
        });
        answers.unwrap_or_else(|| vec![None; parsed.len().max(1)])
    }
}
