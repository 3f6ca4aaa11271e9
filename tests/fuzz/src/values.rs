#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hellojohn_tests::fuzz_targets::run("values", data));
