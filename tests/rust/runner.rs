//! Executes the steps of a scenario through one surface.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::expect::{self, Variables};
use crate::postgres::Schema;
use crate::rest_coverage;
use crate::scenario::{Scenario, Step};
use crate::surface::{Surface, SurfaceKind};

/// Tenants by the names that scenarios use: id and secret key.
const TENANTS: [(&str, &str, &str); 2] =
    [("A", "tnt_a", "sk_test_a_4f1c9a7e5b0d6382c1f7"), ("B", "tnt_b", "sk_test_b_90d2e6b3a47f15c8e026")];

/// The files of a database, for copies.
const ENDINGS: [&str; 3] = ["", "-wal", "-shm"];

struct Run<'a> {
    kind: &'a SurfaceKind,
    folder: tempfile::TempDir,
    clock: i64,
    processes: BTreeMap<String, Surface>,
    variables: Variables,
}

/// Runs the scenario; answers with the final dump.
pub fn run(scenario: &Scenario, kind: &SurfaceKind) -> Result<Vec<Value>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut run = Run {
        kind,
        folder,
        clock: scenario.start,
        processes: BTreeMap::new(),
        variables: Variables::default(),
    };
    if let Some(config) = &scenario.config {
        let (_, id, key) = TENANTS[0];
        let outcome = run.process("p1")?.call("update_config", (id, key), config.clone())?;
        outcome.map_err(|(code, detail)| format!("config: {code}: {detail}"))?;
    }
    for step in &scenario.steps {
        run.step(step).map_err(|problem| format!("{}.jsonl:{}: {problem}", scenario.name, step.line))?;
    }
    let dump = run.dump()?;
    for (_, surface) in std::mem::take(&mut run.processes) {
        surface.stop()?;
    }
    Ok(dump)
}

fn number(value: &Value) -> Result<i64, String> {
    value.as_i64().ok_or_else(|| format!("{value} is not a whole number"))
}

