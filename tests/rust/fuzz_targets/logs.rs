//! What is read line by line: sessions of another system, and exported events.

use hellojohn::{ConfigPatch, ImportRequest, Jwks, PurgeBefore, Timestamp, verify_event_log};

use super::edit::edited;
use super::world::{World, sign_in};

/// A dry run and an import find the same, and their numbers add up.
pub(super) fn import(data: &[u8]) {
    thread_local! {
        static WORLD: World = World::new();
    }
    WORLD.with(|world| {
        let request = |text: &str| {
            let object = serde_json::from_str(text).expect("an object");
            ImportRequest::from_json(object).expect("a request")
        };
        let dry = world.tenant.import(data, &request(r#"{"dry_run":true}"#), |_| {}).expect("a report");
        let before = world.records();
        let report = world.tenant.import(data, &request("{}"), |_| {}).expect("a report");
        assert_eq!(report, dry);
        let parts =
            [report.imported, report.already_imported, report.expired, report.over_limits, report.bad_rows];
        assert_eq!(parts.iter().sum::<u64>(), report.rows);
        assert_eq!(world.records(), before + report.imported);
        if report.imported > 0 {
            let again = world.tenant.import(data, &request("{}"), |_| {}).expect("a report");
            assert_eq!((again.imported, again.rows), (0, report.rows));
            world.tenant.revoke_tenant().expect("an end");
            world.tenant.purge(PurgeBefore::Time(Timestamp::from_millis(i64::MAX))).expect("a purge");
        }
    });
}

/// The log of a tenant that has done a few things, exported.
struct Exported {
    log: Vec<u8>,
    keys: Jwks,
}

impl Exported {
    fn new() -> Self {
        let world = World::new();
        let patch: ConfigPatch = r#"{"event_retention":"90d"}"#.parse().expect("a patch");
        world.tenant.update_config(&patch).expect("settings");
        for _ in 0..3 {
            let grant = sign_in(&world.tenant);
            world.tenant.revoke(grant.session.id).expect("an end");
        }
        let mut log = Vec::new();
        world.tenant.export_events(0, &mut log).expect("a log");
        Exported { log, keys: world.tenant.jwks().expect("the keys") }
    }
}

/// A log that was edited: never a panic, and a log that is called sound has the events of the genuine one.
pub(super) fn event_log(data: &[u8]) {
    thread_local! {
        static EXPORTED: Exported = Exported::new();
    }
    EXPORTED.with(|Exported { log, keys }| {
        let text = match data.split_first() {
            Some((0, edits)) => edited(log, edits),
            _ => data.to_vec(),
        };
        let report = verify_event_log(text.as_slice(), keys).expect("a log in memory can be read");
        assert_eq!(report.ok, report.problem.is_none());
        if report.ok {
            let lines = |bytes: &[u8]| -> Vec<serde_json::Value> {
                let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                let values =
                    lines.map(|line| serde_json::from_slice::<serde_json::Value>(line).expect("JSON"));
                // A seal may be that of a key which has gone: the end vouches for what is before it.
                values.filter(|line| line.get("seal").is_none()).collect()
            };
            assert_eq!(lines(&text), lines(log), "a changed log is called sound");
        }
    });
}
