//! P4 and P7: how near a verification comes to the bare signature, and a refresh to the bare statement.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use hellojohn::{Durability, LocalVerification, Tenant};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, params};

use crate::duel::{duel, in_turn};
use crate::ours::{self, Chain, SignIns, build, in_circles, shuffle};
use crate::{Fallible, Mode, Row, SMALL};

pub fn rows(mode: &Mode, folder: &Path) -> Fallible<()> {
    let sign_ins = SignIns::new();
    let database = folder.join("limits.db");
    let engine = ours::open(&database, Durability::Normal)?;
    let tenant = ours::tenant(&engine, "tnt_bench")?;
    // Verifies no token: its cache of those that it signs helps neither side.
    let signing_engine = ours::open(&database, Durability::Normal)?;
    let signing = ours::tenant(&signing_engine, "tnt_bench")?;
    verify(mode, &tenant, &signing, &sign_ins)?;
    signing_engine.close()?;
    refresh(mode, &tenant, &sign_ins, &database, &folder.join("bare.db"))?;
    engine.close()?;
    Ok(())
}

/// P4. Both sides get tokens that neither has verified before.
fn verify(mode: &Mode, tenant: &Tenant, signing: &Tenant, sign_ins: &SignIns) -> Fallible<()> {
    let tokens = |count: usize| -> Fallible<Vec<String>> {
        let chains = build(signing, count, 1, |n| sign_ins.nth(n))?;
        Ok(chains.into_iter().map(|chain| chain.access_token).collect())
    };
    let key = active_key(tenant, &tokens(1)?[0])?;
    let options = LocalVerification::default();
    let mut ours = |count| {
        let unseen = tokens(count)?;
        let (took, claims) = in_turn(&unseen, |token| Ok(tenant.verify_locally(token, &options)?))?;
        if claims.iter().any(|claims| claims.tenant_id != *tenant.id()) {
            return Err("claims of another tenant".into());
        }
        Ok(took)
    };
    let mut bare = |count| {
        let signed = tokens(count)?.iter().map(|token| signed_bytes(token)).collect::<Fallible<Vec<_>>>()?;
        let (took, _) =
            in_turn(&signed, |(bytes, signature)| Ok(key.verify_strict(black_box(bytes), signature)?))?;
        let (bytes, signature) = &signed[0];
        if key.verify_strict(&bytes[1..], signature).is_ok() {
            return Err("a forgery was accepted".into());
        }
        Ok(took)
    };
    let rounds = duel(&mode.pace, &mut ours, &mut bare)?;
    let work = "Rust `verify_locally`, every token for the first time";
    Row::duel("P4", work, "ed25519-dalek `verify_strict` on the same bytes", rounds).print()
}

fn signed_bytes(token: &str) -> Fallible<(Vec<u8>, Signature)> {
    let (bytes, signature) = token.rsplit_once('.').ok_or("not a token")?;
    Ok((bytes.as_bytes().to_vec(), Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature)?)?))
}

/// The key that signed the token, from the published set.
fn active_key(tenant: &Tenant, token: &str) -> Fallible<VerifyingKey> {
    let header: serde_json::Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().ok_or("not a token")?)?)?;
    let set = tenant.jwks()?.to_json();
    let keys = set["keys"].as_array().ok_or("no keys")?;
    let key = keys.iter().find(|key| key["kid"] == header["kid"]).ok_or("no such key")?;
    let bytes = URL_SAFE_NO_PAD.decode(key["x"].as_str().ok_or("no x")?)?;
    Ok(VerifyingKey::from_bytes(&bytes.as_slice().try_into()?)?)
}

