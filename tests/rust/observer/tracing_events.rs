//! `TracingObserver`, told to a subscriber that records.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use hellojohn::{CreateSession, Engine, RefreshRequest, TracingObserver};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::{tenant_of, user};

/// Keeps each event with the span that it is in.
#[derive(Clone, Default)]
struct Recorder {
    events: Arc<Mutex<Vec<String>>>,
    is_deaf: bool,
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() != "duration_us" {
            self.0 += &format!(" {field}={value:?}");
        }
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !self.is_deaf && *metadata.level() <= Level::DEBUG
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        assert!(metadata.fields().field("duration_us").is_some());
        assert!(event.is_contextual(), "in the caller's span");
        let mut text = Text(format!("{} {}", metadata.level(), metadata.target()));
        event.record(&mut text);
        self.events.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_subscriber_of_tracing_gets_an_event_for_each_operation() {
    let engine = Engine::builder().observer(TracingObserver).open(":memory:").unwrap();
    let tenant = tenant_of(&engine);
    let deaf = Recorder { is_deaf: true, ..Default::default() };
    tracing::subscriber::with_default(deaf.clone(), || tenant.config().unwrap());
    assert!(deaf.events.lock().unwrap().is_empty());
    let recorder = Recorder::default();
    tracing::subscriber::with_default(recorder.clone(), || {
        tracing::info_span!("request").in_scope(|| {
            tenant.create(CreateSession::new(user("usr_1"))).unwrap();
            assert!(tenant.refresh("", RefreshRequest::default()).is_err());
            engine.close().unwrap();
            assert!(tenant.stats().is_err());
        });
    });
    let told = recorder.events.lock().unwrap().clone();
    let of_tenant = "hellojohn::operation operation=\"{}\" tenant_id=\"tnt_acme\" outcome=\"{}\"";
    let expect = |level: &str, operation: &str, outcome: &str, rows: u64| {
        let fields = of_tenant.replacen("{}", operation, 1).replacen("{}", outcome, 1);
        format!("{level} {fields} rows={rows} is_from_cache=false")
    };
    assert_eq!(
        told,
        [
            expect("DEBUG", "create", "ok", 1),
            expect("DEBUG", "refresh", "missing_token", 0),
            "DEBUG hellojohn::operation operation=\"close\" outcome=\"ok\" rows=0 is_from_cache=false"
                .to_owned(),
            expect("ERROR", "stats", "engine_closed", 0),
        ]
    );
}
