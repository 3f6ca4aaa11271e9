//! Calls that hand out tokens or present them: sign-in, refresh, update, sign-out.

use hellojohn::{
    ClientInfo, CreateSession, EndReason, ErrorCode, IdentityPatch, RefreshRequest, SessionActor,
    SignOutScope, Tenant,
};

use crate::fixture::{SECOND, code, user};

use super::answers::Granted;
use super::filter_model::{ADDRESSES, COUNTRIES};
use super::model::{self, RefreshOutcome, SignIn};
use super::way::Way;
use super::{History, USERS};

/// REST does not tell how many sessions a sign-out has ended.
fn require_count(told: Option<u64>, count: u64) {
    assert_eq!(told.unwrap_or(count), count);
}

impl History {
    pub(super) fn create(&mut self, tenant_index: usize) {
        let user_index = self.dice.below(USERS);
        let is_acted = self.dice.one_in(6);
        let longest = if is_acted { 3_600 } else { 7_200 };
        let secs = self.dice.one_in(3).then(|| 1 + self.dice.below(longest) as u64);
        self.record_call(format!("create {tenant_index} u{user_index} {secs:?} {is_acted}"));
        let actor = is_acted.then(|| SessionActor::new(user("op"), "ticket".parse().unwrap()));
        let duration = secs.map(|secs| hellojohn::Duration::from_secs(secs).unwrap());
        let sign_in = SignIn {
            user: user_index,
            duration: secs.map(|secs| secs as i64 * SECOND),
            is_acted,
            country: *self.dice.pick(&COUNTRIES),
            ip: *self.dice.pick(&ADDRESSES),
        };
        let client = ClientInfo::default()
            .country(sign_in.country.map(|country| country.parse().unwrap()))
            .ip_address(sign_in.ip.map(|ip| ip.parse().unwrap()));
        let request = CreateSession::new(user(&format!("u{user_index}")))
            .client(client)
            .duration(duration)
            .actor(actor);
        // No one signs in as another.
        let way = if is_acted { Way::RUST } else { self.way };
        let email = self.dice.roll();
        let answer = self.ask(tenant_index, |tenant| match way.rest(tenant) {
            Some(rest) => rest.sign_in(email, request),
            None => tenant.create(request).map(Granted::from),
        });
        let Some(answer) = answer else {
            return self.settle(move |model, look| model.create_unanswered(tenant_index, sign_in, look));
        };
        self.model.see_clock();
        self.model.apply_create(tenant_index, sign_in, &answer.unwrap());
    }

    pub(super) fn mutate(&mut self, text: &str) -> String {
        let at = self.dice.below(text.len());
        let other = if &text[at..=at] == "A" { "B" } else { "A" };
        match self.dice.below(4) {
            0 => text[..at].to_owned(),
            1 => format!("{text}A"),
            _ => format!("{}{other}{}", &text[..at], &text[at + 1..]),
        }
    }

