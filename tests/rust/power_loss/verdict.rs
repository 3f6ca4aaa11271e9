//! What an image of the disk is worth: opened by the engine, it must hold one of the states that it may hold.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use hellojohn::{ErrorCode, ManualClock, Status, Timestamp};
use hellojohn_tests::dice::Dice;
use hellojohn_tests::disk::{CrashKind, Disk, DiskModel, Event, FolderImage};
use hellojohn_tests::fixture::{START, code, every_session, refresh, tenant};
use rusqlite::Connection;

use crate::recording::{DATABASE, Mark, Recording, open};

/// Everything that the tables hold, as one number.
pub fn dump(connection: &Connection) -> rusqlite::Result<u64> {
    let mut hasher = DefaultHasher::new();
    hellojohn_tests::dump::dump(connection, &[])?.hash(&mut hasher);
    Ok(hasher.finish())
}

/// SQLite's own opinion of the file.
fn require_sound(connection: &Connection) -> rusqlite::Result<()> {
    let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    assert_eq!(found, "ok");
    let violations = "SELECT count(*) FROM pragma_foreign_key_check";
    assert_eq!(connection.query_row(violations, [], |row| row.get::<_, i64>(0))?, 0);
    Ok(())
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    pub images: usize,
    pub states: usize,
    /// States whose sessions and tokens were tried, too.
    pub tried: usize,
}

struct Judge<'a> {
    folder: tempfile::TempDir,
    _disk: Disk,
    marks: &'a [Mark],
    /// The states that were committed, oldest first.
    states: Vec<u64>,
    places: HashMap<u64, Vec<usize>>,
    /// The least state that a power loss may leave.
    least: usize,
    /// Of the mark before.
    last_dump: Option<u64>,
    tried: Option<HashSet<u64>>,
    report: Report,
}

/// Cuts the power between the events of the recording, and judges `images` images of what the disk may hold then. The seed chooses
/// them. `tries` says whether the sessions of each state are tried.
pub fn judge(recording: &Recording, seed: u64, images: usize, tries: bool) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::watch(folder.path());
    disk.skip_syncs();
    let mut judge = Judge {
        folder,
        _disk: disk,
        marks: &recording.marks,
        states: Vec::new(),
        places: HashMap::new(),
        least: 0,
        last_dump: None,
        tried: tries.then(HashSet::new),
        report: Report::default(),
    };
    let mut disk = DiskModel::default();
    let mut dice = Dice::new(seed);
    let mut completes_commit = false;
    judge.note_state(&disk);
    for (at, event) in recording.events.iter().enumerate() {
        disk.apply(event);
        match event {
            Event::Mark(mark) => judge.pass(&disk, &recording.marks[*mark]),
            _ if completes_commit => judge.note_state(&disk),
            _ => {}
        }
        completes_commit = is_commit_header(event);
        let all = recording.events.len();
        for _ in (at * images / all)..((at + 1) * images / all) {
            judge.image(&disk, &mut dice, &format!("event {at} of {all}, {}", event.summary()));
        }
    }
    judge.report.states = judge.states.len();
    judge.report.tried = judge.tried.map_or(0, |tried| tried.len());
    judge.report
}

/// Whether the log gets the header of a page that ends a transaction (sqlite.org/walformat.html): the next write completes it.
fn is_commit_header(event: &Event) -> bool {
    let Event::Write(name, at, bytes) = event else { return false };
    name.ends_with("-wal") && *at > 0 && bytes.len() == 24 && bytes[4..8] != [0; 4]
}

impl Judge<'_> {
    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join(DATABASE)
    }

    /// What the engine makes of an image.
    fn evaluate(&self, image: &FolderImage) -> u64 {
        image.write(self.folder.path());
        let clock = ManualClock::new(Timestamp::from_millis(START));
        let engine = open(&self.path(), &clock, 0).expect("an engine on what the disk holds");
        let connection = Connection::open(self.path()).expect("a connection");
        let found = dump(&connection).expect("tables that can be read");
        require_sound(&connection).expect("a sound file");
        drop(connection);
        engine.close().expect("an end");
        found
    }

    /// The state that every process sees now.
    fn note_state(&mut self, disk: &DiskModel) {
        let state = self.evaluate(&disk.crash(CrashKind::Killed, &mut Dice::new(0)));
        if self.states.last() != Some(&state) {
            self.places.entry(state).or_default().push(self.states.len());
            self.states.push(state);
        }
    }

    /// The call before this mark was answered.
    fn pass(&mut self, disk: &DiskModel, mark: &Mark) {
        self.note_state(disk);
        let place = self.places.get(&mark.dump).and_then(|places| places.last());
        let place = *place.unwrap_or_else(|| {
            panic!("after {:?} the files hold another state than its callers saw", mark.what)
        });
        // A call that changed nothing waits for nothing: a sweep before it may still be on its way to the disk.
        if mark.is_durable && self.last_dump != Some(mark.dump) {
            self.least = self.least.max(place);
        }
        self.last_dump = Some(mark.dump);
    }

    fn image(&mut self, disk: &DiskModel, dice: &mut Dice, when: &str) {
        let kind = *dice.pick(&CrashKind::ALL);
        let image = disk.crash(kind, dice);
        let state = self.evaluate(&image);
        self.report.images += 1;
        let least = if kind == CrashKind::Killed { self.states.len() - 1 } else { self.least };
        let allowed = least..self.states.len();
        let found = self.places.get(&state);
        let is_allowed = found.is_some_and(|places| places.iter().any(|place| allowed.contains(place)))
            // A commit that the killed process had written, but not been told of.
            || kind == CrashKind::Killed && found.is_some();
        assert!(is_allowed, "{when}: {kind:?} leaves state {found:?}, and {allowed:?} are allowed");
        let marks = self.marks;
        if let Some(mark) = marks.iter().find(|mark| mark.dump == state)
            && self.tried.as_mut().is_some_and(|tried| tried.insert(state))
        {
            self.try_sessions(&image, mark);
        }
    }

    /// Each session is what it was, ended ones are refused, and a refresh token is taken once.
    fn try_sessions(&self, image: &FolderImage, mark: &Mark) {
        image.write(self.folder.path());
        let clock = ManualClock::new(Timestamp::from_millis(mark.now));
        let engine = open(&self.path(), &clock, 1).expect("an engine");
        let tenant = tenant(&engine, "tnt");
        assert_eq!(every_session(&tenant), mark.sessions, "after {:?}", mark.what);
        for (id, tokens) in &mark.tokens {
            let Some(session) = mark.sessions.get(id) else {
                assert_eq!(code(tenant.verify_session(*id)), Some(ErrorCode::SessionNotFound));
                continue;
            };
            let newest = tokens.last().unwrap();
            if session.status == Status::Active {
                tenant.verify_session(*id).unwrap();
                let successor = refresh(&tenant, newest).unwrap();
                let third = refresh(&tenant, successor.refresh_token.expose()).unwrap();
                assert_eq!(code(refresh(&tenant, newest)), Some(ErrorCode::RefreshTokenReused));
                assert_eq!(
                    code(refresh(&tenant, third.refresh_token.expose())),
                    Some(ErrorCode::SessionRevoked)
                );
            } else {
                assert!(tenant.verify_session(*id).is_err(), "{id} lives again");
                assert!(refresh(&tenant, newest).is_err(), "{id} lives again");
            }
        }
    }
}
