//! Ed25519 as the engine has it (`core/src/token/signature.rs`, compiled into this program) beside other libraries.
//!
//! `cargo run --release` measures them in turns, `cargo run --release -- verdicts ROUNDS SEED` compares their signatures and
//! verdicts: on the vectors of `tests/vectors`, and on random and changed input. Results are in `docs/PERFORMANCE.md`.

mod libraries;
#[path = "../../../../core/src/token/signature.rs"]
mod signature;
mod time;
mod verdicts;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, otherwise: u64| match arguments.get(at) {
        Some(text) => text.parse().expect("a whole number"),
        None => otherwise,
    };
    match arguments.first().map(String::as_str) {
        Some("verdicts") => verdicts::compare(number(1, 100_000), number(2, 1)),
        _ => time::measure(number(0, 31)),
    }
}
