//! What was replaced or deleted is in no file of the database any more.

use std::collections::BTreeSet;
use std::fs;

use hellojohn::{CreateSession, KeyState, PurgeBefore, Timestamp};
use hellojohn_tests::fixture::{Database, SECRET, START, sign_in, user};

use crate::Worker;

const NEW_SECRET: &str = "sk_test_changed_5d20c8f1b694a07e";

/// Whether a file of the database holds these bytes.
fn is_in_a_file(database: &Database, bytes: &[u8]) -> bool {
    fs::read_dir(database.folder()).unwrap().any(|entry| {
        let content = fs::read(entry.unwrap().path()).unwrap();
        content.windows(bytes.len()).any(|window| window == bytes)
    })
}

/// Values of a column, as another program reads them.
fn blobs(database: &Database, query: &str) -> Vec<Vec<u8>> {
    let connection = rusqlite::Connection::open(database.path()).unwrap();
    let mut statement = connection.prepare(query).unwrap();
    let blobs = statement.query_map([], |row| row.get(0)).unwrap();
    blobs.map(Result::unwrap).collect()
}

const WRAPPED_SEEDS: &str = "SELECT wrapped_seed FROM signing_keys WHERE wrapped_seed IS NOT NULL";

#[test]
fn keys_that_were_replaced_are_in_no_file() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    sign_in(&tenant, "u");
    let replaced = |query: &str, replace: &dyn Fn()| {
        let before = blobs(&database, query);
        assert!(!before.is_empty() && before.iter().all(|blob| is_in_a_file(&database, blob)), "{query}");
        replace();
        assert!(!before.iter().any(|blob| is_in_a_file(&database, blob)), "{query}");
    };
    replaced(
        &format!(
            "SELECT salt FROM tenants UNION ALL SELECT wrapped_refresh_key FROM tenants UNION ALL {WRAPPED_SEEDS}"
        ),
        &|| tenant.change_secret_key(&NEW_SECRET.parse().unwrap()).unwrap(),
    );
    replaced("SELECT wrapped_refresh_key FROM tenants", &|| tenant.rotate_refresh_key().unwrap());
    replaced(&format!("{WRAPPED_SEEDS} AND state = 'next'"), &|| {
        let next = tenant.keys().unwrap().into_iter().find(|key| key.state == KeyState::Next);
        tenant.retire_key(next.unwrap().kid).unwrap();
    });
    assert!(!is_in_a_file(&database, SECRET.as_bytes()));
}

/// The numbers before `@purged.example` in the files of the database.
fn numbers_in_files(database: &Database) -> BTreeSet<usize> {
    let mut numbers = BTreeSet::new();
    for entry in fs::read_dir(database.folder()).unwrap() {
        let content = fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&content);
        for (at, _) in text.match_indices("@purged.example") {
            // A cut one is one, too.
            numbers.insert(
                text.get(at.saturating_sub(4)..at).and_then(|number| number.parse().ok()).unwrap_or(9_999),
            );
        }
    }
    numbers
}

#[test]
fn records_that_were_purged_are_in_no_file() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    // Rows of every size: pages are divided, joined and chained meanwhile.
    for at in 0..600_usize {
        let email = format!("{at:04}@purged.example").parse().unwrap();
        let mut request = CreateSession::new(user(&format!("u{}", at % 7)));
        request.identity.email = Some(email);
        let note = "x".repeat(at * at % 3_900);
        request.identity.claims = format!(r#"{{"note":"{note}"}}"#).parse().unwrap();
        let session = tenant.create(request).unwrap().session;
        if at % 3 != 0 {
            tenant.revoke(session.id).unwrap();
        }
    }
    assert!(numbers_in_files(&database).len() > 500);
    assert_eq!(tenant.purge(PurgeBefore::Time(Timestamp::from_millis(START + 1))).unwrap(), 400);
    assert_eq!(numbers_in_files(&database), (0..600).step_by(3).collect());
    tenant.revoke_tenant().unwrap();
    assert_eq!(tenant.purge(PurgeBefore::Time(Timestamp::from_millis(START + 1))).unwrap(), 200);
    assert!(numbers_in_files(&database).is_empty());
}

#[test]
fn what_a_long_read_keeps_in_the_log_is_erased_by_the_next_sweep() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let salt = blobs(&database, "SELECT salt FROM tenants").remove(0);
    let mut reader = Worker::start("hold", &database.path(), "BEGIN; SELECT * FROM tenants");
    assert_eq!(reader.line(), "held");
    tenant.change_secret_key(&NEW_SECRET.parse().unwrap()).unwrap();
    tenant.sweep().unwrap();
    assert!(is_in_a_file(&database, &salt), "the reader still sees it");
    reader.finish();
    assert_eq!(tenant.sweep().unwrap(), 0);
    assert!(!is_in_a_file(&database, &salt));
}
