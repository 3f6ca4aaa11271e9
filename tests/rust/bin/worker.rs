//! A process of its own for tests that kill, starve or fork one.

fn main() {}
