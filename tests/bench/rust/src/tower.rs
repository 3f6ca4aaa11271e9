//! P9: against tower-sessions, which runs in a program of its own.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use hellojohn::{Durability, Grant};

use crate::duel::{CALLERS, at_once, duel, in_turn};
use crate::ours::{self, SignIns, build, in_circles};
use crate::{Fallible, Mode, Row};

const POOL: usize = 1_000;

struct Peer {
    process: Child,
    orders: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    fn start(program: &Path, database: &Path) -> Fallible<Self> {
        let mut process =
            Command::new(program).arg(database).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().ok_or("no output")?).lines();
        Ok(Peer { process, orders, answers })
    }

    /// Has the work done and proven: how long it took there.
    fn order(&mut self, order: &str) -> Fallible<Duration> {
        writeln!(self.orders.as_mut().ok_or("no input")?, "{order}")?;
        let answer = self.answers.next().ok_or("tower-sessions gave up")??;
        Ok(Duration::from_nanos(answer.parse()?))
    }

    fn end(mut self) -> Fallible<()> {
        drop(self.orders.take());
        if self.process.wait()?.success() { Ok(()) } else { Err("tower-sessions failed".into()) }
    }
}

pub fn rows(mode: &Mode, folder: &Path, program: &Path) -> Fallible<()> {
    let sign_ins = SignIns::new();
    let mut peer = Peer::start(program, &folder.join("tower.db"))?;
    let database = folder.join("against_tower.db");
    let engine = ours::open(&database, Durability::Full)?;
    let tenant = ours::tenant(&engine, "tnt_bench")?;
    let pool = build(&tenant, POOL, 1, |n| sign_ins.nth(n))?;
    ours::settle(&database, "tnt_bench", &pool)?;

    let mut made = POOL;
    let mut create = |count| {
        let requests = (made..made + count).map(|n| sign_ins.nth(n)).collect::<Fallible<Vec<_>>>()?;
        let (took, grants) = at_once(&requests, CALLERS, |request| Ok(tenant.create(request.clone())?))?;
        made += count;
        let last: &Grant = grants.last().ok_or("nothing was made")?;
        tenant.verify_access_token(last.access_token.expose()).map_err(|refused| refused.error)?;
        if tenant.stats()?.sessions.active == made as u64 {
            Ok(took)
        } else {
            Err("not every call made a session".into())
        }
    };
    let rounds = duel(&mode.pace, &mut create, &mut |count| peer.order(&format!("create {count}")))?;
    Row::duel("P9", "Rust `create`, durable, 64 callers", "tower-sessions `create`, 64 tasks", rounds)
        .print()?;

    let ids: Vec<_> = pool.iter().map(|chain| chain.id).collect();
    for callers in [1, CALLERS] {
        let mut next = in_circles(&ids);
        let mut load = |count| {
            let chosen = next(count);
            let (took, sessions) = match callers {
                1 => in_turn(&chosen, |&&id| Ok(tenant.get(id)?))?,
                _ => at_once(&chosen, callers, |&&id| Ok(tenant.get(id)?))?,
            };
            let right = sessions.iter().zip(&chosen).filter(|(session, id)| session.id == ***id).count();
            if right == count { Ok(took) } else { Err("not every session was found".into()) }
        };
        let rounds =
            duel(&mode.pace, &mut load, &mut |count| peer.order(&format!("load {count} {callers}")))?;
        let (work, against) = match callers {
            1 => ("Rust `get`, one caller", "tower-sessions `load`, one task"),
            _ => ("Rust `get`, 64 callers", "tower-sessions `load`, 64 tasks"),
        };
        Row::duel("P9", work, against, rounds).print()?;
    }
    engine.close()?;
    peer.end()
}
