//! What the fuzzer calls with arbitrary bytes: each parser of the library, reached as a caller of the library reaches it, and sequences
//! of calls. A target panics where an answer breaks a promise. `make fuzz` runs them under libFuzzer (`tests/fuzz`), `--test fuzz` over
//! the kept inputs and mutations of them.

mod edit;
mod logs;
mod requests;
mod texts;
mod tokens;
mod world;

use std::cell::RefCell;

use crate::histories::{History, Place};

/// One target.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also the name of its folder in `tests/fuzz/corpus`.
pub const TARGETS: &[(&str, Target)] = &[
    ("access_token", tokens::access_token),
    ("calls", calls),
    ("config_patch", texts::config_patch),
    ("cookies", requests::cookies),
    ("cursor", tokens::cursor),
    ("duration", texts::duration),
    ("event_log", logs::event_log),
    ("filter", texts::filter),
    ("import", logs::import),
    ("postgres_url", texts::postgres_url),
    ("refresh_token", tokens::refresh_token),
    ("rest_request", requests::rest_request),
    ("sign_in", texts::sign_in),
    ("values", texts::values),
];

/// Calls the target of this name.
///
/// # Panics
/// If there is none, or an answer breaks a promise.
pub fn run(name: &str, data: &[u8]) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).expect("a target of this name");
    target(data);
}

/// A sequence of calls, chosen by the bytes, whose every answer must be that of the model.
fn calls(data: &[u8]) {
    thread_local! {
        static HISTORY: RefCell<Option<History>> = const { RefCell::new(None) };
    }
    HISTORY.with_borrow_mut(|kept| {
        // A history that panics is not put back: the next one begins with a new engine.
        let mut history = kept.take().unwrap_or_else(|| History::new(0, Place::Memory, None, false));
        history.run_bytes(data);
        *kept = Some(history);
    });
}
