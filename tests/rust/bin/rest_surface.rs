//! The REST surface: speaks the protocol of `tests/README.md` and says each operation as requests to
//! [`RestApi::handle`]. What REST does not have is the host's own work and is called on the Rust crate.

use std::collections::HashMap;

use hellojohn::rest::http::{Method, Request};
use hellojohn::rest::{AuthenticateError, ClientAddress, Credentials, RestApi, RestOptions};
use hellojohn::{CreateSession, Error, ErrorCode, IpAddress, Tenant};
use hellojohn_tests::protocol::{Call, CallError, serve};
use hellojohn_tests::rest_coverage;
use hellojohn_tests::rest_text::{millis, percent_encode, query, rfc3339};
use serde_json::{Map, Value, json};

/// The newest access token of each session: what its user would present.
type AccessTokens = HashMap<String, String>;

fn main() {
    let mut tokens = AccessTokens::new();
    serve(|host, call| {
        if rest_coverage::is_hosts_own(&call.op, Some(&call.args)) {
            return host.call(call);
        }
        let tenant = match host.tenant(&call) {
            // A host that has opened the tenant already answers a request with a wrong key.
            Err(error)
                if error.code() == ErrorCode::InvalidApiKey && rest_coverage::needs_secret_key(&call.op) =>
            {
                host.open_handle(&call.tenant_id).ok_or(error)?
            }
            tenant => tenant?,
        };
        Client { api: api(tenant)?, call: &call, tokens: &mut tokens }.operate()
    });
}

/// The API as a host mounts it that lets clients ask for sessions of any length.
fn api(tenant: Tenant) -> Result<RestApi, Error> {
    let longest_requested_session = Some("100y".parse()?);
    let options = RestOptions::default().longest_requested_session(longest_requested_session);
    Ok(RestApi::new(tenant, options)?.authenticate_with(authenticate))
}

/// The password says how the check ends; if it is right, the member `user` says which session to open.
fn authenticate(credentials: &Credentials) -> Result<Option<CreateSession>, AuthenticateError> {
    match credentials.password() {
        "wrong" => return Ok(None),
        "fails" => return Err(AuthenticateError),
        _ => {}
    }
    let user = credentials.as_object().get("user").and_then(Value::as_object);
    Ok(Some(CreateSession::from_json(user.cloned().unwrap_or_default())?))
}

/// Makes the requests of one call.
struct Client<'a> {
    api: RestApi,
    call: &'a Call,
    tokens: &'a mut AccessTokens,
}

/// A request without what every request of a call has.
struct Outgoing<'a> {
    method: Method,
    target: String,
    bearer: Option<&'a str>,
    body: Option<Value>,
    ip_address: Option<IpAddress>,
    user_agent: Option<String>,
}

impl<'a> Outgoing<'a> {
    fn new(method: Method, target: impl Into<String>) -> Self {
        let target = target.into();
        Outgoing { method, target, bearer: None, body: None, ip_address: None, user_agent: None }
    }

    fn bearer(self, bearer: &'a str) -> Self {
        Outgoing { bearer: Some(bearer), ..self }
    }

    fn json(self, body: Value) -> Self {
        Outgoing { body: Some(body), ..self }
    }

    /// Lets the request come from the client of these arguments: its address from the connection, its user agent in the
    /// header. What cannot come in that way stays among the arguments.
    fn with_client(mut self, args: &mut Map<String, Value>) -> Self {
        if let Some(address) =
            args.get("ip_address").and_then(Value::as_str).and_then(|text| text.parse().ok())
        {
            self.ip_address = Some(address);
            args.remove("ip_address");
        }
        if let Some(agent) =
            args.get("user_agent").and_then(Value::as_str).filter(|text| !text.contains('\0'))
        {
            self.user_agent = Some(agent.to_owned());
            args.remove("user_agent");
        }
        self
    }
}