    pub(super) fn refresh(&mut self, tenant_index: usize) {
        let Some(session_index) = self.pick_session(tenant_index) else { return };
        let made = self.model.tenants[tenant_index].sessions[session_index].tokens.len();
        let back = *self.dice.pick(&[0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 3, 9]);
        let generation = made.saturating_sub(1 + back);
        let token = self.model.tenants[tenant_index].sessions[session_index].tokens[generation].clone();
        if token.is_empty() {
            return;
        }
        let ip = self.dice.one_in(3).then(|| format!("203.0.113.{}", self.dice.below(250)));
        let request = RefreshRequest::default().ip_address(ip.as_deref().map(|ip| ip.parse().unwrap()));
        if self.dice.one_in(8) {
            let (tenant, token) = match self.dice.below(2) {
                0 => (1 - tenant_index, token),
                _ => (tenant_index, self.mutate(&token)),
            };
            self.record_call(format!("refresh {tenant} with a worthless token"));
            if self.model.refuses_writes {
                return;
            }
            // A credential of another system is no refresh token.
            let is_genuine = tenant != tenant_index && token.starts_with("rt_");
            let answer = match self.way.rest(&self.tenants[tenant]) {
                Some(rest) => rest.refresh(&token, ip.as_deref(), is_genuine),
                None => self.tenants[tenant].refresh(&token, request).map(Granted::from),
            };
            let expected =
                if token.is_empty() { ErrorCode::MissingToken } else { ErrorCode::RefreshTokenInvalid };
            assert_eq!(code(answer), Some(expected), "{token}");
            return self.touch(tenant_index);
        }
        self.record_call(format!(
            "refresh {tenant_index} session {session_index} generation {generation} of {made}"
        ));
        let is_credential =
            generation == 0 && self.model.tenants[tenant_index].sessions[session_index].is_imported;
        let (way, from) = (self.way, ip.as_deref());
        let answer = self.ask(tenant_index, |tenant| match (way.rest(tenant), is_credential) {
            (Some(rest), true) => rest.adopt(&token, from),
            (Some(rest), false) => rest.refresh(&token, from, true),
            (None, true) => tenant.adopt(&token, request).map(Granted::from),
            (None, false) => tenant.refresh(&token, request).map(Granted::from),
        });
        let Some(answer) = answer else {
            return self.settle(move |model, _| {
                model.refresh_unanswered(tenant_index, session_index, generation, ip.as_deref())
            });
        };
        self.model.see_clock();
        match (self.model.expected_refresh(tenant_index, session_index, generation), answer) {
            (RefreshOutcome::Refuses(expected), Err(error)) => {
                assert_eq!(error.code(), expected, "{error}");
                self.model.apply_refusal(tenant_index, session_index, expected);
            }
            (outcome @ (RefreshOutcome::Rotates | RefreshOutcome::Replays), Ok(grant)) => {
                self.model.apply_refresh(tenant_index, session_index, outcome, ip.as_deref(), &grant);
            }
            (outcome, answer) => panic!("expected {outcome:?}, found {answer:?}"),
        }
    }

    pub(super) fn update(&mut self, tenant_index: usize) {
        let Some(session_index) = self.pick_session(tenant_index) else { return };
        let role = self.dice.one_in(2).then(|| format!("role{}", self.dice.below(3)));
        let mfa = self.dice.one_in(2).then(|| self.dice.one_in(2));
        self.record_call(format!("update {tenant_index} {session_index} {role:?} {mfa:?}"));
        let patch = IdentityPatch::default()
            .role(Some(role.as_deref().map(|role| role.parse().unwrap())))
            .mfa_verified(mfa);
        let id = self.model.tenants[tenant_index].sessions[session_index].id;
        let update = |tenant: &Tenant| tenant.update(id, patch).map(Granted::from);
        let Some(answer) = self.ask(tenant_index, update) else {
            return self.settle(move |model, _| {
                model.update_unanswered(tenant_index, session_index, role.clone(), mfa)
            });
        };
        self.model.see_clock();
        match (answer, self.model.end_of(tenant_index, session_index)) {
            (Err(error), _) if self.model.tenants[tenant_index].sessions[session_index].purged => {
                assert_eq!(error.code(), ErrorCode::SessionNotFound);
            }
            (Err(error), Some(ended)) => {
                assert_eq!(error.code(), model::error_of(ended));
                self.model.tenants[tenant_index].sessions[session_index].was_reported_ended = true;
            }
            (Ok(answer), None) => {
                let known = &mut self.model.tenants[tenant_index].sessions[session_index];
                known.role = role;
                known.mfa = mfa.unwrap_or(known.mfa);
                self.model.apply_update(tenant_index, session_index, &answer);
            }
            (answer, ended) => panic!("{answer:?}, expected {ended:?}"),
        }
    }

