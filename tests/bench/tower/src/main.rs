//! tower-sessions over its SQLite store, durable. Reads `create COUNT` and `load COUNT CALLERS` from standard input, does
//! the work, proves that it was done, and answers with the nanoseconds that it took.

use std::error::Error;
use std::io::{BufRead, stdin};
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;
use tower_sessions_core::SessionStore;
use tower_sessions_core::session::{Id, Record};
use tower_sessions_sqlx_store::SqliteStore;
use tower_sessions_sqlx_store::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tower_sessions_sqlx_store::sqlx::{query, query_scalar};

type Fallible<T> = Result<T, Box<dyn Error>>;

/// How many calls are under way at once when sessions are created.
const CALLERS: usize = 64;

/// How many sessions the loads go round.
const POOL: usize = 1_000;

struct Peer {
    /// One connection: SQLite has one writer, and more would sleep in its busy handler.
    writer: SqliteStore,
    writing: SqlitePool,
    readers: SqliteStore,
    pool: Vec<Id>,
}

fn main() -> Fallible<()> {
    let mut arguments = std::env::args().skip(1);
    let database = arguments.next().ok_or("which database?")?;
    // As many worker threads as cores: tokio's own choice.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut peer = runtime.block_on(Peer::open(Path::new(&database)))?;
    runtime.block_on(peer.fill())?;
    for line in stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let took = match words[..] {
            ["create", count] => runtime.block_on(peer.create(count.parse()?))?,
            ["load", count, callers] => runtime.block_on(peer.load(count.parse()?, callers.parse()?))?,
            _ => return Err("create COUNT or load COUNT CALLERS".into()),
        };
        println!("{}", took.as_nanos());
    }
    Ok(())
}

impl Peer {
    async fn open(database: &Path) -> Fallible<Self> {
        let options = SqliteConnectOptions::from_str("sqlite:")?
            .filename(database)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("wal_autocheckpoint", "16000");
        let writing = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        let reading = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        let writer = SqliteStore::new(writing.clone());
        writer.migrate().await?;
        Ok(Peer { writer, writing, readers: SqliteStore::new(reading), pool: Vec::new() })
    }

    /// Makes the sessions that are loaded and lets the log grow; without waiting for the disk.
    async fn fill(&mut self) -> Fallible<()> {
        query("PRAGMA synchronous = OFF").execute(&self.writing).await?;
        for n in 0..POOL {
            let mut session = record(n);
            self.writer.create(&mut session).await?;
            self.pool.push(session.id);
        }
        // The log at its full size, as in every database that is some minutes old.
        query("CREATE TABLE filler (bytes BLOB)").execute(&self.writing).await?;
        for _ in 0..66 {
            query("INSERT INTO filler VALUES (zeroblob(1000000))").execute(&self.writing).await?;
            query("DELETE FROM filler").execute(&self.writing).await?;
        }
        query("PRAGMA wal_checkpoint(RESTART)").execute(&self.writing).await?;
        query("PRAGMA synchronous = FULL").execute(&self.writing).await?;
        Ok(())
    }

    async fn count(&self) -> Fallible<usize> {
        let count: i64 = query_scalar("SELECT count(*) FROM tower_sessions").fetch_one(&self.writing).await?;
        Ok(usize::try_from(count)?)
    }

    async fn create(&self, count: usize) -> Fallible<Duration> {
        let before = self.count().await?;
        let mut shares: Vec<Vec<Record>> = (0..CALLERS).map(|_| Vec::new()).collect();
        for n in 0..count {
            shares[n % CALLERS].push(record(n));
        }
        let start = Instant::now();
        let mut callers = JoinSet::new();
        for share in shares {
            let store = self.writer.clone();
            callers.spawn(async move {
                for mut session in share {
                    store.create(&mut session).await?;
                }
                Ok::<(), tower_sessions_core::session_store::Error>(())
            });
        }
        while let Some(done) = callers.join_next().await {
            done??;
        }
        let took = start.elapsed();
        if self.count().await? != before + count {
            return Err("not every call made a session".into());
        }
        Ok(took)
    }

    async fn load(&self, count: usize, callers: usize) -> Fallible<Duration> {
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for caller in 0..callers {
            let store = self.readers.clone();
            let ids: Vec<Id> =
                (caller..count).step_by(callers).map(|n| self.pool[n % self.pool.len()]).collect();
            tasks.spawn(async move {
                let mut loaded = Vec::with_capacity(ids.len());
                for id in ids {
                    loaded.push(store.load(&id).await?.filter(|session| session.id == id));
                }
                Ok::<_, tower_sessions_core::session_store::Error>(loaded)
            });
        }
        let mut loaded = Vec::new();
        while let Some(done) = tasks.join_next().await {
            loaded.extend(done??);
        }
        let took = start.elapsed();
        if loaded.len() != count
            || loaded.iter().flatten().filter(|found| found.data.len() == 3).count() != count
        {
            return Err("not every session was loaded".into());
        }
        Ok(took)
    }
}

/// A session that holds what ours holds: the user, the user agent and the address.
fn record(n: usize) -> Record {
    let data = [
        ("user_id", format!("usr_{}", n / 5)),
        (
            "user_agent",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 \
             Safari/537.36"
                .to_owned(),
        ),
        ("ip_address", format!("203.0.113.{}", n % 256)),
    ];
    Record {
        id: Id::default(),
        data: data.into_iter().map(|(name, text)| (name.to_owned(), Value::String(text))).collect(),
        expiry_date: time::OffsetDateTime::now_utc() + time::Duration::days(30),
    }
}
