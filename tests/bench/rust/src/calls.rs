//! Calls without anything around them, for a tool that counts instructions: README.md has the lines.

use std::path::Path;

use hellojohn::Durability;

use crate::Fallible;
use crate::ours::{self, Chain, SignIns};

/// How many devices are signed in before any other call is made.
const SESSIONS: usize = 1_000;

/// Signs 1,000 devices in, one at a time, and makes the call of this name for the first `calls` of them, also one at a time.
pub fn run(folder: &Path, has_events: bool, call: &str, calls: usize) -> Fallible<()> {
    if calls > SESSIONS {
        return Err(format!("at most {SESSIONS} calls").into());
    }
    let sign_ins = SignIns::new();
    let engine = ours::open(&folder.join("calls.db"), Durability::Full)?;
    let tenant = ours::tenant(&engine, "tnt_bench")?;
    if has_events {
        tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
    }
    let chains = (0..SESSIONS)
        .map(|n| Ok(Chain::new(&tenant.create(sign_ins.nth(n)?)?)))
        .collect::<Fallible<Vec<Chain>>>()?;
    for (n, chain) in chains.iter().enumerate().take(calls) {
        match call {
            "create" => drop(tenant.create(sign_ins.nth(SESSIONS + n)?)?),
            "refresh" => drop(chain.refresh(&tenant)?),
            "verify" => drop(tenant.verify_access_token(&chain.access_token)?),
            "get" => drop(tenant.get(chain.id)?),
            "revoke" => drop(tenant.revoke(chain.id)?),
            _ => return Err("create, refresh, verify, get or revoke?".into()),
        }
    }
    engine.close()?;
    Ok(())
}
