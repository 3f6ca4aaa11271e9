//! Our side: a tenant on a file, real devices, and sessions whose refresh chains go on from round to round.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use hellojohn::{
    ClientInfo, Clock, ConfigPatch, CreateSession, Durability, Engine, Grant, RefreshRequest, SessionId,
    SystemClock, Tenant,
};

use crate::Fallible;
use crate::duel::at_once;

const USER_AGENTS: &str = include_str!("../../../vectors/user_agents.tsv");

/// How many threads build a database.
const BUILDERS: usize = 4;

/// What stands for a sign-in: a user of five sessions, a real user agent, a documentation address.
pub struct SignIns {
    user_agents: Vec<&'static str>,
}

impl SignIns {
    pub fn new() -> Self {
        let lines = USER_AGENTS.lines().filter(|line| !line.starts_with('#'));
        SignIns { user_agents: lines.filter_map(|line| line.split('\t').nth(2)).collect() }
    }

    pub fn nth(&self, n: usize) -> Fallible<CreateSession> {
        Ok(CreateSession::new(format!("usr_{}", n / 5).parse()?).client(
            ClientInfo::default()
                .user_agent(Some(self.user_agents[n % self.user_agents.len()].parse()?))
                .ip_address(Some(format!("203.0.113.{}", n % 256).parse()?)),
        ))
    }
}

pub fn open(database: &Path, durability: Durability) -> Fallible<Engine> {
    open_at(database, durability, SystemClock)
}

pub fn open_at(database: &Path, durability: Durability, clock: impl Clock + 'static) -> Fallible<Engine> {
    Ok(Engine::builder().durability(durability).clock(clock).open(database)?)
}

pub fn tenant(engine: &Engine, id: &str) -> Fallible<Tenant> {
    let tenant = engine.tenant(&id.parse()?, &"sk_live_bench_8Kc4Xw7Nt2Qz6Bp1".parse()?)?;
    // A full run takes longer than the hour that access tokens last by default.
    tenant.update_config(&ConfigPatch::default().access_token_ttl(Some("1d".parse()?)))?;
    Ok(tenant)
}

/// A session, and the tokens that its device holds.
pub struct Chain {
    pub id: SessionId,
    pub access_token: String,
    live: Mutex<String>,
}

impl Chain {
    pub fn new(grant: &Grant) -> Self {
        Chain {
            id: grant.session.id,
            access_token: grant.access_token.expose().to_owned(),
            live: Mutex::new(grant.refresh_token.expose().to_owned()),
        }
    }

    /// Exchanges the live refresh token; true if another one came.
    pub fn refresh(&self, tenant: &Tenant) -> Fallible<bool> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let grant = tenant.refresh(&live, RefreshRequest::default())?;
        let successor = grant.refresh_token.expose();
        let rotated = *live != successor && grant.session.id == self.id;
        successor.clone_into(&mut live);
        Ok(rotated)
    }
}

/// Signs this many devices in; the tokens of every `step`th of them.
pub fn build(
    tenant: &Tenant,
    sessions: usize,
    step: usize,
    sign_in: impl Fn(usize) -> Fallible<CreateSession> + Sync,
) -> Fallible<Vec<Chain>> {
    let numbers: Vec<usize> = (0..sessions).collect();
    let (_, chains) = at_once(&numbers, BUILDERS, |&n| {
        let grant = tenant.create(sign_in(n)?)?;
        Ok((n % step == 0).then(|| Chain::new(&grant)))
    })?;
    Ok(chains.into_iter().flatten().collect())
}

/// Lets the log of an open database reach its full size, as in every database that is some minutes old: until then each
/// commit makes the file longer, which a file system syncs far more slowly. Refreshes these sessions without waiting for
/// the disk.
pub fn settle(database: &Path, tenant_id: &str, chains: &[Chain]) -> Fallible<()> {
    let engine = open(database, Durability::Normal)?;
    let tenant = tenant(&engine, tenant_id)?;
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    let mut size = 0;
    let mut still = 0;
    // A log that an engine cuts back never stands still: it has been through all of its sizes by then.
    for _ in 0..40_000_usize.div_ceil(chains.len().min(1_000)) {
        at_once(&chains[..chains.len().min(1_000)], BUILDERS, |chain| chain.refresh(&tenant))?;
        let now = std::fs::metadata(&log)?.len();
        still = if now == size { still + 1 } else { 0 };
        size = now;
        if still == 2 {
            break;
        }
    }
    engine.close()?;
    Ok(())
}

/// Goes round and round; each call goes on where the one before stopped.
pub fn in_circles<'a, T>(pool: &'a [T]) -> impl FnMut(usize) -> Vec<&'a T> + use<'a, T> {
    let mut next = 0;
    move |count| {
        let taken = (next..next + count).map(|n| &pool[n % pool.len()]).collect();
        next += count;
        taken
    }
}

/// The same in a random order that is always the same.
pub fn shuffle<T>(pool: &mut [T]) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for at in (1..pool.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        pool.swap(at, (state >> 33) as usize % (at + 1));
    }
}
