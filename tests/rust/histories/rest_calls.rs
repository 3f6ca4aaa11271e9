//! What histories ask of sessions as requests to the REST API, and its answers as what they mean.

use hellojohn::rest::http::Method;
use hellojohn::{CreateSession, Cursor, Error, ErrorCode, RevokePlan, SessionId, SignOutScope};
use serde_json::{Map, Value, json};

use crate::rest_text::query;

use super::answers::{Granted, Listed, Previewed};
use super::devices::Caller;
use super::filter_model::FilterModel;
use super::model::Mistake;
use super::rest_client::{ACCESS_COOKIE, Ask, Client, Cookies, PASSWORD, REFRESH_COOKIE, Reply};
use super::view::Shown;

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text, and not {value}"))
}

pub(super) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("a number, and not {value}"))
}

pub(super) fn parsed<T: std::str::FromStr<Err = Error>>(value: &Value) -> T {
    text(value).parse().expect("what REST has written")
}

/// The answer to a request that has nothing to do with cookies.
pub(super) fn plain(reply: Reply) -> Result<Value, Error> {
    assert_eq!(reply.cookies, Cookies::Kept);
    reply.outcome
}

impl Client {
    pub(super) fn as_holder(&self, method: Method, target: impl Into<String>) -> Ask {
        Ask::new(method, target).secret_key()
    }

    /// A request of the holder of the secret key, or of a user about what is the user's own.
    pub(super) fn as_caller(&self, caller: &Caller, method: Method, target: String) -> Ask {
        let ask = Ask::new(method, target);
        match caller {
            Caller::Holder => ask.secret_key(),
            Caller::Device { token, .. } if self.has_cookies => {
                self.on_page(ask.cookie(ACCESS_COOKIE, token))
            }
            Caller::Device { token, .. } => ask.bearer(token),
        }
    }

    /// Signs in as this user, whose length and address the request has.
    pub(super) fn sign_in(&self, email: u64, mut user: CreateSession) -> Result<Granted, Error> {
        let address = user.client.ip_address.take().map(|address| address.to_string());
        let duration = user.duration.take().map(|duration| duration.to_string());
        let ask = Ask::new(Method::POST, "/v1/auth/sign-in").user(user).at(address.as_deref());
        let credentials = json!({
            "email": format!("{email}@example.com"),
            "password": PASSWORD,
            "session_options": {"duration": duration},
        });
        let Reply { outcome, cookies } = self.send(self.on_page(ask.json(credentials)));
        let outcome = outcome.inspect_err(|_| assert_eq!(cookies, Cookies::Kept));
        let body = outcome?;
        let session = Some(Shown::of_json(&body["session"]));
        Ok(Granted { session, ..self.granted(&body, cookies) })
    }

    /// The tokens of an answer: each is where this client keeps it.
    fn granted(&self, body: &Value, cookies: Cookies) -> Granted {
        let access_token = text(&body["access_token"]).to_owned();
        let (refresh_token, cookie_ages) = match cookies {
            Cookies::Set([(refresh, age), (access, access_age)]) => {
                assert_eq!(body.get("refresh_token"), None, "a script can read it");
                assert_eq!(access, access_token);
                (refresh, Some([age, access_age]))
            }
            kept => {
                assert!(!self.has_cookies && kept == Cookies::Kept, "{kept:?}");
                (text(&body["refresh_token"]).to_owned(), None)
            }
        };
        Granted {
            id: parsed(&body["session_id"]),
            access_token,
            refresh_token: Some(refresh_token),
            expires_in: number(&body["expires_in"]),
            evicted: None,
            session: None,
            cookie_ages,
        }
    }

    /// Refreshes by the cookie, or with the token in the body. `is_genuine` says that a tenant has made the token.
    pub(super) fn refresh(&self, token: &str, ip: Option<&str>, is_genuine: bool) -> Result<Granted, Error> {
        let ask = Ask::new(Method::POST, "/v1/auth/token/refresh").at(ip);
        if !self.has_cookies {
            let reply = self.send(ask.json(json!({"refresh_token": token})));
            return Ok(self.granted(&reply.outcome?, reply.cookies));
        }
        let Reply { outcome, cookies } = self.send(self.on_page(ask.cookie(REFRESH_COOKIE, token)));
        match outcome {
            Ok(body) => Ok(self.granted(&body, cookies)),
            Err(error) => {
                let is_dead = match error.code() {
                    ErrorCode::SessionExpired | ErrorCode::SessionRevoked => {
                        self.mistake != Some(Mistake::DeadCookie)
                    }
                    // What is no refresh token is forgotten, too.
                    ErrorCode::RefreshTokenInvalid if !is_genuine => cookies == Cookies::Cleared,
                    code => code == ErrorCode::RefreshTokenReused,
                };
                assert_eq!(cookies, if is_dead { Cookies::Cleared } else { Cookies::Kept }, "{error}");
                Err(error)
            }
        }
    }

    pub(super) fn adopt(&self, credential: &str, ip: Option<&str>) -> Result<Granted, Error> {
        let ask = Ask::new(Method::POST, "/v1/auth/adopt").at(ip).json(json!({"credential": credential}));
        let Reply { outcome, cookies } = self.send(self.on_page(ask));
        match outcome {
            Ok(body) => Ok(self.granted(&body, cookies)),
            Err(error) => {
                assert_eq!(cookies, Cookies::Kept);
                Err(error)
            }
        }
    }

