//! Sign-ins and revocations without anything around them, for a tool that counts instructions: README.md has the lines.

use std::path::Path;

use hellojohn::{Durability, SessionId};

use crate::Fallible;
use crate::ours::{self, SignIns};

/// Signs `creates` devices in, one at a time, and revokes the first `revokes` of them.
pub fn run(folder: &Path, has_events: bool, creates: usize, revokes: usize) -> Fallible<()> {
    let sign_ins = SignIns::new();
    let engine = ours::open(&folder.join("calls.db"), Durability::Full)?;
    let tenant = ours::tenant(&engine, "tnt_bench")?;
    if has_events {
        tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
    }
    let ids = (0..creates)
        .map(|n| Ok(tenant.create(sign_ins.nth(n)?)?.session.id))
        .collect::<Fallible<Vec<SessionId>>>()?;
    for id in ids.into_iter().take(revokes) {
        tenant.revoke(id)?;
    }
    engine.close()?;
    Ok(())
}
