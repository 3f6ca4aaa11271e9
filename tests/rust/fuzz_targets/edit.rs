//! Inputs that are edits of a genuine text, so that the fuzzer need not guess a signature to come past the first check.

/// The bytes of `genuine` with the edits that `data` says: four bytes each, of which the first says what to do, the next two
/// where, and the last with which byte. What follows byte 255 in first place is put in as it is.
pub(super) fn edited(genuine: &[u8], data: &[u8]) -> Vec<u8> {
    let mut text = genuine.to_vec();
    let mut rest = data;
    while let [what, low, high, byte, after @ ..] = rest {
        let at = usize::from(u16::from_le_bytes([*low, *high])) % (text.len() + 1);
        match what {
            255 => {
                text.splice(at..at, after.iter().copied());
                break;
            }
            _ if at == text.len() => text.push(*byte),
            _ => match what % 5 {
                0 => text[at] = *byte,
                1 => text.insert(at, *byte),
                2 => drop(text.remove(at)),
                3 => text.truncate(at),
                _ => text[at] ^= 1 << (byte % 8),
            },
        }
        rest = after;
    }
    text
}

/// Either the input itself, or an edit of one of these texts.
pub(super) fn presented(genuine: &[&str], data: &[u8]) -> String {
    let bytes = match data.split_first() {
        Some((first, rest)) if usize::from(*first) < genuine.len() => {
            edited(genuine[usize::from(*first)].as_bytes(), rest)
        }
        _ => data.to_vec(),
    };
    String::from_utf8_lossy(&bytes).into_owned()
}
