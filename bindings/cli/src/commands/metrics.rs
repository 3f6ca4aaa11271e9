//! What `serve` counts, in the text form of Prometheus. Label sets are bounded: names of operations, codes of errors, statuses.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hellojohn::{Observer, OperationReport};

use super::limited_listener::ConnectionTurns;

/// The `Content-Type` of the text form.
pub(crate) const TEXT_FORM: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds of the duration's buckets, each with the label of its count: from a cached answer to a call that waits for a lock.
const BUCKETS: [(Duration, &str); 12] = [
    (Duration::from_micros(10), "0.00001"),
    (Duration::from_micros(100), "0.0001"),
    (Duration::from_micros(500), "0.0005"),
    (Duration::from_millis(1), "0.001"),
    (Duration::from_micros(2_500), "0.0025"),
    (Duration::from_millis(5), "0.005"),
    (Duration::from_millis(10), "0.01"),
    (Duration::from_millis(50), "0.05"),
    (Duration::from_millis(100), "0.1"),
    (Duration::from_millis(500), "0.5"),
    (Duration::from_secs(1), "1"),
    (Duration::from_secs(5), "5"),
];

/// What is counted of one operation.
#[derive(Default)]
struct OperationCounts {
    by_outcome: BTreeMap<&'static str, u64>,
    /// How many calls took no longer than each bound, and longer than the one before.
    buckets: [u64; BUCKETS.len()],
    duration: Duration,
    rows: u64,
    cached: u64,
}

#[derive(Default)]
struct Counts {
    operations: BTreeMap<&'static str, OperationCounts>,
    responses: BTreeMap<u16, u64>,
}

/// The counts since the server started.
#[derive(Default)]
pub(crate) struct Metrics(Mutex<Counts>);

impl Observer for Metrics {
    fn observe(&self, report: &OperationReport<'_>) {
        let mut counts = self.counts();
        let operation = counts.operations.entry(report.operation.as_str()).or_default();
        *operation.by_outcome.entry(report.outcome()).or_default() += 1;
        if let Some(at) = BUCKETS.iter().position(|(bound, _)| report.duration <= *bound) {
            operation.buckets[at] += 1;
        }
        operation.duration = operation.duration.saturating_add(report.duration);
        operation.rows = operation.rows.saturating_add(report.rows);
        operation.cached += u64::from(report.is_from_cache);
    }
}

impl Metrics {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an answer to a request.
    pub(crate) fn count_response(&self, status: u16) {
        *self.counts().responses.entry(status).or_default() += 1;
    }

    /// All counts, and how many connections are open.
    pub(crate) fn to_text(&self, tenant: &str, turns: &ConnectionTurns) -> String {
        let counts = self.counts();
        let mut text = String::new();
        let tenant = escape(tenant);
        let version = env!("CARGO_PKG_VERSION");
        family(&mut text, "hellojohn_server_info", "gauge", "The tenant and the version of this server.");
        line(&mut text, format_args!("hellojohn_server_info{{tenant=\"{tenant}\",version=\"{version}\"}} 1"));
        family(&mut text, "hellojohn_http_connections", "gauge", "Connections that are open.");
        line(&mut text, format_args!("hellojohn_http_connections {}", turns.taken()));
        family(
            &mut text,
            "hellojohn_http_connections_max",
            "gauge",
            "How many may be open; further ones wait.",
        );
        line(&mut text, format_args!("hellojohn_http_connections_max {}", turns.max()));
        family(&mut text, "hellojohn_http_responses_total", "counter", "Answers to requests, by status.");
        for (status, count) in &counts.responses {
            line(&mut text, format_args!("hellojohn_http_responses_total{{status=\"{status}\"}} {count}"));
        }
        let name = "hellojohn_operations_total";
        family(&mut text, name, "counter", "Operations of the engine, by outcome: ok or the error's code.");
        for (operation, counted) in &counts.operations {
            for (outcome, count) in &counted.by_outcome {
                let labels = format_args!("operation=\"{operation}\",outcome=\"{outcome}\"");
                line(&mut text, format_args!("{name}{{{labels}}} {count}"));
            }
        }
        let name = "hellojohn_operation_rows_total";
        family(
            &mut text,
            name,
            "counter",
            "Sessions, keys and events that operations answer with or change.",
        );
        for (operation, OperationCounts { rows, .. }) in &counts.operations {
            line(&mut text, format_args!("{name}{{operation=\"{operation}\"}} {rows}"));
        }
        let name = "hellojohn_operation_cached_total";
        family(&mut text, name, "counter", "Operations that the engine's token cache has answered.");
        for (operation, OperationCounts { cached, .. }) in &counts.operations {
            line(&mut text, format_args!("{name}{{operation=\"{operation}\"}} {cached}"));
        }
        write_durations(&mut text, &counts);
        text
    }
}

