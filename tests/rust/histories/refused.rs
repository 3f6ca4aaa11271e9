//! Requests that prove nothing: a wrong key, none, another tenant's, a page of another site, a wrong password. They are refused, set no
//! cookie and change nothing.

use hellojohn::rest::http::Method;
use hellojohn::{EndReason, ErrorCode};
use serde_json::json;

use crate::fixture::code;

use super::History;
use super::devices::Caller;
use super::model::Mistake;
use super::rest_calls::plain;
use super::rest_client::{ACCESS_COOKIE, Ask, REFRESH_COOKIE};

/// What a browser tells of a page that may not use the cookies.
const FOREIGN_PAGES: [&[(&str, &str)]; 6] = [
    &[],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site"), ("host", "api.example.com")],
    &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test"), ("x-requested-with", "fetch")],
    &[("origin", "https://app.example.com.evil.test"), ("host", "api.example.com")],
    &[("origin", "null"), ("host", "api.example.com")],
];

/// Requests that the holder of the secret key may make, and nothing else.
fn of_holder(number: usize) -> Ask {
    match number {
        0 => Ask::new(Method::POST, "/v1/sessions/revoke").json(json!({"filter": {"user_id": "u0"}})),
        1 => Ask::new(Method::PATCH, "/v1/admin/config").json(json!({"idle_timeout": "1m"})),
        2 => Ask::new(Method::POST, "/v1/admin/keys/rotate"),
        3 => Ask::new(Method::GET, "/v1/admin/stats"),
        4 => Ask::new(Method::GET, "/v1/admin/keys"),
        _ => Ask::new(Method::GET, "/v1/events"),
    }
}

/// A request that is to be refused.
struct Refused {
    what: String,
    ask: Ask,
    code: ErrorCode,
    /// The session that a page of another site asks to end.
    session: Option<usize>,
}

impl History {
    pub(super) fn be_refused(&mut self, tenant_index: usize) {
        let Some(Refused { what, ask, code: expected, session }) = self.draw_refused(tenant_index) else {
            return;
        };
        self.record_call(format!("refused {tenant_index} {what}"));
        let way = self.way;
        let answer = self.ask(tenant_index, |tenant| plain(way.rest(tenant).expect("a request").send(ask)));
        if let Some(answer) = answer {
            assert_eq!(code(answer), Some(expected), "{what}");
        }
        if let Some(session_index) = session.filter(|_| self.model.mistake == Some(Mistake::ForeignPage)) {
            let id = self.model.tenants[tenant_index].sessions[session_index].id;
            self.model.end_all(tenant_index, |known| known.id == id, EndReason::SignOut);
        }
        self.check_nothing_happened();
    }

    fn draw_refused(&mut self, tenant_index: usize) -> Option<Refused> {
        let number = self.dice.below(6);
        let refused = |what: &str, ask, code| {
            Some(Refused { what: format!("{what} {number}"), ask, code, session: None })
        };
        match self.dice.below(8) {
            0 => {
                let ask = of_holder(number).bearer("sk_test_another_7d1f3a90c5e8b264");
                refused("wrong key", ask, ErrorCode::InvalidApiKey)
            }
            1 => refused("no key", of_holder(number), ErrorCode::MissingToken),
            2 => {
                let other = format!("tnt_{}", 1 - tenant_index);
                let ask = of_holder(number).secret_key().header("x-tenant-id", other);
                refused("another tenant's", ask, ErrorCode::TenantMismatch)
            }
            3 => match self.pick_caller(tenant_index) {
                Caller::Device { token, .. } => {
                    let ask = of_holder(number).bearer(&token);
                    refused("a user", ask, ErrorCode::InsufficientPermissions)
                }
                Caller::Holder => None,
            },
            4 => {
                // What names the sessions was lost on the way.
                let target =
                    *self.dice.pick(&["/v1/sessions?", "/v1/sessions?userid=u0", "/v1/sessions?user_id="]);
                let ask = Ask::new(Method::DELETE, target).secret_key();
                refused("end which", ask, ErrorCode::ValidationError)
            }
            5 => {
                let email = format!("{}@example.com", self.dice.roll());
                let body = json!({"email": email, "password": "battery staple"});
                let ask =
                    Ask::new(Method::POST, "/v1/auth/sign-in").json(body).header("sec-fetch-site", "none");
                refused("wrong password", ask, ErrorCode::InvalidCredentials)
            }
            choice => self.draw_foreign_page(tenant_index, choice == 6),
        }
    }

    /// A page of another site makes the browser send the cookies of a session.
    fn draw_foreign_page(&mut self, tenant_index: usize, by_refresh_token: bool) -> Option<Refused> {
        if !self.way.has_cookies() {
            return None;
        }
        let page = *self.dice.pick(&FOREIGN_PAGES);
        let (what, ask, session) = if by_refresh_token {
            let session_index = self.pick_session(tenant_index)?;
            let known = &self.model.tenants[tenant_index].sessions[session_index];
            let token = known.tokens.last().filter(|token| token.starts_with("rt_"))?.clone();
            let target = *self.dice.pick(&["/v1/auth/token/refresh", "/v1/auth/sign-out"]);
            let ask = Ask::new(Method::POST, target).cookie(REFRESH_COOKIE, &token);
            (target, ask, (target == "/v1/auth/sign-out").then_some(session_index))
        } else {
            let Caller::Device { token, id, session, .. } = self.pick_caller(tenant_index) else {
                return None;
            };
            let target = format!("/v1/sessions/{id}");
            let ask = Ask::new(Method::DELETE, target).cookie(ACCESS_COOKIE, &token);
            ("end one", ask, Some(session))
        };
        let ask = page.iter().fold(ask, |ask, (name, value)| ask.header(name, *value));
        let what = format!("foreign page {page:?} {what}");
        Some(Refused { what, ask, code: ErrorCode::InsufficientPermissions, session })
    }
}
