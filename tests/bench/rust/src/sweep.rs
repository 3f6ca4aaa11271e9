//! P12: how long refreshes wait while a sweep writes down the ends of many sessions.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use hellojohn::{Durability, ManualClock, Tenant, Timestamp};

use crate::duel::Round;
use crate::ours::{self, Chain, SignIns, build, in_circles};
use crate::{Fallible, Mode, Row, grouped};

/// How many sessions of each tenant go on living and being refreshed.
const LIVE: usize = 600;

/// How many sweeps are measured: a tenant for each, so that sweeps and quiet times take turns.
const SWEEPS: usize = 5;

const HOUR_MS: i64 = 60 * 60 * 1000;

pub fn rows(mode: &Mode, folder: &Path) -> Fallible<()> {
    let path = folder.join("sweep.db");
    let sign_ins = SignIns::new();
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let clock = ManualClock::new(Timestamp::from_millis(now));

    let building = ours::open_at(&path, Durability::Normal, clock.clone())?;
    let mut chains = Vec::new();
    for round in 0..SWEEPS {
        let tenant = ours::tenant(&building, &tenant_of(round))?;
        chains.push(build(&tenant, LIVE, 1, |n| sign_ins.nth(n))?);
        build(&tenant, mode.swept, mode.swept, |n| {
            Ok(sign_ins.nth(LIVE + n)?.duration(Some("1h".parse()?)))
        })?;
    }
    building.close()?;

    clock.advance_millis(2 * HOUR_MS);
    let engine = ours::open_at(&path, Durability::Full, clock)?;
    ours::settle(&path, &tenant_of(0), &chains[0])?;
    let mut rounds = Vec::new();
    for (round, chains) in chains.iter().enumerate() {
        let tenant = ours::tenant(&engine, &tenant_of(round))?;
        rounds.push(measure(&tenant, chains, mode.swept, round % 2 == 0)?);
    }
    engine.close()?;
    let work = format!(
        "Rust `refresh`, durable, one caller, p99 while sweeps stamp {} ended sessions, {} a round",
        grouped(mode.swept * SWEEPS),
        grouped(mode.swept)
    );
    Row::duel("P12", &work, "p99 without a sweep", rounds).print()
}

fn tenant_of(round: usize) -> String {
    format!("tnt_{round}")
}

/// The p99 of refreshes during the tenant's sweep, and of as many before or after it.
fn measure(tenant: &Tenant, chains: &[Chain], swept: usize, sweep_first: bool) -> Fallible<Round> {
    let mut next = in_circles(chains);
    let mut refresh = move || -> Fallible<f64> {
        let chain = next(1)[0];
        let start = Instant::now();
        if !chain.refresh(tenant)? {
            return Err("a token did not rotate".into());
        }
        Ok(start.elapsed().as_secs_f64() * 1e6)
    };
    let mut quiet = |calls: usize| (0..calls).map(|_| refresh()).collect::<Fallible<Vec<f64>>>();
    quiet(chains.len() / 8)?; // warm

    let before = if sweep_first { Vec::new() } else { quiet(chains.len())? };
    let swept_all = AtomicBool::new(false);
    let during = std::thread::scope(|scope| -> Fallible<Vec<f64>> {
        let sweep = scope.spawn(|| {
            let stamped = tenant.sweep();
            swept_all.store(true, Ordering::Release);
            stamped
        });
        let mut during = Vec::new();
        while !swept_all.load(Ordering::Acquire) {
            during.extend(quiet(1)?);
        }
        let stamped = sweep.join().map_err(|_| "the sweep panicked")??;
        if stamped == swept as u64 {
            Ok(during)
        } else {
            Err(format!("{stamped} of {swept} were stamped").into())
        }
    })?;
    let without = if sweep_first { quiet(chains.len())? } else { before };
    Ok(Round { ours: p99(during), theirs: p99(without) })
}

fn p99(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[(times.len() * 99).div_ceil(100) - 1]
}
