//! P10 and P11: what five million sessions cost, in time and in space.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hellojohn::{Durability, Engine, Tenant};

use crate::duel::{CALLERS, at_once, duel, in_turn};
use crate::ours::{self, Chain, SignIns, build, in_circles, shuffle};
use crate::{Fallible, Mode, Row, SMALL, grouped, memory};

/// How many tokens a verifying host sees again and again.
const LIVE_TOKENS: usize = 1_000;

/// A closed database and sessions of it.
struct Built {
    path: PathBuf,
    chains: Vec<Chain>,
    bytes_per_session: f64,
}

pub fn rows(mode: &Mode, folder: &Path) -> Fallible<()> {
    let small = built(folder, "small", SMALL, SMALL)?;
    let large = built(folder, "large", mode.large, mode.samples)?;
    let size = grouped(mode.large);
    let against = format!("the same at {}", grouped(SMALL));
    Row::value(
        "P11 disk",
        format!("bytes a session on disk with real user agents, at {size}"),
        large.bytes_per_session,
    )
    .print()?;

    let opening = |built: &Built| {
        let path = built.path.clone();
        move |count| open_and_close(&path, count)
    };
    let rounds = duel(&mode.pace, &mut opening(&large), &mut opening(&small))?;
    let times = rounds.iter().map(|round| round.ours).collect();
    Row::duel(
        "P10 open",
        &format!("Rust `open` at {size} sessions (before a tenant's key is stretched)"),
        &against,
        rounds,
    )
    .print()?;
    Row::value("P10 open time", format!("Rust `open` at {size} sessions"), median(times)).print()?;

    memory::row(&large.path, &large.chains, &size)?;

    let (large_engine, large_tenant) = opened(&large)?;
    let (small_engine, small_tenant) = opened(&small)?;
    for built in [&large, &small] {
        ours::settle(&built.path, "tnt_bench", &built.chains)?;
    }
    for (bar, work, side) in [
        ("P10 verify", "Rust `verify_access_token`, 1,000 live tokens in turn", verifying as MakeSide),
        ("P10 get", "Rust `get` of random sessions", getting),
        ("P10 refresh", "Rust `refresh`, durable, a lone caller, random sessions", refreshing),
        ("P10 batched refresh", "Rust `refresh`, durable, 64 callers, random sessions", refreshing_at_once),
    ] {
        let mut at_large = side(&large_tenant, &large.chains);
        let mut at_small = side(&small_tenant, &small.chains);
        let rounds = duel(&mode.pace, &mut *at_large, &mut *at_small)?;
        Row::duel(bar, &format!("{work}, at {size} sessions"), &against, rounds).print()?;
    }
    large_engine.close()?;
    small_engine.close()?;
    Ok(())
}

/// Signs so many devices in, through the engine's own call, with durability normal.
fn built(folder: &Path, name: &str, sessions: usize, samples: usize) -> Fallible<Built> {
    let path = folder.join(format!("{name}.db"));
    let sign_ins = SignIns::new();
    let engine = ours::open(&path, Durability::Normal)?;
    let tenant = ours::tenant(&engine, "tnt_bench")?;
    let mut chains = build(&tenant, sessions, sessions.div_ceil(samples), |n| sign_ins.nth(n))?;
    let active = tenant.stats()?.sessions.active;
    drop(tenant);
    engine.close()?;
    if active != sessions as u64 {
        return Err("not every session was made".into());
    }
    shuffle(&mut chains);
    let bytes_per_session = std::fs::metadata(&path)?.len() as f64 / sessions as f64;
    Ok(Built { path, chains, bytes_per_session })
}

fn opened(built: &Built) -> Fallible<(Engine, Tenant)> {
    let engine = ours::open(&built.path, Durability::Full)?;
    let tenant = ours::tenant(&engine, "tnt_bench")?;
    Ok((engine, tenant))
}

fn open_and_close(path: &Path, count: usize) -> Fallible<Duration> {
    let mut took = Duration::ZERO;
    for _ in 0..count {
        let start = Instant::now();
        let engine = ours::open(path, Durability::Full)?;
        took += start.elapsed();
        engine.close()?;
    }
    Ok(took)
}

type BoxedSide<'a> = Box<dyn FnMut(usize) -> Fallible<Duration> + 'a>;
type MakeSide = for<'a> fn(&'a Tenant, &'a [Chain]) -> BoxedSide<'a>;

fn verifying<'a>(tenant: &'a Tenant, chains: &'a [Chain]) -> BoxedSide<'a> {
    let mut next = in_circles(&chains[..LIVE_TOKENS]);
    Box::new(move |count| {
        let chosen = next(count);
        let (took, verified) = in_turn(&chosen, |chain: &&Chain| {
            Ok(tenant.verify_access_token(&chain.access_token).map_err(|refused| refused.error)?)
        })?;
        let right = verified.iter().zip(&chosen).filter(|(verified, chain)| verified.session.id == chain.id);
        all(right.count() == count, took)
    })
}

fn getting<'a>(tenant: &'a Tenant, chains: &'a [Chain]) -> BoxedSide<'a> {
    let mut next = in_circles(chains);
    Box::new(move |count| {
        let chosen = next(count);
        let (took, sessions) = in_turn(&chosen, |chain: &&Chain| Ok(tenant.get(chain.id)?))?;
        let right = sessions.iter().zip(&chosen).filter(|(session, chain)| session.id == chain.id);
        all(right.count() == count, took)
    })
}

fn refreshing<'a>(tenant: &'a Tenant, chains: &'a [Chain]) -> BoxedSide<'a> {
    let mut next = in_circles(chains);
    Box::new(move |count| {
        let (took, rotated) = in_turn(&next(count), |chain: &&Chain| chain.refresh(tenant))?;
        all(!rotated.contains(&false), took)
    })
}

fn refreshing_at_once<'a>(tenant: &'a Tenant, chains: &'a [Chain]) -> BoxedSide<'a> {
    let mut next = in_circles(chains);
    Box::new(move |count| {
        let chosen = next(count);
        let distinct: HashSet<_> = chosen.iter().map(|chain| chain.id).collect();
        let (took, rotated) = at_once(&chosen, CALLERS, |chain: &&Chain| chain.refresh(tenant))?;
        all(distinct.len() == count && !rotated.contains(&false), took)
    })
}

fn all(done: bool, took: Duration) -> Fallible<Duration> {
    if done { Ok(took) } else { Err("not every call did its work".into()) }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
