//! An observer that prints what the engine does: `cargo run --example observer`.
#![allow(clippy::print_stdout)]

use hellojohn::{CreateSession, Engine, Observer, OperationReport};

struct Printer;

impl Observer for Printer {
    fn observe(&self, report: &OperationReport<'_>) {
        println!("{} {} in {:?}", report.operation, report.outcome(), report.duration);
    }
}

fn main() -> Result<(), hellojohn::Error> {
    let engine = Engine::builder().observer(Printer).open(":memory:")?;
    let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    tenant.create(CreateSession::new("usr_1".parse()?))?; // prints: create ok in …
    Ok(())
}