impl Client<'_> {
    fn send(&self, outgoing: Outgoing<'_>) -> Result<Value, CallError> {
        let mut request = Request::builder()
            .method(outgoing.method)
            .uri(outgoing.target)
            .header("x-tenant-id", self.call.tenant_id.as_bytes());
        if let Some(bearer) = outgoing.bearer {
            request = request.header("authorization", format!("Bearer {bearer}").as_bytes());
        }
        if let Some(actor) = &self.call.actor {
            request = request.header("x-actor", percent_encode(actor));
        }
        if let Some(agent) = outgoing.user_agent {
            request = request.header("user-agent", agent.as_bytes());
        }
        if let Some(address) = outgoing.ip_address {
            request = request.extension(ClientAddress(Some(address)));
        }
        if outgoing.body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = outgoing.body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request =
            request.body(body).map_err(|error| Error::new(ErrorCode::BadRequest, error.to_string()))?;
        let (parts, body) = self.api.handle(request).into_parts();
        let body =
            if body.is_empty() { json!({}) } else { serde_json::from_slice(&body).expect("a JSON body") };
        match parts.status.as_u16() {
            200 | 204 => Ok(body),
            status => Err(call_error(&body["error"], status)),
        }
    }

    /// A request of the holder of the secret key.
    fn send_as_host(&self, method: Method, target: impl Into<String>) -> Result<Value, CallError> {
        self.send(Outgoing::new(method, target).bearer(&self.call.secret_key))
    }

    fn operate(mut self) -> Result<Value, CallError> {
        let mut args = self.call.args.clone();
        match self.call.op.as_str() {
            "create" => self.create(args),
            "sign_in" => self.sign_in(args),
            "refresh" => self.exchange("/v1/auth/token/refresh", args),
            "adopt" => self.exchange("/v1/auth/adopt", args),
            "get" => self.session(argument(&args, "session_id")),
            "list" => self.list(args),
            "count" => self.send_as_host(Method::GET, format!("/v1/sessions/count{}", filter_query(args))),
            "explain" => {
                let path = format!("{}/explain", session_path(argument(&args, "session_id")));
                let mut explanation = self.send_as_host(Method::GET, path)?;
                read_times(&mut explanation, EXPLAINED_TIMES);
                Ok(explanation)
            }
            "revoke_where" => self.revoke_where(args),
            "verify_session" => {
                let valid = self.verify(json!({"session_id": args.remove("session_id")}))?;
                self.session(text(&valid["session_id"]))
            }
            "verify_access_token" => self.verify_access_token(args),
            "revoke" => self.send_as_host(Method::DELETE, session_path(argument(&args, "session_id"))),
            "revoke_user" => self.revoke_user(&args),
            "revoke_tenant" => self.send_as_host(Method::DELETE, "/v1/sessions"),
            "sign_out" => self.sign_out(&args),
            "config" => self.send_as_host(Method::GET, "/v1/admin/config"),
            "update_config" => {
                let request = Outgoing::new(Method::PATCH, "/v1/admin/config");
                self.send(request.bearer(&self.call.secret_key).json(Value::Object(args)))
            }
            "jwks" => self.send(Outgoing::new(Method::GET, "/.well-known/jwks.json")),
            "events" => self.events(args),
            "revocations" => self.send_as_host(Method::GET, format!("/v1/revocations{}", query(&args))),
            "stats" => {
                let mut stats = self.send_as_host(Method::GET, "/v1/admin/stats")?;
                read_times(&mut stats, &["oldest_unswept_at"]);
                Ok(stats)
            }
            "stats_series" => {
                let span = text(&args["series"]);
                let stats = self
                    .send_as_host(Method::GET, format!("/v1/admin/stats?series={}", percent_encode(span)))?;
                let mut periods = stats["series"].clone();
                for period in periods.as_array_mut().into_iter().flatten() {
                    read_times(period, &["begins_at", "ends_at"]);
                }
                Ok(json!({"sessions": stats["sessions"], "periods": periods}))
            }
            "keys" => {
                let mut keys = self.send_as_host(Method::GET, "/v1/admin/keys")?;
                for key in keys["data"].as_array_mut().into_iter().flatten() {
                    read_times(key, &["created_at", "activated_at", "retiring_at", "leaves_at"]);
                }
                Ok(keys)
            }
            "rotate_keys" => self.send_as_host(Method::POST, "/v1/admin/keys/rotate"),
            "retire_key" => {
                let request = Outgoing::new(Method::POST, "/v1/admin/keys/retire");
                self.send(request.bearer(&self.call.secret_key).json(Value::Object(args)))
            }
            other => unreachable!("{other} is no REST operation"),
        }
    }

    fn create(&mut self, args: Map<String, Value>) -> Result<Value, CallError> {
        self.open_session("ada@example.com".into(), "right".into(), args)
    }

    fn sign_in(&mut self, mut args: Map<String, Value>) -> Result<Value, CallError> {
        let (account, check) = (args.remove("account"), args.remove("check"));
        self.open_session(account.unwrap_or_default(), check.unwrap_or_default(), args)
    }

    fn open_session(
        &mut self,
        email: Value,
        password: Value,
        mut args: Map<String, Value>,
    ) -> Result<Value, CallError> {
        let duration = args.remove("duration");
        let request = Outgoing::new(Method::POST, "/v1/auth/sign-in").with_client(&mut args);
        let mut grant = self.send(request.json(json!({
            "email": email,
            "password": password,
            "user": args,
            "session_options": {"duration": duration},
        })))?;
        assert_eq!(grant["session_id"], grant["session"]["id"]);
        read_session(&mut grant["session"]);
        Ok(self.grant(grant))
    }

    /// Exchanges a refresh token, or the credential of an imported session.
    fn exchange(&mut self, path: &str, mut args: Map<String, Value>) -> Result<Value, CallError> {
        let request = Outgoing::new(Method::POST, path).with_client(&mut args);
        let mut grant = self.send(request.json(Value::Object(args)))?;
        grant["session"] = self.session(text(&grant["session_id"]))?;
        Ok(self.grant(grant))
    }

    /// Keeps the access token for a later request of the session's user.
    fn grant(&mut self, grant: Value) -> Value {
        self.tokens.insert(text(&grant["session_id"]).to_owned(), text(&grant["access_token"]).to_owned());
        grant
    }

    /// The session by its id, times in milliseconds.
    fn session(&self, id: &str) -> Result<Value, CallError> {
        let mut session = self.send_as_host(Method::GET, session_path(id))?;
        read_session(&mut session);
        Ok(session)
    }

    fn list(&self, args: Map<String, Value>) -> Result<Value, CallError> {
        let mut page = self.send_as_host(Method::GET, format!("/v1/sessions{}", filter_query(args)))?;
        page["data"].as_array_mut().into_iter().flatten().for_each(read_session);
        let next_cursor = page["pagination"]["next_cursor"].take();
        assert_eq!(page["pagination"]["has_more"], !next_cursor.is_null());
        Ok(json!({"data": page["data"], "next_cursor": next_cursor}))
    }

    fn events(&self, mut args: Map<String, Value>) -> Result<Value, CallError> {
        if let Some(types) = args.get("types").and_then(Value::as_array) {
            let words: Vec<&str> = types.iter().map(text).collect();
            args.insert("types".to_owned(), words.join(",").into());
        }
        let mut page = self.send_as_host(Method::GET, format!("/v1/events{}", query(&args)))?;
        for event in page["data"].as_array_mut().into_iter().flatten() {
            read_times(event, &["at"]);
        }
        let pagination = &page["pagination"];
        Ok(json!({
            "data": page["data"],
            "next_after": pagination["next_after"],
            "has_more": pagination["has_more"],
        }))
    }

    fn revoke_where(&self, mut args: Map<String, Value>) -> Result<Value, CallError> {
        if let Some(Value::Object(filter)) = args.get_mut("filter") {
            write_times(filter);
        }
        let request = Outgoing::new(Method::POST, "/v1/sessions/revoke").bearer(&self.call.secret_key);
        let mut answer = self.send(request.json(Value::Object(args)))?;
        if let Some(sample) = answer.get_mut("sample").and_then(Value::as_array_mut) {
            sample.iter_mut().for_each(read_session);
        }
        Ok(answer)
    }

    /// The answer of the verification if it is a good one, its error if not.
    fn verify(&self, body: Value) -> Result<Value, CallError> {
        let request = Outgoing::new(Method::POST, "/v1/sessions/verify");
        let answer = self.send(request.bearer(&self.call.secret_key).json(body))?;
        match answer["valid"].as_bool() {
            Some(true) => Ok(answer),
            _ => Err(call_error(&answer["error"], 200)),
        }
    }

    /// The session is read by the id that the verification names; the claims are those that it shows.
    fn verify_access_token(&self, mut args: Map<String, Value>) -> Result<Value, CallError> {
        let valid = self.verify(json!({"token": args.remove("token")}))?;
        let claims = json!({
            "sub": valid["user_id"],
            "session_id": valid["session_id"],
            "tenant_id": valid["tenant_id"],
            "exp": millis(text(&valid["expires_at"])) / 1000,
        });
        let session = self.session(text(&valid["session_id"]))?;
        let mut valid = valid;
        read_times(&mut valid, &["auth_time"]);
        valid["factors"].as_array_mut().into_iter().flatten().for_each(|factor| read_times(factor, &["at"]));
        for name in ["auth_time", "factors", "actor", "role", "org_id", "mfa_verified", "claims"] {
            assert_eq!(valid[name], session[name], "the session as it is now");
        }
        Ok(json!({"session": session, "claims": claims, "outdated": valid["outdated"]}))
    }

    /// With an exception the user revokes all sessions but the one whose access token the request carries.
    fn revoke_user(&self, args: &Map<String, Value>) -> Result<Value, CallError> {
        let user = args.get("user_id").cloned().unwrap_or_default();
        let Some(except) = args.get("except").and_then(Value::as_str) else {
            let query = query(&Map::from_iter([("user_id".to_owned(), user)]));
            return self.send_as_host(Method::DELETE, format!("/v1/sessions{query}"));
        };
        let token = self.tokens.get(except).expect("an access token of the exception");
        let current = Map::from_iter([("user_id".to_owned(), user), ("except".to_owned(), json!("current"))]);
        self.send(Outgoing::new(Method::DELETE, format!("/v1/sessions{}", query(&current))).bearer(token))
    }

    /// A refresh token goes in the body, any other token is the bearer.
    fn sign_out(&self, args: &Map<String, Value>) -> Result<Value, CallError> {
        let token = argument(args, "token");
        let mut body = Map::from_iter([("scope".to_owned(), args.get("scope").cloned().unwrap_or_default())]);
        let mut request = Outgoing::new(Method::POST, "/v1/auth/sign-out");
        if token.starts_with("rt_") {
            body.insert("refresh_token".to_owned(), token.into());
        } else {
            request = request.bearer(token);
        }
        self.send(request.json(Value::Object(body)))
    }
}

