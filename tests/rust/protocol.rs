//! The line protocol of `tests/README.md` for surfaces that are written in Rust.

use std::collections::HashMap;
use std::io::stdin;
use std::time::Duration;

use hellojohn::in_millis::InMillis;
use hellojohn::{Engine, Error, ErrorCode, ManualClock, Tenant, Timestamp};
use serde_json::{Map, Value, json};

use crate::operations;

/// Why a call failed, as the surface shows it.
#[derive(Debug)]
pub struct CallError {
    /// The code of the error table.
    pub code: String,
    /// What is wrong; empty where the surface does not say.
    pub detail: String,
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        CallError { code: error.code().as_str().to_owned(), detail: error.detail().to_owned() }
    }
}

/// One line that calls an operation.
pub struct Call {
    /// The operation's name.
    pub op: String,
    /// The tenant.
    pub tenant_id: String,
    /// The key that opens the tenant.
    pub secret_key: String,
    /// Who makes the change.
    pub actor: Option<String>,
    /// The arguments as the scenario has them.
    pub args: Map<String, Value>,
}

/// What a host of the engine keeps: the engine, its clock, and the tenants that it opened.
#[derive(Default)]
pub struct Host {
    database: String,
    engine: Option<Engine>,
    clock: Option<ManualClock>,
    tenants: HashMap<(String, String), Tenant>,
}

impl Host {
    fn open(&mut self, path: &str, clock: i64) -> Result<Value, Error> {
        let clock = ManualClock::new(Timestamp::from_millis(clock));
        self.tenants.clear();
        path.clone_into(&mut self.database);
        self.engine = Some(Engine::builder().clock(clock.clone()).open(path)?);
        self.clock = Some(clock);
        Ok(json!({}))
    }

    fn engine(&self) -> Result<Engine, Error> {
        self.engine.clone().ok_or_else(|| Error::new(ErrorCode::EngineClosed, "no engine is open"))
    }

    /// The handle of the call's tenant, kept until the engine is opened anew.
    ///
    /// # Errors
    /// Those of [`Engine::tenant`].
    pub fn tenant(&mut self, call: &Call) -> Result<Tenant, Error> {
        let engine = self.engine()?;
        let key = (call.tenant_id.clone(), call.secret_key.clone());
        if let Some(tenant) = self.tenants.get(&key) {
            return Ok(tenant.clone());
        }
        let tenant = engine.tenant(&key.0.parse()?, &key.1.parse()?)?;
        self.tenants.insert(key, tenant.clone());
        Ok(tenant)
    }

    /// A handle of this tenant that was opened already, with whatever key.
    pub fn open_handle(&self, tenant_id: &str) -> Option<Tenant> {
        self.tenants.iter().find(|((id, _), _)| id == tenant_id).map(|(_, tenant)| tenant.clone())
    }

    /// Calls the operation on the Rust crate.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn call(&mut self, mut call: Call) -> Result<Value, CallError> {
        match call.op.as_str() {
            "close" => return Ok(self.engine()?.close().map(|()| json!({}))?),
            "backup_database" => {
                hellojohn::backup_database(&self.database, format!("{}.backup", self.database), |_| {})?;
                return Ok(json!({}));
            }
            "restore_database" => {
                let policy = operations::take_text(&mut call.args, "policy")?;
                let backup = format!("{}.backup", self.database);
                if policy == "replay_events" {
                    let log = format!("{}.events", self.database);
                    let keys = std::fs::read_to_string(format!("{}.jwks", self.database)).unwrap_or_default();
                    let keys = keys.parse().map_err(CallError::from)?;
                    let report = hellojohn::restore_database_with_events(backup, &self.database, log, &keys)?;
                    return Ok(serde_json::to_value(InMillis(&report)).unwrap_or_default());
                }
                hellojohn::restore_database(
                    backup,
                    &self.database,
                    policy.parse().map_err(CallError::from)?,
                )?;
                return Ok(json!({}));
            }
            "copy_database" => {
                let to = format!("{}.backup", self.database);
                let report = hellojohn::copy_database(&self.database, to, |_| {})?;
                return Ok(serde_json::to_value(report).unwrap_or_default());
            }
            "lower_lease" => {
                let longest = call.args.remove("longest_ms").and_then(|ms| ms.as_u64()).unwrap_or(u64::MAX);
                let wait = hellojohn::lower_lease(&self.database, Duration::from_millis(longest))?;
                return Ok(json!({ "wait_ms": u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) }));
            }
            "check_database" => {
                let report = hellojohn::check_database(&self.database)?;
                return Ok(serde_json::to_value(report).unwrap_or_default());
            }
            "lower_clock_mark" => return Ok(self.engine()?.lower_clock_mark().map(|()| json!({}))?),
            _ => {}
        }
        let tenant = self.tenant(&call)?;
        let tenant = match &call.actor {
            Some(actor) => tenant.with_actor(Some(actor.parse().map_err(CallError::from)?)),
            None => tenant,
        };
        if call.op == "export_events" {
            let events = tenant.export_events_to(0, format!("{}.events", self.database))?;
            let _ = std::fs::write(format!("{}.jwks", self.database), tenant.jwks()?.to_string());
            return Ok(json!({ "events": events }));
        }
        if call.op == "change_secret_key" {
            let new_key = operations::take_text(&mut call.args, "new_secret_key")?;
            tenant.change_secret_key(&new_key.parse().map_err(CallError::from)?)?;
            self.tenants.remove(&(call.tenant_id.clone(), call.secret_key));
            self.tenants.insert((call.tenant_id, new_key), tenant.with_actor(None));
            return Ok(json!({}));
        }
        Ok(operations::call(&tenant, &call.op, call.args)?)
    }
}

/// Answers lines until the input ends; `operate` calls the operations, everything else is the same for every surface.
#[allow(clippy::print_stdout)] // the protocol
pub fn serve(mut operate: impl FnMut(&mut Host, Call) -> Result<Value, CallError>) {
    let mut host = Host::default();
    for line in stdin().lines() {
        let line = line.map_err(|error| error.to_string());
        let line = line.and_then(|line| serde_json::from_str(&line).map_err(|error| error.to_string()));
        let outcome = match line {
            Ok(line) => answer(&mut host, &line, &mut operate),
            Err(problem) => Err(Error::new(ErrorCode::BadRequest, problem).into()),
        };
        println!(
            "{}",
            match outcome {
                Ok(answer) => json!({ "ok": answer }),
                Err(CallError { code, detail }) => json!({"error": {"code": code, "detail": detail}}),
            }
        );
    }
}

fn answer(
    host: &mut Host,
    line: &Value,
    operate: &mut impl FnMut(&mut Host, Call) -> Result<Value, CallError>,
) -> Result<Value, CallError> {
    if let Some(path) = line["open"].as_str() {
        return Ok(host.open(path, line["clock"].as_i64().unwrap_or_default())?);
    }
    if let (Some(at), Some(clock)) = (line["clock"].as_i64(), &host.clock) {
        clock.set(Timestamp::from_millis(at));
        return Ok(json!({}));
    }
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let call = Call {
        op: text("op"),
        tenant_id: text("tenant_id"),
        secret_key: text("secret_key"),
        actor: line["actor"].as_str().map(str::to_owned),
        args: line["args"].as_object().cloned().unwrap_or_default(),
    };
    operate(host, call)
}