    /// Signs out with an access or a refresh token, which the cookies have, the header or the body.
    pub(super) fn sign_out(
        &self,
        token: &str,
        scope: SignOutScope,
        is_in_body: bool,
    ) -> Result<Option<u64>, Error> {
        let is_refresh_token = token.starts_with("rt_");
        let mut body = json!({"scope": scope.as_str()});
        let ask = Ask::new(Method::POST, "/v1/auth/sign-out");
        let ask = match (self.has_cookies, is_refresh_token) {
            (true, true) => self.on_page(ask.cookie(REFRESH_COOKIE, token)),
            (true, false) => self.on_page(ask.cookie(ACCESS_COOKIE, token)),
            (false, true) if is_in_body => {
                body["refresh_token"] = token.into();
                ask
            }
            (false, _) => ask.bearer(token),
        };
        let Reply { outcome, cookies } = self.send(ask.json(body));
        // Whether a session has ended that the store could not be asked about, is not known.
        let is_known = outcome.as_ref().err().is_none_or(|error| error.code().http_status() < 500);
        let expected = if self.has_cookies && is_known { Cookies::Cleared } else { Cookies::Kept };
        assert_eq!(cookies, expected, "{outcome:?}");
        outcome.map(|_| None)
    }

    /// The filter as a query; a user need not say whose sessions it is about.
    fn parameters(&self, caller: &Caller, filter: &FilterModel) -> Map<String, Value> {
        let mut parameters = filter.to_members_of_rest();
        if matches!(caller, Caller::Device { .. }) && self.page == 0 {
            parameters.remove("user_id");
        }
        parameters
    }

    pub(super) fn get(&self, caller: &Caller, id: SessionId) -> Result<Shown, Error> {
        let body = plain(self.send(self.as_caller(caller, Method::GET, format!("/v1/sessions/{id}"))))?;
        Ok(caller.shown(&body))
    }

    pub(super) fn list(
        &self,
        caller: &Caller,
        filter: &FilterModel,
        limit: usize,
        cursor: Option<&Cursor>,
    ) -> Result<Listed, Error> {
        let mut parameters = self.parameters(caller, filter);
        parameters.insert("limit".to_owned(), json!(limit));
        parameters.insert("cursor".to_owned(), json!(cursor.map(ToString::to_string)));
        let target = format!("/v1/sessions{}", query(&parameters));
        let body = plain(self.send(self.as_caller(caller, Method::GET, target)))?;
        let pagination = &body["pagination"];
        assert_eq!(
            (&pagination["limit"], &pagination["has_more"]),
            (&json!(limit), &json!(!pagination["next_cursor"].is_null()))
        );
        Ok(Listed {
            sessions: body["data"].as_array().expect("a list").iter().map(|one| caller.shown(one)).collect(),
            next_cursor: pagination["next_cursor"].as_str().map(|cursor| cursor.parse().expect("a cursor")),
        })
    }

    pub(super) fn count(&self, caller: &Caller, filter: &FilterModel) -> Result<u64, Error> {
        let target = format!("/v1/sessions/count{}", query(&self.parameters(caller, filter)));
        Ok(number(&plain(self.send(self.as_caller(caller, Method::GET, target)))?["count"]))
    }

    pub(super) fn revoke(&self, caller: &Caller, id: SessionId) -> Result<(), Error> {
        plain(self.send(self.as_caller(caller, Method::DELETE, format!("/v1/sessions/{id}"))))?;
        Ok(())
    }

    /// Ends the sessions of the user, or of the user who calls but the own one.
    pub(super) fn revoke_user(
        &self,
        caller: &Caller,
        user: Option<usize>,
        but_current: bool,
    ) -> Result<u64, Error> {
        let mut parameters = Map::new();
        parameters.insert("user_id".to_owned(), json!(user.map(|user| format!("u{user}"))));
        parameters.insert("except".to_owned(), json!(but_current.then_some("current")));
        let target = format!("/v1/sessions{}", query(&parameters));
        Ok(number(&plain(self.send(self.as_caller(caller, Method::DELETE, target)))?["revoked"]))
    }

    pub(super) fn revoke_tenant(&self) -> Result<u64, Error> {
        Ok(number(&plain(self.send(self.as_holder(Method::DELETE, "/v1/sessions")))?["revoked"]))
    }

    pub(super) fn preview(&self, filter: &FilterModel) -> Result<Previewed, Error> {
        let body = json!({"filter": filter.to_members_of_rest(), "dry_run": true});
        let body = plain(self.send(self.as_holder(Method::POST, "/v1/sessions/revoke").json(body)))?;
        let sample = body["sample"].as_array().expect("a list").iter().map(|session| parsed(&session["id"]));
        Ok(Previewed { count: number(&body["count"]), sample: sample.collect(), plan: parsed(&body["plan"]) })
    }

    pub(super) fn revoke_where(&self, filter: &FilterModel, plan: Option<&RevokePlan>) -> Result<u64, Error> {
        let mut body = json!({"filter": filter.to_members_of_rest()});
        if let Some(plan) = plan {
            body["plan"] = json!(plan.to_string());
        }
        let answer = self.send(self.as_holder(Method::POST, "/v1/sessions/revoke").json(body));
        Ok(number(&plain(answer)?["revoked"]))
    }

    /// What a verification by a token or an id says of the session; the refusal that stands in a good answer.
    pub(super) fn verify(&self, body: Value) -> Result<Value, Error> {
        let body = plain(self.send(self.as_holder(Method::POST, "/v1/sessions/verify").json(body)))?;
        if body["valid"] == true {
            return Ok(body);
        }
        assert_eq!(body["valid"], false);
        let error = &body["error"];
        let is_it = |code: &&ErrorCode| error["code"] == code.as_str();
        let code = ErrorCode::ALL.iter().find(is_it).expect("a code");
        Err(Error::new(*code, text(&error["message"]).to_owned()))
    }
}
