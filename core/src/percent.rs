//! Percent-encoding (RFC 3986, section 2.1), read strictly.

/// Decodes a text; `None` when an escape is cut short or is not hexadecimal, or when the bytes are not
/// UTF-8 (overlong forms included). What `+` means is left to the caller.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => 16 * parse_hex_digit(bytes.next()?)? + parse_hex_digit(bytes.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(decoded).ok()
}

fn parse_hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_escapes_of_utf_8_are_decoded() {
        for (text, decoded) in [
            ("ses_1", Some("ses_1")),
            ("ses%5f1", Some("ses_1")),
            ("%2F%2e%2E", Some("/..")),
            ("%C3%A9", Some("é")),
            ("%00", Some("\0")),
            ("%252F", Some("%2F")),
            ("", Some("")),
            ("%", None),
            ("%2", None),
            ("%zz", None),
            ("%+1", None),
            ("%é0", None),
            ("%C0%AF", None),
            ("%ED%A0%80", None),
            ("%FF", None),
        ] {
            assert_eq!(decode(text).as_deref(), decoded, "{text}");
        }
    }
}
