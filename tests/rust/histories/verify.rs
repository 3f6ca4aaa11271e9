//! Verifying tokens and ids.

use hellojohn::{ErrorCode, LocalVerification};

use serde_json::{Value, json};

use crate::fixture::code;
use crate::rest_text::millis;

use super::History;
use super::model::{self, AccessTokenModel};
use super::view::Shown;

impl History {
    pub(super) fn verify(&mut self, tenant_index: usize) {
        if self.model.tenants[tenant_index].accesses.is_empty() || self.dice.one_in(3) {
            return self.verify_session(tenant_index);
        }
        let count = self.model.tenants[tenant_index].accesses.len();
        let span = *self.dice.pick(&[8, 400]);
        let back = self.dice.below(span).min(count - 1);
        let access = self.model.tenants[tenant_index].accesses[count - 1 - back].clone();
        if self.dice.one_in(8) {
            let (tenant, text) = match self.dice.below(2) {
                0 => (1 - tenant_index, access.text),
                _ => (tenant_index, self.mutate(&access.text)),
            };
            self.record_call(format!("verify {tenant} a worthless token"));
            let expected = if text.is_empty() { ErrorCode::MissingToken } else { ErrorCode::InvalidToken };
            let local = self.tenants[tenant].verify_locally(&text, &LocalVerification::default());
            assert_eq!(code(local), Some(expected));
            assert_eq!(code(self.tenants[tenant].verify_access_token(&text)), Some(expected));
            return self.touch(tenant_index);
        }
        self.record_call(format!("verify {tenant_index} a token of session {}", access.session));
        // Before it: the time that local verification answers for is known then.
        self.touch(tenant_index);
        let refusals = self.model.local_refusals(tenant_index, &access);
        let local = self.tenants[tenant_index].verify_locally(&access.text, &LocalVerification::default());
        match local {
            Ok(claims) => {
                assert!(refusals.is_empty(), "accepted, expected {refusals:?}");
                assert_eq!(claims.session_id, self.model.tenants[tenant_index].sessions[access.session].id);
                assert_eq!(claims.expires_at.as_millis(), access.exp);
                let jwks = self.tenants[tenant_index].jwks().unwrap().to_string();
                assert!(jwks.contains(&access.kid), "a live token's key is not published");
            }
            Err(error) => assert!(refusals.contains(&error.code()), "{error}, expected {refusals:?}"),
        }
        let session_index = access.session;
        if self.way.is_rest() {
            return self.verify_over_rest(tenant_index, session_index, Some(&access), refusals);
        }
        let answer = self.ask(tenant_index, |tenant| match session_index % 2 {
            0 => tenant.verify_access_token(&access.text),
            _ => tenant.begin_verify_access_token(&access.text).wait(),
        });
        let Some(answer) = answer else { return self.check_nothing_happened() };
        let purged = self.model.tenants[tenant_index].sessions[session_index].purged;
        match (answer, self.model.end_of(tenant_index, session_index)) {
            (Err(refused), _) if !refusals.is_empty() => assert!(refusals.contains(&refused.error.code())),
            (Err(refused), _) if purged => assert_eq!(refused.error.code(), ErrorCode::SessionNotFound),
            (Err(refused), Some(ended)) => {
                assert_eq!(refused.error.code(), model::error_of(ended));
                self.model.check_session(
                    tenant_index,
                    session_index,
                    &Shown::from(&*refused.session.unwrap()),
                );
            }
            (Ok(verified), None) if refusals.is_empty() && !purged => {
                assert_eq!(verified.claims.user_id, verified.session.user_id);
                self.model.check_session(tenant_index, session_index, &Shown::from(&verified.session));
            }
            (answer, ended) => panic!("{answer:?}, expected {refusals:?} {ended:?}"),
        }
    }

