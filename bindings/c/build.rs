//! Names the shared library, which rustc leaves nameless: a host then finds a library of the binary interface that it was
//! linked against. The name has the number of `HJ_ABI_VERSION`. Keeps the library in memory once it is loaded.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/version.rs");
    #[expect(clippy::disallowed_methods, reason = "how cargo tells a build script")]
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let version = std::fs::read_to_string("src/version.rs").expect("the crate has its sources");
    let abi = version
        .split("HJ_ABI_VERSION: u32 = ")
        .nth(1)
        .and_then(|rest| rest.split(';').next())
        .expect("src/version.rs declares HJ_ABI_VERSION");
    match os.as_str() {
        "linux" | "freebsd" | "android" => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libhellojohn.so.{abi}");
            // dlclose() must not unmap code that a thread of the library may be in.
            println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
        }
        "macos" => println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libhellojohn.{abi}.dylib"),
        _ => {}
    }
}
