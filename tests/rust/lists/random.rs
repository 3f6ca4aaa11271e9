//! Random calls by two engines that remember lists, beside another program: each list against one that is read.

use hellojohn::{
    Engine, Grant, IdentityPatch, Page, PurgeBefore, RevokeWhere, Session, SessionFilter, SessionId,
    StatusFilter, Tenant, UserId,
};
use hellojohn_tests::dice::Dice;
use hellojohn_tests::fixture::{
    Database, HOUR, Process, SECOND, START, configure, refresh, rounds, sign_in, user,
};

use crate::together::list_together;
use crate::{Lists, object, query};

const USERS: [&str; 4] = ["usr_0", "usr_1", "usr_2", "usr_3"];
const STATUSES: [StatusFilter; 4] =
    [StatusFilter::Active, StatusFilter::All, StatusFilter::Expired, StatusFilter::Revoked];

/// A session that was signed in.
#[derive(Clone)]
struct Known {
    id: SessionId,
    user: UserId,
    refresh_token: String,
}

impl From<Grant> for Known {
    fn from(grant: Grant) -> Self {
        let refresh_token = grant.refresh_token.expose().to_owned();
        Known { id: grant.session.id, user: grant.session.user_id, refresh_token }
    }
}

/// Two engines that remember, one that does not, and another program.
struct World {
    database: Database,
    remembering: [Process; 2],
    reading: Process,
    program: rusqlite::Connection,
    known: Vec<Known>,
    now: i64,
}

impl World {
    fn change(&mut self, tenants: &[Tenant; 3], dice: &mut Dice) {
        let by = &tenants[dice.below(2)];
        let id = USERS[dice.below(4)];
        let session = self.known.get(dice.below(self.known.len().max(1))).cloned();
        match (dice.below(22), session) {
            (0..=5, _) | (_, None) => self.known.push(sign_in(by, id).into()),
            (6..=8, Some(session)) => {
                if let Ok(next) = refresh(by, &session.refresh_token) {
                    self.known.push(next.into());
                }
            }
            (9 | 10, Some(session)) => drop(by.revoke(session.id)),
            (11, Some(session)) => drop(by.revoke_user(&session.user, Some(session.id))),
            (12, _) => assert!(by.revoke_user(&user(id), None).is_ok()),
            (13, Some(session)) => {
                let role = format!(r#"{{"role":"role_{}"}}"#, dice.below(5));
                drop(by.update(session.id, IdentityPatch::from_json(object(&role)).unwrap()));
            }
            (14 | 15, _) => self.now += [SECOND, HOUR, 5 * HOUR, 30 * HOUR][dice.below(4)],
            (16, _) => assert!(by.sweep().is_ok()),
            (17, _) => assert!(by.purge(PurgeBefore::OlderThan("1h".parse().unwrap())).is_ok()),
            (18, _) => {
                let hours = 1 + dice.below(30);
                configure(by, &format!(r#"{{"idle_timeout":"{hours}h","max_sessions_per_user":4}}"#));
            }
            (19, _) => {
                let filter = SessionFilter::of_user(user(id)).mfa_verified(Some(false));
                assert!(by.revoke_where(RevokeWhere::new(filter)).is_ok());
            }
            // Another program, which does not tell of it.
            (20, Some(session)) => {
                let country = ["ES", "PT", "FR"][dice.below(3)];
                let change = "UPDATE sessions SET country = ?1 WHERE session_ulid = ?2";
                self.program.execute(change, rusqlite::params![country, ulid(session.id)]).unwrap();
            }
            (_, _) => drop(std::fs::remove_file(self.database.folder().join("sessions.db-hj2"))),
        }
        for process in self.remembering.iter().chain([&self.reading]) {
            process.set_clock(self.now);
        }
    }

    fn require_equal(&self, tenants: &[Tenant; 3], step: u64) {
        let [first, second, reading] = tenants;
        let (mut queries, mut pages) = (Vec::new(), Vec::new());
        for id in USERS {
            for status in STATUSES {
                for limit in [2, 20] {
                    let query = query(id, status, limit);
                    let expected: Page<Session> = reading.list(&query).unwrap();
                    for remembering in [first, second] {
                        let found = remembering.list(&query).unwrap();
                        assert_eq!(found, expected, "step {step}: {id} {status:?} {limit}");
                    }
                    queries.push(query);
                    pages.push(expected);
                }
            }
        }
        let together = list_together(second, &queries).unwrap();
        assert!(!together.is_empty());
        for ((found, expected), query) in together.into_iter().zip(pages).zip(queries) {
            let (page, validator) = found.unwrap();
            assert_eq!(page, expected, "step {step}: {query:?}");
            assert!(validator.is_none_or(|validator| second.is_fresh(&validator).unwrap()));
        }
    }
}

/// The bytes of an id, as the database keeps them.
fn ulid(id: SessionId) -> Vec<u8> {
    const DIGITS: &str = "0123456789abcdefghjkmnpqrstvwxyz";
    let text = id.to_string().to_lowercase();
    let number = text
        .strip_prefix("ses_")
        .unwrap()
        .chars()
        .fold(0_u128, |number, digit| number << 5 | DIGITS.find(digit).unwrap() as u128);
    number.to_be_bytes().to_vec()
}

/// `HJ_LISTS=n` sets how many calls are tried.
#[test]
fn remembered_lists_are_what_an_engine_answers_that_remembers_nothing() {
    let database = Database::new();
    let lists = Lists::default();
    let open = |builder| Process::open(database.path(), START, builder);
    let remembering = [
        open(Engine::builder().observer(lists.clone()).direct_ends_max(3)),
        open(Engine::builder().direct_ends_max(2)),
    ];
    let reading = open(Engine::builder().token_cache_capacity(0));
    let tenants = [remembering[0].tenant("tnt"), remembering[1].tenant("tnt"), reading.tenant("tnt")];
    let program = rusqlite::Connection::open(database.path()).unwrap();
    program.busy_timeout(std::time::Duration::from_secs(60)).unwrap();
    let mut world = World { database, remembering, reading, program, known: Vec::new(), now: START };
    let mut dice = Dice::new(0x9e37_79b9_7f4a_7c15);
    for step in 0..rounds("HJ_LISTS", 400) {
        world.change(&tenants, &mut dice);
        world.require_equal(&tenants, step);
    }
    let (remembered, all) = lists.counts();
    assert!(remembered * 4 > all, "{remembered} of {all} lists were remembered");
}
