//! The Rust surface: speaks the protocol of `tests/README.md` over the public interface of the crate.
#![allow(clippy::print_stdout)] // the protocol

use std::collections::HashMap;
use std::io::stdin;

use hellojohn::{
    ConfigPatch, CreateSession, Engine, Error, ErrorCode, Grant, IdentityPatch, ListQuery, LocalVerification,
    ManualClock, PurgeBefore, RefreshRequest, Session, SignOutScope, Tenant, Timestamp,
};
use serde_json::{Map, Value, json};

#[derive(Default)]
struct Surface {
    engine: Option<Engine>,
    clock: Option<ManualClock>,
    tenants: HashMap<(String, String), Tenant>,
}

fn main() {
    let mut surface = Surface::default();
    for line in stdin().lines() {
        let answer = line
            .map_err(|error| Error::new(ErrorCode::BadRequest, error.to_string()))
            .and_then(|line| {
                serde_json::from_str(&line).map_err(|e| Error::new(ErrorCode::BadRequest, e.to_string()))
            })
            .and_then(|line| surface.answer(line));
        println!(
            "{}",
            match answer {
                Ok(answer) => json!({ "ok": answer }),
                Err(error) => json!({"error": {"code": error.code().as_str(), "detail": error.detail()}}),
            }
        );
    }
}

/// What a session looks like; the session is the only part of an answer that is wide.
fn session(session: &Session) -> Value {
    serde_json::to_value(session).unwrap_or_default()
}

fn grant(grant: &Grant) -> Value {
    json!({
        "session": session(&grant.session),
        "access_token": grant.access_token.expose(),
        "refresh_token": grant.refresh_token.expose(),
        "expires_in": grant.expires_in,
        "evicted": grant.evicted,
    })
}

fn take_text(args: &mut Map<String, Value>, name: &str) -> Result<String, Error> {
    match args.remove(name) {
        Some(Value::String(text)) => Ok(text),
        None | Some(Value::Null) => Err(Error::validation(name, "is required")),
        Some(_) => Err(Error::validation(name, "must be a string")),
    }
}

impl Surface {
    fn answer(&mut self, line: Value) -> Result<Value, Error> {
        if let Some(path) = line["open"].as_str() {
            let clock = ManualClock::new(Timestamp::from_millis(line["clock"].as_i64().unwrap_or_default()));
            self.tenants.clear();
            self.engine = Some(Engine::builder().clock(clock.clone()).open(path)?);
            self.clock = Some(clock);
            return Ok(json!({}));
        }
        if let (Some(at), Some(clock)) = (line["clock"].as_i64(), &self.clock) {
            clock.set(Timestamp::from_millis(at));
            return Ok(json!({}));
        }
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let args = line["args"].as_object().cloned().unwrap_or_default();
        self.operate(&text("op"), (text("tenant_id"), text("secret_key")), args)
    }

    fn tenant(&mut self, engine: &Engine, key: (String, String)) -> Result<Tenant, Error> {
        if let Some(tenant) = self.tenants.get(&key) {
            return Ok(tenant.clone());
        }
        let tenant = engine.tenant(&key.0.parse()?, &key.1.parse()?)?;
        self.tenants.insert(key, tenant.clone());
        Ok(tenant)
    }

    fn operate(
        &mut self,
        op: &str,
        key: (String, String),
        mut args: Map<String, Value>,
    ) -> Result<Value, Error> {
        let engine =
            self.engine.clone().ok_or_else(|| Error::new(ErrorCode::EngineClosed, "nothing is open"))?;
        match op {
            "close" => return engine.close().map(|()| json!({})),
            "lower_clock_mark" => return engine.lower_clock_mark().map(|()| json!({})),
            _ => {}
        }
        let tenant = self.tenant(&engine, key.clone())?;
        let take = |args: &mut Map<String, Value>, name: &str| take_text(args, name);
        Ok(match op {
            "create" => grant(&tenant.create(CreateSession::from_json(args)?)?),
            "refresh" => {
                let token = take(&mut args, "refresh_token")?;
                grant(&tenant.refresh(&token, RefreshRequest::from_json(args)?)?)
            }
            "update" => {
                let id = take(&mut args, "session_id")?;
                let updated = tenant.update(id.parse()?, IdentityPatch::from_json(args)?)?;
                json!({
                    "session": session(&updated.session),
                    "access_token": updated.access_token.expose(),
                    "refresh_token": null,
                    "expires_in": updated.expires_in,
                    "evicted": [],
                })
            }
            "get" => session(&tenant.get(take(&mut args, "session_id")?.parse()?)?),
            "list" => {
                let page = tenant.list(&ListQuery::from_json(args)?)?;
                json!({
                    "data": page.data.iter().map(session).collect::<Vec<_>>(),
                    "next_cursor": page.next_cursor.map(|cursor| cursor.to_string()),
                })
            }
            "verify_session" => session(&tenant.verify_session(take(&mut args, "session_id")?.parse()?)?),
            "verify_access_token" => {
                let verified = tenant.verify_access_token(&take(&mut args, "token")?)?;
                json!({"session": session(&verified.session), "claims": &verified.claims.payload})
            }
            "verify_locally" => {
                let token = take(&mut args, "token")?;
                Value::Object(tenant.verify_locally(&token, &LocalVerification::from_json(args)?)?.payload)
            }
            "revoke" => tenant.revoke(take(&mut args, "session_id")?.parse()?).map(|()| json!({}))?,
            "revoke_user" => {
                let user = take(&mut args, "user_id")?.parse()?;
                let except = match args.get("except") {
                    None | Some(Value::Null) => None,
                    Some(_) => Some(take(&mut args, "except")?.parse()?),
                };
                json!({"revoked": tenant.revoke_user(&user, except)?})
            }
            "revoke_tenant" => json!({"revoked": tenant.revoke_tenant()?}),
            "sign_out" => {
                let token = take(&mut args, "token")?;
                let scope = match args.get("scope") {
                    None | Some(Value::Null) => SignOutScope::default(),
                    Some(_) => take(&mut args, "scope")?.parse()?,
                };
                json!({"revoked": tenant.sign_out(&token, scope)?})
            }
            "config" => tenant.config()?.to_json(),
            "update_config" => tenant.update_config(&ConfigPatch::from_json(&args)?)?.to_json(),
            "jwks" => tenant.jwks()?.to_json(),
            "keys" => json!({"data": tenant.keys()?}),
            "rotate_keys" => json!({"kid": tenant.rotate_keys()?}),
            "retire_key" => tenant.retire_key(take(&mut args, "kid")?.parse()?).map(|()| json!({}))?,
            "change_secret_key" => {
                let new = take(&mut args, "new_secret_key")?;
                tenant.change_secret_key(&new.parse()?)?;
                self.tenants.remove(&key);
                self.tenants.insert((key.0, new), tenant);
                json!({})
            }
            "stats" => serde_json::to_value(tenant.stats()?).unwrap_or_default(),
            "sweep" => json!({"stamped": tenant.sweep()?}),
            "purge" => json!({"purged": tenant.purge(PurgeBefore::from_json(args)?)?}),
            unknown => return Err(Error::new(ErrorCode::NotFound, format!("no operation {unknown}"))),
        })
    }
}
