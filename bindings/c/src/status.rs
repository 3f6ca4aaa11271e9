//! `hj_status`: the table of errors as numbers.

use std::ffi::c_char;
use std::ptr;

use hellojohn_core::ErrorCode;

#[path = "generated/status.rs"]
mod codes;

use self::codes::NAMES;
pub use self::codes::*;

/// The name of a status as in every language, such as "session_revoked"; "ok" for HJ_OK; NULL for a number that this
/// library does not know. Lives forever.
#[unsafe(no_mangle)]
pub extern "C" fn hj_status_name(status: hj_status) -> *const c_char {
    usize::try_from(status).ok().and_then(|index| NAMES.get(index)).map_or(ptr::null(), |name| name.as_ptr())
}

/// The HTTP status that fits, such as 401; 200 for HJ_OK; 500 for a number that this library does not know.
#[unsafe(no_mangle)]
pub extern "C" fn hj_status_http(status: hj_status) -> i32 {
    if status == HJ_OK {
        return 200;
    }
    ErrorCode::ALL
        .iter()
        .find(|code| code.number() == status)
        .map_or(500, |code| i32::from(code.http_status()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_core() {
        assert_eq!(NAMES.len(), ErrorCode::ALL.len() + 1);
        for code in ErrorCode::ALL {
            assert_eq!(NAMES[code.number() as usize].to_str(), Ok(code.as_str()));
            assert_eq!(hj_status_http(code.number()), i32::from(code.http_status()));
        }
    }

    #[test]
    fn unknown_numbers_have_no_name() {
        for number in [-1, i32::MIN, i32::MAX, NAMES.len() as i32] {
            assert!(hj_status_name(number).is_null());
            assert_eq!(hj_status_http(number), 500);
        }
        assert_eq!(hj_status_http(HJ_OK), 200);
    }
}
