//! P14: how long other calls wait while one call works on very many sessions, and how long the log grows under slow reads.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use hellojohn::{
    ConfigPatch, CreateSession, Durability, Engine, ListQuery, PurgeBefore, StatusFilter, Tenant, Timestamp,
};

use crate::ours::{self, Chain, SignIns, build, in_circles};
use crate::{Fallible, Mode, Row, grouped};

/// Sessions of other users that are refreshed and read meanwhile.
pub const OTHERS: usize = 600;

/// How many of these calls are measured at least.
const CALLS_MIN: usize = 300;

/// The user that all the other sessions are of.
const LARGE_USER: &str = "usr_large";

type Act<'a> = dyn Fn(&Tenant) -> Fallible<()> + Sync + 'a;

pub fn rows(mode: &Mode, folder: &Path) -> Fallible<()> {
    let path = folder.join("crowd.db");
    let sign_ins = SignIns::new();
    let building = ours::open(&path, Durability::Normal)?;
    let tenant = ours::tenant(&building, "tnt_large")?;
    build(&tenant, mode.crowd, mode.crowd, |n| {
        Ok(CreateSession::new(LARGE_USER.parse()?).client(sign_ins.nth(n)?.client))
    })?;
    let others = build(&ours::tenant(&building, "tnt_others")?, OTHERS, 1, |n| sign_ins.nth(n))?;
    building.close()?;
    ours::settle(&path, "tnt_others", &others)?;

    let engine = ours::open(&path, Durability::Full)?;
    let size = grouped(mode.crowd);
    log_row(&engine, &path, &others, &size)?;
    let patch = |json: &str| -> Fallible<ConfigPatch> { Ok(json.parse()?) };
    let acts: [(&str, Box<Act<'_>>); 7] = [
        ("`stats`", Box::new(|tenant| Ok(tenant.stats().map(|_| ())?))),
        (
            "`count`",
            Box::new(|tenant| {
                let of_user = hellojohn::SessionFilter::of_user(LARGE_USER.parse()?);
                Ok(tenant.count(&of_user).map(|_| ())?)
            }),
        ),
        (
            "a change of the idle time-out",
            Box::new(|tenant| Ok(drop(tenant.update_config(&patch(r#"{"idle_timeout": "1y"}"#)?)?))),
        ),
        (
            "the first sign-in under a lower cap, and a sweep",
            Box::new(|tenant| {
                tenant
                    .update_config(&patch(&format!(r#"{{"max_sessions_per_user": {}}}"#, mode.crowd / 2))?)?;
                tenant.create(CreateSession::new(LARGE_USER.parse()?))?;
                Ok(tenant.sweep().map(|_| ())?)
            }),
        ),
        (
            "`revoke_user`, and a sweep",
            Box::new(|tenant| {
                tenant.revoke_user(&LARGE_USER.parse()?, None)?;
                Ok(tenant.sweep().map(|_| ())?)
            }),
        ),
        ("a list of the user's expired sessions", Box::new(list_all)),
        (
            "`purge`",
            Box::new(|tenant| {
                let ended = PurgeBefore::Time(Timestamp::from_millis(i64::MAX));
                Ok(tenant.purge(ended).map(|_| ())?)
            }),
        ),
    ];
    for (name, act) in &acts {
        let (p99, (act_seconds, ())) = wait_beside(&engine, &others, &|tenant| timed(|| act(tenant)))?;
        let work = format!(
            "Rust `refresh` (durable) and `get` of others, p99 during {name} at {size} sessions, which took {act_seconds:.1} s"
        );
        Row::value("P14", work, p99).print()?;
    }
    engine.close()?;
    Ok(())
}

/// Every page of the list, most of which are empty.
fn list_all(tenant: &Tenant) -> Fallible<()> {
    let of_user = hellojohn::SessionFilter::of_user(LARGE_USER.parse()?);
    let mut query = ListQuery::default().filter(of_user.status(Some(StatusFilter::Expired)));
    loop {
        query.cursor = tenant.list(&query)?.next_cursor;
        if query.cursor.is_none() {
            return Ok(());
        }
    }
}

/// How many seconds it took, and what it answered.
pub fn timed<T>(act: impl FnOnce() -> Fallible<T>) -> Fallible<(f64, T)> {
    let start = Instant::now();
    let answer = act()?;
    Ok((start.elapsed().as_secs_f64(), answer))
}

/// The p99 in ms of the calls of others while the act runs on the tenant of the many sessions, and what the act answered.
pub fn wait_beside<T: Send>(
    engine: &Engine,
    others: &[Chain],
    act: &(dyn Fn(&Tenant) -> Fallible<T> + Sync),
) -> Fallible<(f64, T)> {
    let (large, tenant) = (ours::tenant(engine, "tnt_large")?, ours::tenant(engine, "tnt_others")?);
    let mut next = in_circles(others);
    let acted = AtomicBool::new(false);
    let mut times = Vec::new();
    let answer = std::thread::scope(|scope| -> Fallible<T> {
        let acting = scope.spawn(|| {
            let outcome = act(&large);
            acted.store(true, Ordering::Release);
            outcome
        });
        while !acted.load(Ordering::Acquire) || times.len() < CALLS_MIN {
            let chain = next(1)[0];
            let (seconds, rotated) = timed(|| chain.refresh(&tenant))?;
            if !rotated {
                return Err("a token did not rotate".into());
            }
            times.push(seconds * 1e3);
            times.push(timed(|| Ok(tenant.get(chain.id)?))?.0 * 1e3);
        }
        acting.join().map_err(|_| "the act panicked")?
    })?;
    times.sort_by(f64::total_cmp);
    Ok((times[(times.len() * 99).div_ceil(100) - 1], answer))
}

/// How long the log gets while two readers count without a gap, against its length before.
fn log_row(engine: &Engine, path: &Path, others: &[Chain], size: &str) -> Fallible<()> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let log_bytes = || -> Fallible<f64> { Ok(std::fs::metadata(&log)?.len() as f64) };
    let (large, tenant) = (ours::tenant(engine, "tnt_large")?, ours::tenant(engine, "tnt_others")?);
    let mut next = in_circles(others);
    // Three times as much as the log holds at most before it is moved.
    let mut write = || (0..24_000).try_for_each(|_| next(1)[0].refresh(&tenant).map(drop));
    write()?;
    let quiet = log_bytes()?;
    let done = AtomicBool::new(false);
    let beside_readers = std::thread::scope(|scope| -> Fallible<f64> {
        for _ in 0..2 {
            let (large, done) = (large.clone(), &done);
            scope.spawn(move || while !done.load(Ordering::Acquire) && large.stats().is_ok() {});
        }
        let outcome = write().and_then(|()| log_bytes());
        done.store(true, Ordering::Release);
        outcome
    })?;
    Row::value(
        "P14 log",
        format!("the log's size while two threads call `stats` without a gap at {size} sessions, against its size without them"),
        beside_readers / quiet,
    )
    .print()
}
