//! Which scenarios, and how much of each, REST can say: decided from the scenario file alone.
//!
//! A call that REST cannot make costs a scenario its trial through REST. An answer that REST does not show in full costs
//! the check of what is missing. Operations that REST does not have are the host's own work and are called on the Rust
//! crate; a scenario most of whose checks are about those, or about what REST does not show, has no trial either.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::scenario::{Scenario, Step};

/// What the grants of REST show. `session` is read by the id that the grant names, except at a sign-in, which shows it.
const GRANT: &[&str] = &["session", "access_token", "refresh_token", "expires_in", "$jwt", "$jwt_header"];
/// An answer that is shown in full.
const EVERYTHING: &[&str] = &[""];

/// The operations that REST has, each with the paths of its answer that REST shows.
const OPERATIONS: [(&str, &[&str]); 25] = [
    ("create", GRANT),
    ("sign_in", GRANT),
    ("refresh", GRANT),
    ("adopt", GRANT),
    ("get", EVERYTHING),
    ("list", EVERYTHING),
    ("count", EVERYTHING),
    ("explain", EVERYTHING),
    ("revoke_where", EVERYTHING),
    ("verify_session", EVERYTHING),
    (
        "verify_access_token",
        &["session", "outdated", "claims.sub", "claims.session_id", "claims.tenant_id", "claims.exp"],
    ),
    ("revoke", EVERYTHING),
    ("revoke_user", EVERYTHING),
    ("revoke_tenant", EVERYTHING),
    ("sign_out", &[]),
    ("config", EVERYTHING),
    ("update_config", EVERYTHING),
    ("jwks", EVERYTHING),
    ("revocations", EVERYTHING),
    ("stats", EVERYTHING),
    ("stats_series", EVERYTHING),
    ("keys", EVERYTHING),
    ("rotate_keys", EVERYTHING),
    ("retire_key", EVERYTHING),
    ("events", EVERYTHING),
];

const OPENING: &str = "opening a tenant with its secret key is the host's own work";

/// Whether REST has this operation.
pub fn is_rest_operation(op: &str) -> bool {
    OPERATIONS.iter().any(|(name, _)| *name == op)
}

/// Whether a call is the host's own work: REST does not have the operation, or not for the person who acts for a user.
pub fn is_hosts_own(op: &str, args: Option<&Map<String, Value>>) -> bool {
    let is_acting = op == "create" && args.is_some_and(|args| args.contains_key("actor"));
    !is_rest_operation(op) || is_acting
}

/// Whether a request of this operation carries the tenant's secret key.
pub fn needs_secret_key(op: &str) -> bool {
    is_rest_operation(op) && !["create", "sign_in", "refresh", "adopt", "sign_out", "jwks"].contains(&op)
}

/// Whether the REST surface shows this path of the operation's answer. What is called on the Rust crate shows everything.
pub fn is_shown(op: &str, path: &str) -> bool {
    let Some((_, shown)) = OPERATIONS.iter().find(|(name, _)| *name == op) else { return true };
    shown.iter().any(|prefix| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| prefix.is_empty() || rest.is_empty() || rest.starts_with('.'))
    })
}

/// Why REST cannot make this call, or cannot answer it with the scenario's error.
fn impossible_call(op: &str, step: &Map<String, Value>, revoked: &HashSet<String>) -> Option<&'static str> {
    let error = step.get("error").and_then(Value::as_str);
    let detail = step.get("detail").and_then(Value::as_str);
    let argument = |name: &str| step.get("args").and_then(|args| args[name].as_str());
    match op {
        _ if is_hosts_own(op, step.get("args").and_then(Value::as_object)) => None,
        "create" | "sign_in" | "refresh" | "sign_out" if step.contains_key("actor") => {
            Some("create, sign_in, refresh, sign_out: a request without the secret key names no actor")
        }
        "create" if error == Some("validation_error") && detail != Some("duration") => {
            Some("create: a wrong value of the host's user is answered as internal, without its name")
        }
        "refresh" if error == Some("validation_error") => Some(
            "refresh: address and user agent come from the connection and a header, where these values cannot stand",
        ),
        "get" | "revoke" | "explain" if argument("session_id") == Some("") => {
            Some("get, revoke: without an id the path is another one")
        }
        "verify_session" if argument("session_id") == Some("") => {
            Some("verify_session: an empty id is answered as validation_error")
        }
        "verify_access_token" if argument("token") == Some("") => {
            Some("verify_access_token: an empty token is answered as validation_error")
        }
        "sign_out" if error == Some("session_not_found") => {
            Some("sign_out: a token whose session is gone is answered as invalid_token")
        }
        "revoke_user" => match argument("except") {
            Some(_) if error.is_some() => {
                Some("revoke_user: the exception is always the caller's own session")
            }
            Some(except) if revoked.contains(except) => {
                Some("revoke_user: the token of an ended session cannot ask for an exception")
            }
            _ => None,
        },
        _ => None,
    }
}