    pub(super) fn verify_session(&mut self, tenant_index: usize) {
        let Some(session_index) = self.pick_session(tenant_index) else { return };
        let id = self.model.tenants[tenant_index].sessions[session_index].id;
        self.record_call(format!("verify session {tenant_index} {session_index}"));
        assert_eq!(code(self.tenants[1 - tenant_index].verify_session(id)), Some(ErrorCode::SessionNotFound));
        if self.way.is_rest() {
            return self.verify_over_rest(tenant_index, session_index, None, &[]);
        }
        let answer = self.ask(tenant_index, |tenant| match session_index % 2 {
            0 => tenant.verify_session(id),
            _ => tenant.begin_verify_session(id).wait(),
        });
        let Some(answer) = answer else { return self.check_nothing_happened() };
        self.model.see_clock();
        let purged = self.model.tenants[tenant_index].sessions[session_index].purged;
        match (answer, self.model.end_of(tenant_index, session_index)) {
            (Err(refused), _) if purged => assert_eq!(refused.error.code(), ErrorCode::SessionNotFound),
            (Err(refused), Some(ended)) => {
                assert_eq!(refused.error.code(), model::error_of(ended));
                self.model.check_session(
                    tenant_index,
                    session_index,
                    &Shown::from(&*refused.session.unwrap()),
                );
            }
            (Ok(session), None) if !purged => {
                self.model.check_session(tenant_index, session_index, &Shown::from(&session))
            }
            (answer, ended) => panic!("{answer:?}, expected {ended:?}"),
        }
    }

    /// Verifies an access token, or the session by its id. A refusal does not show the session.
    fn verify_over_rest(
        &mut self,
        tenant_index: usize,
        session_index: usize,
        access: Option<&AccessTokenModel>,
        refusals: &[ErrorCode],
    ) {
        let id = self.model.tenants[tenant_index].sessions[session_index].id;
        let body = match access {
            Some(access) => json!({"token": access.text}),
            None => json!({"session_id": id.to_string()}),
        };
        let way = self.way;
        let answer = self.ask(tenant_index, |tenant| way.rest(tenant).expect("a request").verify(body));
        let Some(answer) = answer else { return self.check_nothing_happened() };
        self.model.see_clock();
        let purged = self.model.tenants[tenant_index].sessions[session_index].purged;
        match (answer, self.model.end_of(tenant_index, session_index)) {
            (Err(refused), _) if !refusals.is_empty() => assert!(refusals.contains(&refused.code())),
            (Err(refused), _) if purged => assert_eq!(refused.code(), ErrorCode::SessionNotFound),
            (Err(refused), Some(ended)) => {
                assert_eq!(refused.code(), model::error_of(ended));
                self.model.tenants[tenant_index].sessions[session_index].was_reported_ended = true;
            }
            (Ok(valid), None) if refusals.is_empty() && !purged => {
                let exp = access.map(|access| access.exp);
                self.check_valid(tenant_index, session_index, exp, &valid);
            }
            (answer, ended) => panic!("{answer:?}, expected {refusals:?} {ended:?}"),
        }
    }

    /// Requires that the answer tells the session as it is, and until when it may be taken for that.
    fn check_valid(&self, tenant_index: usize, session_index: usize, exp: Option<i64>, valid: &Value) {
        let expected = self.model.view(tenant_index, session_index);
        let text = |name: &str| valid[name].as_str();
        let id = expected.id.to_string();
        assert_eq!(
            [text("session_id"), text("user_id"), text("tenant_id"), text("role")],
            [Some(&*id), Some(&*expected.user), Some(&*expected.tenant), expected.role.as_deref()],
            "{valid}"
        );
        assert_eq!(
            (&valid["mfa_verified"], valid["actor"].is_null()),
            (&json!(expected.mfa), !expected.is_acted),
            "{valid}"
        );
        assert_eq!(text("expires_at").map(millis), Some(exp.unwrap_or(expected.access_expires)), "{valid}");
    }
}
