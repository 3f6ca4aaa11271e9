//! Imports that do not come to their end are told all the same.

use std::io::{self, BufRead, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use hellojohn::{ErrorCode, Event, EventQuery, EventType, ImportRequest, SessionFilter, Tenant};
use hellojohn_tests::fixture::{Process, START, code, configure};
use serde_json::Value;

fn told(tenant: &Tenant, event_type: EventType) -> Vec<Event> {
    tenant.events(&EventQuery::default().types(vec![event_type])).unwrap().data
}

/// Rows, until the disk breaks.
struct Breaking {
    rows: Vec<u8>,
    at: usize,
}

impl Read for Breaking {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Breaking {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.rows.get(self.at..).filter(|left| !left.is_empty()) {
            Some(left) => Ok(left),
            None => Err(io::Error::other("the disk is gone")),
        }
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

fn rows(count: usize) -> Vec<u8> {
    let row = |at| format!("{{\"user_id\":\"u\",\"credential\":\"credential of {at}\"}}\n");
    (0..count).map(row).collect::<String>().into_bytes()
}

#[test]
fn an_import_that_breaks_off_is_told_with_what_it_has_added() {
    let process = Process::in_memory(START);
    let tenant = process.tenant("tnt");
    configure(&tenant, r#"{"event_retention":"30d"}"#);
    let source = Breaking { rows: rows(600), at: 0 };
    let failed = tenant.import(source, &ImportRequest::default(), |_| {});
    assert_eq!(code(failed), Some(ErrorCode::StorageIo));
    let events = told(&tenant, EventType::TenantImported);
    let data: Vec<&Value> = events.iter().map(|event| &event.data["state"]).collect();
    assert_eq!(data, ["begun", "cut_off"]);
    let added = tenant.count(&SessionFilter::default()).unwrap();
    assert!(added >= 512 && events[1].data["imported"].as_u64() == Some(added), "{added}: {events:?}");
}

#[test]
fn an_import_whose_process_dies_has_told_that_it_began() {
    let process = Process::in_memory(START);
    let tenant = process.tenant("tnt");
    configure(&tenant, r#"{"event_retention":"30d"}"#);
    let rows = rows(600);
    let import = || tenant.import(&rows[..], &ImportRequest::default(), |_| panic!("the process dies here"));
    assert!(catch_unwind(AssertUnwindSafe(import)).is_err());
    let events = told(&tenant, EventType::TenantImported);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].data["state"], "begun");
    // It is told in the transaction of the first session, before that.
    let first = &told(&tenant, EventType::SessionCreated)[0];
    assert_eq!(events[0].seq + 1, first.seq);
}