/// How much of a scenario REST can say.
#[derive(Default)]
pub struct RestCoverage {
    /// How many checks REST can make.
    said: usize,
    /// Why it cannot make the others, and how many each reason costs.
    unsaid: BTreeMap<String, usize>,
    /// Why the scenario cannot be run at all.
    impossible: Option<&'static str>,
}

impl RestCoverage {
    /// Looks through the steps.
    pub fn of(scenario: &Scenario) -> Self {
        let mut coverage = RestCoverage::default();
        let mut revoked = HashSet::new();
        for Step { members, .. } in &scenario.steps {
            let Some(op) = members.get("do").and_then(Value::as_str) else { continue };
            if coverage.impossible.is_none() {
                coverage.impossible = impossible_call(op, members, &revoked);
            }
            if let ("revoke", Some(id)) =
                (op, members.get("args").and_then(|args| args["session_id"].as_str()))
            {
                revoked.insert(id.to_owned());
            }
            coverage.count_checks(op, members);
        }
        coverage
    }

    fn count_checks(&mut self, op: &str, step: &Map<String, Value>) {
        let mut count = |reason: Option<String>| match reason {
            None => self.said += 1,
            Some(reason) => *self.unsaid.entry(reason).or_default() += 1,
        };
        let args = step.get("args").and_then(Value::as_object);
        let is_hosts_own = is_hosts_own(op, args);
        let named = if is_rest_operation(op) { "create with an actor" } else { op };
        let hosts_own = || is_hosts_own.then(|| format!("{named} is the host's own work"));
        if let Some(error) = step.get("error") {
            let opens = || (error == "invalid_api_key" && !needs_secret_key(op)).then(|| OPENING.to_owned());
            count(hosts_own().or_else(opens));
        }
        for (path, _) in step.get("expect").and_then(Value::as_object).into_iter().flatten() {
            let part = path.split('.').next().unwrap_or_default();
            let hidden = || (!is_shown(op, path)).then(|| format!("{op} does not show {part} in full"));
            count(hosts_own().or_else(hidden));
        }
    }

    /// Whether the scenario runs through REST.
    pub fn has_trial(&self) -> bool {
        self.impossible.is_none() && self.said >= self.unsaid.values().sum()
    }

    /// What `not_in_rest.tsv` says of a scenario: nothing if REST can say all of it.
    fn row(&self, name: &str) -> Option<String> {
        let unsaid: usize = self.unsaid.values().sum();
        let reason = match self.impossible {
            Some(reason) => reason.to_owned(),
            None if unsaid == 0 => return None,
            None => {
                let reasons: Vec<&str> = self.unsaid.keys().map(String::as_str).collect();
                reasons.join("; ")
            }
        };
        let extent = match self.has_trial() {
            true => format!("{} of {} checks", self.said, self.said + unsaid),
            false => "no trial".to_owned(),
        };
        Some(format!("{name}\t{extent}\t{reason}\n"))
    }
}

fn committed_file() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "scenarios", "not_in_rest.tsv"].iter().collect()
}

/// Compares what REST cannot say with the committed list, or writes that list if `HJ_UPDATE_NOT_IN_REST` is set.
///
/// # Errors
/// The rows that differ.
pub fn compare_with_committed_file() -> Result<(), String> {
    let mut computed = "scenario\tthrough REST\twhy not all of it\n".to_owned();
    for path in Scenario::all() {
        let scenario = Scenario::read(&path)?;
        computed += &RestCoverage::of(&scenario).row(&scenario.name).unwrap_or_default();
    }
    if std::env::var_os("HJ_UPDATE_NOT_IN_REST").is_some() {
        return std::fs::write(committed_file(), computed).map_err(|error| error.to_string());
    }
    let committed = std::fs::read_to_string(committed_file()).map_err(|error| error.to_string())?;
    let rows = |text: &str| text.lines().map(str::to_owned).collect::<HashSet<_>>();
    let (computed, committed) = (rows(&computed), rows(&committed));
    let mut differences: Vec<String> =
        computed.difference(&committed).map(|row| format!("+ {row}")).collect();
    differences.extend(committed.difference(&computed).map(|row| format!("- {row}")));
    if differences.is_empty() {
        return Ok(());
    }
    differences.sort();
    Err(format!(
        "scenarios/not_in_rest.tsv differs; HJ_UPDATE_NOT_IN_REST=1 writes it anew:\n{}",
        differences.join("\n")
    ))
}
