//! The operations of the scenarios, called on a tenant's handle of the Rust crate.

use hellojohn::in_millis::InMillis;
use hellojohn::{
    AccessClaims, ConfigPatch, CreateSession, Error, ErrorCode, EventQuery, Grant, IdentityPatch,
    ImportRequest, ListQuery, LocalVerification, PurgeBefore, RefreshRequest, RequiredAuth, RevokeWhere,
    Session, SessionFilter, SignOutScope, Tenant, verify_event_log,
};
use serde_json::{Map, Value, json};

fn session(session: &Session) -> Value {
    serde_json::to_value(InMillis(session)).unwrap_or_default()
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

/// Takes an argument that must be a string.
///
/// # Errors
/// `validation_error` naming the argument.
pub fn take_text(args: &mut Map<String, Value>, name: &str) -> Result<String, Error> {
    match args.remove(name) {
        Some(Value::String(text)) => Ok(text),
        None | Some(Value::Null) => Err(Error::validation(name, "is required")),
        Some(_) => Err(Error::validation(name, "must be a string")),
    }
}

/// A sign-in as a host makes it that checks credentials itself.
fn sign_in(tenant: &Tenant, mut args: Map<String, Value>) -> Result<Value, Error> {
    let (account, check) = (take_text(&mut args, "account")?, take_text(&mut args, "check")?);
    let address = args.get("ip_address").and_then(Value::as_str).map(str::parse).transpose()?;
    let attempt = tenant.begin_sign_in(&account, address)?;
    match check.as_str() {
        "right" => Ok(grant(&attempt.succeed(CreateSession::from_json(args)?)?)),
        "wrong" => Err(attempt.fail()),
        _ => {
            attempt.cancel()?;
            Err(Error::new(ErrorCode::Internal, "the check failed"))
        }
    }
}

/// Ends the sessions of a filter, or with `dry_run` shows which would end.
fn revoke_where(tenant: &Tenant, mut args: Map<String, Value>) -> Result<Value, Error> {
    let filter = match args.remove("filter") {
        Some(Value::Object(filter)) => SessionFilter::from_json(filter)?,
        _ => return Err(Error::validation("filter", "must be a JSON object")),
    };
    if args.get("dry_run") == Some(&Value::Bool(true)) {
        let preview = tenant.preview_revoke_where(&filter)?;
        let sample: Vec<Value> = preview.sample.iter().map(session).collect();
        return Ok(json!({"count": preview.count, "sample": sample, "plan": preview.plan.to_string()}));
    }
    let plan = match args.get("plan") {
        None | Some(Value::Null) => None,
        Some(_) => Some(take_text(&mut args, "plan")?.parse()?),
    };
    Ok(json!({"revoked": tenant.revoke_where(RevokeWhere::new(filter).plan(plan))?}))
}

/// What a gate of the host finds that asks for recent or further factors.
fn require_auth(tenant: &Tenant, mut args: Map<String, Value>) -> Result<Value, Error> {
    let token = take_text(&mut args, "token")?;
    let is_local = args.remove("verify").is_some_and(|verify| verify == "local");
    let required = RequiredAuth::from_json(args)?;
    if is_local {
        let claims = tenant.require_auth_locally(&token, &LocalVerification::default(), &required)?;
        let AccessClaims { user_id, actor_user_id, auth_time, factors, .. } = claims;
        return Ok(json!({
            "user_id": user_id, "actor_user_id": actor_user_id, "auth_time": InMillis(&auth_time), "factors": InMillis(&factors),
        }));
    }
    let Session { user_id, actor, auth_time, factors, .. } =
        tenant.require_auth(&token, &required)?.session.clone();
    let actor = actor.map(|actor| actor.user_id);
    Ok(
        json!({"user_id": user_id, "actor_user_id": actor, "auth_time": InMillis(&auth_time), "factors": InMillis(&factors)}),
    )
}

/// The rows as the lines of a source: texts as they are, everything else as JSON.
fn lines_of(rows: Option<Value>) -> String {
    let Some(Value::Array(rows)) = rows else { return String::new() };
    let line = |row: &Value| row.as_str().map_or_else(|| row.to_string(), str::to_owned);
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Calls an operation of one tenant.
///
/// # Errors
/// Those of the operation; `not_found` for an operation that does not exist.
pub fn call(tenant: &Tenant, op: &str, mut args: Map<String, Value>) -> Result<Value, Error> {
    Ok(match op {
        "create" => grant(&tenant.create(CreateSession::from_json(args)?)?),
        "sign_in" => sign_in(tenant, args)?,
        "refresh" => {
            let token = take_text(&mut args, "refresh_token")?;
            grant(&tenant.refresh(&token, RefreshRequest::from_json(args)?)?)
        }
        "adopt" => {
            let credential = take_text(&mut args, "credential")?;
            grant(&tenant.adopt(&credential, RefreshRequest::from_json(args)?)?)
        }
        "import" => {
            let lines = lines_of(args.remove("rows"));
            let report = tenant.import(lines.as_bytes(), &ImportRequest::from_json(args)?, |_| {})?;
            serde_json::to_value(report).unwrap_or_default()
        }
        "update" => {
            let id = take_text(&mut args, "session_id")?;
            let updated = tenant.update(id.parse()?, IdentityPatch::from_json(args)?)?;
            json!({
                "session": session(&updated.session),
                "access_token": updated.access_token.expose(),
                "refresh_token": null,
                "expires_in": updated.expires_in,
                "evicted": [],
            })
        }
        // Begun and waited for: the other surfaces call at once.
        "get" => session(&tenant.begin_get(take_text(&mut args, "session_id")?.parse()?).wait()?),
        "list" => {
            let page = tenant.begin_list(ListQuery::from_json(args)?).wait()?;
            json!({
                "data": page.data.iter().map(session).collect::<Vec<_>>(),
                "next_cursor": page.next_cursor.map(|cursor| cursor.to_string()),
            })
        }
        "explain" => {
            let id = take_text(&mut args, "session_id")?.parse()?;
            serde_json::to_value(InMillis(&tenant.explain(id)?)).unwrap_or_default()
        }
        "count" => json!({"count": tenant.count(&SessionFilter::from_json(args)?)?}),
        "revoke_where" => revoke_where(tenant, args)?,
        "verify_session" => {
            let id = take_text(&mut args, "session_id")?.parse()?;
            session(&tenant.begin_verify_session(id).wait()?)
        }
        "verify_access_token" => {
            let verified = tenant.begin_verify_access_token(&take_text(&mut args, "token")?).wait()?;
            json!({
                "session": session(&verified.session),
                "claims": &verified.claims.payload,
                "outdated": verified.outdated,
            })
        }
        "verify_locally" => {
            let token = take_text(&mut args, "token")?;
            Value::Object(tenant.verify_locally(&token, &LocalVerification::from_json(args)?)?.payload)
        }
        "require_auth" => require_auth(tenant, args)?,
        "revoke" => tenant.revoke(take_text(&mut args, "session_id")?.parse()?).map(|()| json!({}))?,
        "revoke_user" => {
            let user = take_text(&mut args, "user_id")?.parse()?;
            let except = match args.get("except") {
                None | Some(Value::Null) => None,
                Some(_) => Some(take_text(&mut args, "except")?.parse()?),
            };
            json!({"revoked": tenant.revoke_user(&user, except)?})
        }
        "revoke_tenant" => json!({"revoked": tenant.revoke_tenant()?}),
        "sign_out" => {
            let token = take_text(&mut args, "token")?;
            let scope = match args.get("scope") {
                None | Some(Value::Null) => SignOutScope::default(),
                Some(_) => take_text(&mut args, "scope")?.parse()?,
            };
            json!({"revoked": tenant.sign_out(&token, scope)?})
        }
        "config" => tenant.config()?.to_json_with_warnings(),
        "update_config" => tenant.update_config(&ConfigPatch::from_json(&args)?)?.to_json_with_warnings(),
        "jwks" => tenant.jwks()?.to_json(),
        "keys" => json!({"data": InMillis(&tenant.keys()?)}),
        "rotate_keys" => json!({"kid": tenant.rotate_keys()?}),
        "retire_key" => tenant.retire_key(take_text(&mut args, "kid")?.parse()?).map(|()| json!({}))?,
        "rotate_refresh_key" => tenant.rotate_refresh_key().map(|()| json!({}))?,
        "stats" => serde_json::to_value(InMillis(&tenant.stats()?)).unwrap_or_default(),
        "stats_series" => {
            let series = tenant.stats_series(take_text(&mut args, "series")?.parse()?)?;
            json!({"sessions": series.stats.sessions, "periods": InMillis(&series.periods)})
        }
        "revocations" => {
            let since = args.get("since").and_then(Value::as_u64).unwrap_or_default();
            serde_json::to_value(tenant.revocations(since)?).unwrap_or_default()
        }
        "events" => {
            let page = tenant.events(&EventQuery::from_json(args)?)?;
            json!({"data": InMillis(&page.data), "next_after": page.next_after, "has_more": page.has_more})
        }
        "seal_events" => json!({"sealed": tenant.seal_events()?.sealed}),
        "check_events" => {
            let after = args.get("after").and_then(Value::as_u64).unwrap_or_default();
            let mut log = Vec::new();
            tenant.export_events(after, &mut log)?;
            let report = verify_event_log(log.as_slice(), &tenant.jwks()?)?;
            json!({
                "ok": report.ok,
                "events": report.events,
                "first_seq": report.first_seq.unwrap_or_default(),
                "vouched_through": report.vouched_through,
                "problem": report.problem,
            })
        }
        "maintain" => serde_json::to_value(tenant.maintain()?).unwrap_or_default(),
        "sweep" => json!({"stamped": tenant.sweep()?}),
        "purge" => json!({"purged": tenant.purge(PurgeBefore::from_json(args)?)?}),
        unknown => return Err(Error::new(ErrorCode::NotFound, format!("no operation {unknown}"))),
    })
}