    pub(super) fn sign_out(&mut self, tenant_index: usize) {
        let Some(session_index) = self.pick_session(tenant_index) else { return };
        let scope = if self.dice.one_in(3) { SignOutScope::Global } else { SignOutScope::Local };
        let with_access = self.dice.one_in(2);
        let known = &self.model.tenants[tenant_index].sessions[session_index];
        let generation = known.tokens.len() - 1 - self.dice.below(2).min(known.tokens.len() - 1);
        let accesses = &self.model.tenants[tenant_index].accesses;
        let access =
            accesses.iter().rfind(|access| access.session == session_index).filter(|_| with_access).cloned();
        let token = access.as_ref().map_or(&known.tokens[generation], |access| &access.text).clone();
        // An old credential is nothing to sign out with.
        if token.is_empty() || access.is_none() && generation == 0 && known.is_imported {
            return;
        }
        let with_access = access.is_some();
        self.record_call(format!(
            "sign out {tenant_index} {session_index} access {with_access} generation {generation} {scope:?}"
        ));
        let (way, is_in_body) = (self.way, session_index % 2 == 0);
        let answer = self.ask(tenant_index, |tenant| match way.rest(tenant) {
            Some(rest) => rest.sign_out(&token, scope, is_in_body),
            None => tenant.sign_out(&token, scope).map(Some),
        });
        let Some(answer) = answer else {
            return self.settle_sign_out(
                tenant_index,
                session_index,
                scope,
                (!with_access).then_some(generation),
            );
        };
        self.touch(tenant_index);
        let refusals = if let Some(access) = access {
            // Expired or not; and a key that has retired by itself may or may not be remembered.
            match (self.model.local_refusals(tenant_index, &access), code(answer.clone())) {
                ([ErrorCode::InvalidToken], _) => &[ErrorCode::InvalidToken][..],
                ([_, ErrorCode::InvalidToken], Some(ErrorCode::InvalidToken)) => &[ErrorCode::InvalidToken],
                _ => &[],
            }
        } else {
            match self.model.expected_refresh(tenant_index, session_index, generation) {
                RefreshOutcome::Refuses(ErrorCode::RefreshTokenInvalid) => {
                    &[ErrorCode::RefreshTokenInvalid][..]
                }
                RefreshOutcome::Refuses(ErrorCode::RefreshTokenReused) => &[ErrorCode::RefreshTokenReused],
                _ => &[],
            }
        };
        let ended = self.model.end_of(tenant_index, session_index);
        let known = &self.model.tenants[tenant_index].sessions[session_index];
        let (id, user_index) = (known.id, known.user);
        if let Some(expected) = refusals.first() {
            let found = code(answer).unwrap();
            assert!(refusals.contains(&found), "{found}");
            if *expected == ErrorCode::RefreshTokenReused {
                self.model.apply_refusal(tenant_index, session_index, found);
            }
        } else if known.purged {
            // To a client of REST the token is a credential.
            let gone = if way.is_rest() { ErrorCode::InvalidToken } else { ErrorCode::SessionNotFound };
            assert_eq!(code(answer), Some(gone));
        } else if scope == SignOutScope::Global {
            match ended {
                Some(ended) => assert_eq!(code(answer), Some(model::error_of(ended))),
                None => {
                    let count = self.model.end_all(
                        tenant_index,
                        |known| known.user == user_index,
                        EndReason::RevokeAll,
                    );
                    require_count(answer.unwrap(), count);
                }
            }
        } else {
            let count = self.model.end_all(tenant_index, |known| known.id == id, EndReason::SignOut);
            require_count(answer.unwrap(), count);
        }
    }

    fn settle_sign_out(
        &mut self,
        tenant_index: usize,
        session_index: usize,
        scope: SignOutScope,
        generation: Option<usize>,
    ) {
        self.settle(move |model, _| {
            if let Some(generation) = generation
                && let RefreshOutcome::Refuses(ErrorCode::RefreshTokenReused) =
                    model.expected_refresh(tenant_index, session_index, generation)
            {
                return model.refresh_unanswered(tenant_index, session_index, generation, None);
            }
            let known = &model.tenants[tenant_index].sessions[session_index];
            let (id, user_index) = (known.id, known.user);
            let ended = match scope {
                SignOutScope::Global => {
                    model.end_all(tenant_index, |known| known.user == user_index, EndReason::RevokeAll)
                }
                _ => model.end_all(tenant_index, |known| known.id == id, EndReason::SignOut),
            };
            ended > 0
        });
    }
}
