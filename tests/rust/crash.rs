//! A process is killed at any moment: what it had answered is there when the database is opened again.
//! `HJ_CRASHES=n` sets the rounds.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use hellojohn::{Engine, ErrorCode, SessionId, Status};
use hellojohn_tests::fixture::{Database, code, numbers, refresh, seeded, tenant};

/// SQLite's own opinion of the file, after every process has closed it.
fn assert_sound(database: &Database) {
    let connection = rusqlite::Connection::open(database.path()).unwrap();
    let check = |pragma: &str| -> String { connection.query_row(pragma, [], |row| row.get(0)).unwrap() };
    assert_eq!(check("PRAGMA integrity_check"), "ok");
    let violations = "SELECT count(*) FROM pragma_foreign_key_check";
    assert_eq!(connection.query_row(violations, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

/// Whether sessions were ended as one act and not all of them stamped yet.
fn has_pending_bulk_end(database: &Database) -> bool {
    let connection = rusqlite::Connection::open(database.path()).unwrap();
    connection
        .query_row("SELECT EXISTS (SELECT 1 FROM bulk_ends WHERE done = 0)", [], |row| row.get(0))
        .unwrap()
}

/// After so many rounds another database is begun: SQLite's check of a whole one takes the longer the larger it is.
const ROUNDS_PER_DATABASE: u64 = 250;

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let mut database = Database::new();
    let (mut acknowledged, mut unstamped) = (0, 0);
    for round in numbers("HJ_CRASHES", 50) {
        if round % ROUNDS_PER_DATABASE == ROUNDS_PER_DATABASE - 1 {
            database = Database::new();
        }
        let mut writer = Command::new(env!("CARGO_BIN_EXE_worker"))
            .args(["write".as_ref(), database.path().as_os_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        // Killed after a few answers more each time, wherever it is by then.
        let mut told: Vec<String> =
            lines.by_ref().take(1 + round as usize * 3 % 40).map(Result::unwrap).collect();
        writer.kill().unwrap();
        writer.wait().unwrap();
        // What was still in the pipe had been answered too; the last line may be cut short.
        let whole = told[0].len();
        told.extend(lines.map_while(Result::ok).filter(|line| line.len() == whole));
        acknowledged += told.len();

        let engine = Engine::builder().random(seeded(round)).open(database.path()).unwrap();
        let tenant = tenant(&engine, "tnt");
        let mut last: HashMap<SessionId, (String, String)> = HashMap::new();
        for line in &told {
            let words: Vec<&str> = line.split(' ').collect();
            last.insert(words[1].parse().unwrap(), (words[0].to_owned(), words[2].to_owned()));
        }
        for (id, (state, token)) in last {
            let session = tenant.get(id).unwrap();
            if state == "over" {
                assert_eq!(session.status, Status::Revoked);
                assert_eq!(code(tenant.verify_session(id)), Some(ErrorCode::SessionRevoked));
                assert_eq!(code(refresh(&tenant, &token)), Some(ErrorCode::SessionRevoked));
            } else if session.status == Status::Active {
                // Live, or rotated once more without having said so: then the client asks again.
                let successor = refresh(&tenant, &token).unwrap();
                assert!(tenant.verify_access_token(successor.access_token.expose()).is_ok());
            } else {
                assert_eq!(session.end_reason.unwrap().as_str(), "revoked");
            }
        }
        drop((tenant, engine));
        assert_sound(&database);
        unstamped += u64::from(has_pending_bulk_end(&database));
    }
    assert!(acknowledged > 100);
    assert!(unstamped > 0, "no round was killed between ending many sessions and stamping them");
}
