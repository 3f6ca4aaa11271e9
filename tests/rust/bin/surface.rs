//! The Rust surface: speaks the protocol of `tests/README.md` over the public interface of the crate.

use hellojohn_tests::protocol::{Host, serve};

fn main() {
    serve(Host::call);
}