/// P7. A refresh against the least that it could be.
fn refresh(mode: &Mode, tenant: &Tenant, sign_ins: &SignIns, database: &Path, bare: &Path) -> Fallible<()> {
    let mut chains = build(tenant, SMALL, 1, |n| sign_ins.nth(n))?;
    shuffle(&mut chains);
    ours::settle(database, "tnt_bench", &chains)?;
    let mut next = in_circles(&chains);
    let mut ours = |count| {
        let chosen = next(count);
        let (took, rotated) = in_turn(&chosen, |chain: &&Chain| chain.refresh(tenant))?;
        if rotated.contains(&false) { Err("a token did not rotate".into()) } else { Ok(took) }
    };

    let mut bare = Bare::open(bare, sign_ins)?;
    let mut theirs = |count| bare.refresh(count);
    let rounds = duel(&mode.pace, &mut ours, &mut theirs)?;
    let work = "Rust `refresh`, durability normal, one caller";
    Row::duel("P7", work, "one prepared UPDATE by key and one Ed25519 signature, bare", rounds).print()
}

/// A table of the width of ours, and a key.
struct Bare {
    connection: Connection,
    keys: Vec<[u8; 16]>,
    signer: SigningKey,
    message: Vec<u8>,
    refreshes: i64,
    next: usize,
}

impl Bare {
    fn open(database: &Path, sign_ins: &SignIns) -> Fallible<Self> {
        let connection = Connection::open(database)?;
        // Otherwise this build of SQLite may plan a statement anew each time that a value is bound to it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = NORMAL;
             PRAGMA wal_autocheckpoint = 16000;
             CREATE TABLE sessions (
               id BLOB PRIMARY KEY,
               user_id TEXT NOT NULL,
               created_at INTEGER NOT NULL,
               last_active_at INTEGER NOT NULL,
               expires_at INTEGER NOT NULL,
               generation INTEGER NOT NULL,
               nonce BLOB NOT NULL,
               access_issued_at INTEGER NOT NULL,
               access_expires_at INTEGER NOT NULL,
               user_agent TEXT,
               ip_address TEXT
             ) STRICT, WITHOUT ROWID;
             CREATE INDEX sessions_of_user ON sessions (user_id);
             BEGIN;",
        )?;
        let mut keys: Vec<[u8; 16]> = (0..SMALL as u128).map(|n| (n << 32).to_be_bytes()).collect();
        for (n, key) in keys.iter().enumerate() {
            let sign_in = sign_ins.nth(n)?;
            let user_agent = sign_in.client.user_agent.as_ref().map(|text| text.as_str());
            connection
                .prepare_cached("INSERT INTO sessions VALUES (?1, ?2, ?3, ?3, ?3, 1, ?1, ?3, ?3, ?4, ?5)")?
                .execute(params![
                    key,
                    sign_in.user_id.as_str(),
                    1_700_000_000_000_i64,
                    user_agent,
                    format!("203.0.113.{}", n % 256)
                ])?;
        }
        connection.execute_batch("COMMIT; CREATE TABLE filler (bytes BLOB);")?;
        // The log at its full size, as ours.
        for _ in 0..66 {
            connection.execute_batch("INSERT INTO filler VALUES (zeroblob(1000000)); DELETE FROM filler;")?;
        }
        connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()))?;
        shuffle(&mut keys);
        let signer = SigningKey::from_bytes(&[7; 32]);
        // As many bytes as an access token signs.
        Ok(Bare { connection, keys, signer, message: vec![b'x'; 420], refreshes: 0, next: 0 })
    }

    fn refresh(&mut self, count: usize) -> Fallible<std::time::Duration> {
        let mut update = self.connection.prepare_cached(
            "UPDATE sessions SET last_active_at = ?2, generation = generation + 1, access_issued_at = ?2,
             access_expires_at = ?3 WHERE id = ?1",
        )?;
        let start = Instant::now();
        for n in 0..count {
            let key = &self.keys[(self.next + n) % self.keys.len()];
            if update.execute(params![key, 1_700_000_000_001_i64, 1_700_000_000_002_i64])? != 1 {
                return Err("no such row".into());
            }
            black_box(self.signer.sign(black_box(&self.message)));
        }
        let took = start.elapsed();
        drop(update);
        self.next += count;
        self.refreshes += i64::try_from(count)?;
        let sum: i64 =
            self.connection
                .query_row("SELECT sum(generation) - count(*) FROM sessions", [], |row| row.get(0))?;
        if sum == self.refreshes { Ok(took) } else { Err("not every row was updated".into()) }
    }
}