impl Run<'_> {
    fn database(&self, ending: &str) -> PathBuf {
        self.folder.path().join(format!("sessions.db{ending}"))
    }

    /// Where the database is instead of in a file, if it is.
    fn schema(&self) -> Option<Schema> {
        Schema::of_folder(self.folder.path())
    }

    /// The process of this name, started at first mention.
    fn process(&mut self, name: &str) -> Result<&mut Surface, String> {
        if !self.processes.contains_key(name) {
            let mut surface = Surface::start(self.kind)?;
            self.open(&mut surface)?;
            self.processes.insert(name.to_owned(), surface);
        }
        self.processes.get_mut(name).ok_or_else(|| unreachable!())
    }

    fn open(&self, surface: &mut Surface) -> Result<(), String> {
        let database = match self.schema() {
            Some(schema) => schema.url(),
            None => self.database("").to_string_lossy().into_owned(),
        };
        let opened = surface.open(&database, self.clock)?;
        opened.map(drop).map_err(|(code, detail)| format!("open: {code}: {detail}"))
    }

    fn reopen(&mut self, name: &str) -> Result<(), String> {
        let mut surface = match self.processes.remove(name) {
            Some(surface) => surface,
            None => Surface::start(self.kind)?,
        };
        let closed = surface.call("close", (TENANTS[0].1, TENANTS[0].2), json!({}))?;
        if let Err((code, _)) = closed
            && code != "engine_closed"
        {
            return Err(format!("close: {code}"));
        }
        self.open(&mut surface)?;
        self.processes.insert(name.to_owned(), surface);
        Ok(())
    }

    fn set_clock(&mut self, clock: i64) -> Result<(), String> {
        self.clock = clock;
        for surface in self.processes.values_mut() {
            surface.set_clock(clock)?.map_err(|(code, detail)| format!("clock: {code}: {detail}"))?;
        }
        Ok(())
    }

    fn stop_all(&mut self) -> Result<(), String> {
        std::mem::take(&mut self.processes).into_values().try_for_each(Surface::stop)
    }

    /// Stops all processes and copies the database.
    fn back_up(&mut self) -> Result<(), String> {
        self.stop_all()?;
        match self.schema() {
            Some(schema) => schema.save(&self.database(".backup")),
            None => self.copy_files("", ".backup"),
        }
    }

    /// Stops all processes and puts the copy in the database's place.
    fn restore(&mut self) -> Result<(), String> {
        self.stop_all()?;
        match self.schema() {
            Some(schema) => schema.restore(&self.database(".backup")),
            None => self.copy_files(".backup", ""),
        }
    }

    fn copy_files(&self, from: &str, to: &str) -> Result<(), String> {
        for ending in ENDINGS {
            let (source, target) =
                (self.database(&format!("{from}{ending}")), self.database(&format!("{to}{ending}")));
            if source.exists() {
                std::fs::copy(&source, &target).map_err(|error| error.to_string())?;
            } else if target.exists() {
                std::fs::remove_file(&target).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    /// Changes the database as another program would, beside the processes.
    fn run_sql(&self, statements: &str) -> Result<(), String> {
        rusqlite::Connection::open(self.database(""))
            .and_then(|connection| {
                connection
                    .execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")?;
                connection.execute_batch(statements)
            })
            .map_err(|error| format!("sql: {error}"))
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let mut members = step.members.clone();
        let on = members.remove("on").map_or(Ok("p1".to_owned()), |name| match name {
            Value::String(name) => Ok(name),
            other => Err(format!("on: {other}")),
        })?;
        if let Some(duration) = members.remove("advance") {
            let text = duration.as_str().ok_or("advance takes a text")?;
            let duration: hellojohn::Duration = text.parse().map_err(|error| format!("advance: {error}"))?;
            self.set_clock(self.clock + duration.as_secs() as i64 * 1000)?;
        } else if let Some(millis) = members.remove("advance_ms") {
            self.set_clock(self.clock + number(&millis)?)?;
        } else if let Some(clock) = members.remove("clock") {
            self.set_clock(number(&clock)?)?;
        } else if members.remove("reopen").is_some() {
            self.reopen(&on)?;
        } else if let Some(statements) = members.remove("sql") {
            self.run_sql(statements.as_str().ok_or("sql takes a text")?)?;
        } else if members.remove("backup").is_some() {
            self.back_up()?;
        } else if members.remove("restore").is_some() {
            self.restore()?;
        } else if let Some(op) = members.remove("do") {
            let op = op.as_str().ok_or("do takes a text")?.to_owned();
            let repeat = members.remove("repeat").map_or(Ok(1), |times| number(&times))?;
            for round in 0..repeat {
                self.call(&on, &op, &members).map_err(|problem| match round {
                    0 => problem,
                    _ => format!("round {}: {problem}", round + 1),
                })?;
            }
            for known in ["tenant", "secret_key", "actor", "args", "save", "expect", "error", "detail"] {
                members.remove(known);
            }
        }
        match members.keys().next() {
            None => Ok(()),
            Some(unknown) => Err(format!("unknown member {unknown}")),
        }
    }

    fn call(&mut self, on: &str, op: &str, members: &serde_json::Map<String, Value>) -> Result<(), String> {
        let name = members.get("tenant").map_or(Some("A"), Value::as_str).ok_or("tenant takes a text")?;
        let (_, id, key) = TENANTS.into_iter().find(|tenant| tenant.0 == name).ok_or("unknown tenant")?;
        let key =
            members.get("secret_key").map_or(Some(key), Value::as_str).ok_or("secret_key takes a text")?;
        let args = self.variables.resolve(members.get("args").unwrap_or(&json!({})))?;
        let actor = members.get("actor");
        let outcome = self.process(on)?.call_as(actor, op, (id, key), args)?;
        match (members.get("error").and_then(Value::as_str), outcome) {
            (None, Err((code, detail))) => Err(format!("{op}: {code}: {detail}")),
            (Some(expected), Ok(answer)) => Err(format!("{op}: expected {expected}, answered {answer}")),
            (Some(expected), Err((code, detail))) => {
                if code != expected {
                    return Err(format!("{op}: expected {expected}, found {code}: {detail}"));
                }
                match members.get("detail").and_then(Value::as_str) {
                    Some(part) if !detail.contains(part) => {
                        Err(format!("{op}: expected a detail with {part:?}, found {detail:?}"))
                    }
                    _ => Ok(()),
                }
            }
            (None, Ok(mut answer)) => {
                if self.kind.is_rest {
                    expect::round_times_down(&mut answer);
                }
                for (path, expected) in members.get("expect").and_then(Value::as_object).into_iter().flatten()
                {
                    let mut expected = self.variables.resolve(expected)?;
                    if self.kind.is_rest {
                        if !rest_coverage::is_shown(op, path) {
                            continue;
                        }
                        expect::round_times_down_at(path, &mut expected);
                    }
                    expect::check(&answer, path, &expected).map_err(|problem| format!("{op}: {problem}"))?;
                }
                for (name, path) in members.get("save").and_then(Value::as_object).into_iter().flatten() {
                    let path = path.as_str().ok_or("save takes paths")?;
                    let value =
                        expect::at(&answer, path)?.ok_or_else(|| format!("nothing at {path} to save"))?;
                    self.variables.save(name, value);
                }
                Ok(())
            }
        }
    }

    /// Every session of both tenants as this surface shows it, without ids, in an order of its own.
    fn dump(&mut self) -> Result<Vec<Value>, String> {
        self.reopen("p1")?;
        let mut sessions = Vec::new();
        for (_, id, key) in TENANTS {
            let mut cursor = Value::Null;
            loop {
                let args = json!({"status": "all", "limit": 100, "cursor": cursor});
                let page = self.process("p1")?.call("list", (id, key), args)?;
                let mut page = page.map_err(|(code, detail)| format!("dump: {code}: {detail}"))?;
                for session in page["data"].as_array_mut().into_iter().flatten() {
                    session.as_object_mut().map(|session| session.remove("id"));
                    sessions.push(session.take());
                }
                cursor = page["next_cursor"].take();
                if cursor.is_null() {
                    break;
                }
            }
        }
        sessions.sort_by_cached_key(Value::to_string);
        Ok(sessions)
    }
}