fn write_durations(text: &mut String, counts: &Counts) {
    let name = "hellojohn_operation_duration_seconds";
    family(text, name, "histogram", "How long operations of the engine took.");
    for (operation, counted) in &counts.operations {
        let mut below = 0;
        for ((_, bound), count) in BUCKETS.iter().zip(&counted.buckets) {
            below += count;
            line(text, format_args!("{name}_bucket{{operation=\"{operation}\",le=\"{bound}\"}} {below}"));
        }
        let all: u64 = counted.by_outcome.values().sum();
        line(text, format_args!("{name}_bucket{{operation=\"{operation}\",le=\"+Inf\"}} {all}"));
        let seconds = counted.duration.as_secs_f64();
        line(text, format_args!("{name}_sum{{operation=\"{operation}\"}} {seconds}"));
        line(text, format_args!("{name}_count{{operation=\"{operation}\"}} {all}"));
    }
}

fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    line(text, format_args!("# HELP {name} {help}"));
    line(text, format_args!("# TYPE {name} {kind}"));
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{line}"); // writing to a text cannot fail
}

/// The value of a label, in its quotes.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hellojohn::{CreateSession, Engine, ManualClock, Timestamp};

    use super::*;

    #[test]
    fn calls_are_counted_by_outcome_and_by_how_long_they_took() {
        let metrics = Arc::new(Metrics::default());
        let clock = ManualClock::new(Timestamp::from_millis(1_767_225_600_000));
        let engine = Engine::builder();
        let engine = engine.clock(clock.clone()).observer(Arc::clone(&metrics)).open(":memory:").unwrap();
        let key = "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse().unwrap();
        let tenant = engine.tenant(&"tnt_acme".parse().unwrap(), &key).unwrap();
        for millis in [0, 1, 3, 700, 6_000] {
            let begun = tenant.begin_create(CreateSession::new("usr_1".parse().unwrap()));
            clock.advance_millis(millis);
            begun.wait().unwrap();
        }
        assert!(tenant.refresh("no token", hellojohn::RefreshRequest::default()).is_err());
        metrics.count_response(200);
        metrics.count_response(200);
        let text = metrics.to_text("a\"b\\c\nd", &ConnectionTurns::new(1_000));
        for expected in [
            "hellojohn_server_info{tenant=\"a\\\"b\\\\c\\nd\",version=",
            "hellojohn_http_connections 0\n",
            "hellojohn_http_connections_max 1000\n",
            "hellojohn_http_responses_total{status=\"200\"} 2\n",
            "hellojohn_operations_total{operation=\"create\",outcome=\"ok\"} 5\n",
            "hellojohn_operations_total{operation=\"refresh\",outcome=\"refresh_token_invalid\"} 1\n",
            "hellojohn_operation_rows_total{operation=\"create\"} 5\n",
            "hellojohn_operation_duration_seconds_bucket{operation=\"create\",le=\"0.00001\"} 1\n",
            "hellojohn_operation_duration_seconds_bucket{operation=\"create\",le=\"0.001\"} 2\n",
            "hellojohn_operation_duration_seconds_bucket{operation=\"create\",le=\"0.0025\"} 2\n",
            "hellojohn_operation_duration_seconds_bucket{operation=\"create\",le=\"0.005\"} 3\n",
            "hellojohn_operation_duration_seconds_bucket{operation=\"create\",le=\"1\"} 4\n",
            "hellojohn_operation_duration_seconds_bucket{operation=\"create\",le=\"5\"} 4\n",
            "hellojohn_operation_duration_seconds_bucket{operation=\"create\",le=\"+Inf\"} 5\n",
            "hellojohn_operation_duration_seconds_sum{operation=\"create\"} 6.704\n",
            "hellojohn_operation_duration_seconds_count{operation=\"create\"} 5\n",
        ] {
            assert!(text.contains(expected), "{expected} in\n{text}");
        }
    }
}
