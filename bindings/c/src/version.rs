//! The versions of the header and of the library that is loaded.

use std::ffi::c_char;

/// Major version of this header. While it is 0, a new minor version may change the interface.
pub const HJ_VERSION_MAJOR: u32 = 0;
/// Minor version of this header.
pub const HJ_VERSION_MINOR: u32 = 1;
/// Patch version of this header.
pub const HJ_VERSION_PATCH: u32 = 0;
/// Number of the binary interface that this header describes. A library with the same number runs a host that was
/// compiled with this header.
pub const HJ_ABI_VERSION: u32 = 1;

/// The version of the library that is loaded, such as "0.1.0". Lives forever.
#[unsafe(no_mangle)]
pub extern "C" fn hj_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// The binary interface of the library that is loaded; compare it with HJ_ABI_VERSION.
#[unsafe(no_mangle)]
pub extern "C" fn hj_abi_version() -> u32 {
    HJ_ABI_VERSION
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_has_the_version_of_the_package() {
        let header = format!("{HJ_VERSION_MAJOR}.{HJ_VERSION_MINOR}.{HJ_VERSION_PATCH}");
        assert_eq!(header, env!("CARGO_PKG_VERSION"));
    }
}