fn argument<'a>(args: &'a Map<String, Value>, name: &str) -> &'a str {
    args.get(name).map_or("", text)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The envelope's error; what broke inside the host has a message that says nothing.
fn call_error(error: &Value, status: u16) -> CallError {
    let detail = if status < 500 { text(&error["message"]) } else { "" };
    CallError { code: text(&error["code"]).to_owned(), detail: detail.to_owned() }
}

const EXPLAINED_TIMES: &[&str] = &[
    "explained_at",
    "ended_at",
    "ends_at",
    "duration_ends_at",
    "idle_timeout_ends_at",
    "access_token_ends_at",
    "live_token_until",
    "former_token_until",
    "older_token_until",
];

fn session_path(id: &str) -> String {
    format!("/v1/sessions/{}", percent_encode(id))
}

/// The arguments of a filter as a query: countries between commas, times as REST has them.
fn filter_query(mut args: Map<String, Value>) -> String {
    write_times(&mut args);
    for name in ["country", "not_country"] {
        if let Some(Value::Array(countries)) = args.get(name) {
            let countries: Vec<&str> = countries.iter().map(text).collect();
            args.insert(name.to_owned(), countries.join(",").into());
        }
    }
    query(&args)
}

/// Writes the times of a filter as REST has them, to the millisecond.
fn write_times(filter: &mut Map<String, Value>) {
    for name in ["created_after", "created_before", "last_active_after", "last_active_before"] {
        if let Some(millis) = filter.get(name).and_then(Value::as_i64) {
            filter.insert(name.to_owned(), rfc3339(millis).into());
        }
    }
}

fn read_session(session: &mut Value) {
    read_times(
        session,
        &["created_at", "last_active_at", "expires_at", "access_expires_at", "revoked_at", "auth_time"],
    );
    session["factors"].as_array_mut().into_iter().flatten().for_each(|factor| read_times(factor, &["at"]));
}

/// Turns the times of an object into milliseconds.
fn read_times(object: &mut Value, names: &[&str]) {
    for name in names {
        if let Some(time) = object[*name].as_str() {
            object[*name] = millis(time).into();
        }
    }
}
