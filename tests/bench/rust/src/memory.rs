//! P11: by how much a process of its own grows when it opens a large database and reads and verifies all over it.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use hellojohn::{Durability, SessionId};

use crate::duel::{CALLERS, at_once};
use crate::ours::{self, Chain};
use crate::{Fallible, Row, grouped};

pub fn row(database: &Path, chains: &[Chain], size: &str) -> Fallible<()> {
    let mut process = Command::new(std::env::current_exe()?)
        .args([Path::new("memory"), database])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = process.stdin.take().ok_or("no input")?;
    for chain in chains {
        writeln!(input, "{} {}", chain.id, chain.access_token)?;
    }
    drop(input);
    let answer = process.wait_with_output()?;
    if !answer.status.success() {
        return Err("the growing process failed".into());
    }
    let bytes: f64 = String::from_utf8(answer.stdout)?.trim().parse()?;
    let work = format!(
        "growth of a process that opens {size} sessions and reads and verifies {} of them from 64 threads",
        grouped(chains.len())
    );
    Row::value("P11 memory", work, bytes / f64::from(1 << 20)).print()
}

/// Reads lines of session ids and access tokens, then uses the database: prints the bytes that the process grew by.
pub fn grow(database: &Path) -> Fallible<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let samples = text
        .lines()
        .map(|line| {
            let (id, token) = line.split_once(' ').ok_or("an id and a token")?;
            Ok((id.parse()?, token))
        })
        .collect::<Fallible<Vec<(SessionId, &str)>>>()?;

    let before = resident_bytes()?;
    let engine = ours::open(database, Durability::Full)?;
    let tenant = ours::tenant(&engine, "tnt_bench")?;
    at_once(&samples, CALLERS, |&(id, _)| Ok(tenant.get(id).map(drop)?))?;
    at_once(&samples, CALLERS, |&(_, token)| {
        Ok(tenant.verify_access_token(token).map(drop).map_err(|refused| refused.error)?)
    })?;
    println!("{}", resident_bytes()?.saturating_sub(before));
    engine.close()?;
    Ok(())
}

fn resident_bytes() -> Fallible<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}
