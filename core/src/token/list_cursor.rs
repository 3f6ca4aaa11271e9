//! Cursors of lists: the last session of a page and a tag, an HMAC under the tenant's refresh key that binds the cursor to
//! its list. A client cannot make one, nor use it with another list.

use hmac::Mac;
use subtle::ConstantTimeEq;

use super::refresh_token::RefreshKey;
use crate::model::id::SessionId;
use crate::model::page::{CURSOR_TAG_BYTES, Cursor};

/// Sets the tags of cursors apart from other uses of the refresh key.
const CURSOR_DOMAIN: &[u8] = b"hellojohn list cursor v1\0\0\0";

impl RefreshKey {
    /// Mints the cursor of the page after this session, for the list that `scope` describes.
    pub(crate) fn mint_cursor(&self, scope: &[u8], after: SessionId) -> Cursor {
        Cursor { after, tag: self.cursor_tag(scope, after) }
    }

    /// Whether this key made the cursor for the list that `scope` describes, in constant time.
    pub(crate) fn verify_cursor(&self, cursor: &Cursor, scope: &[u8]) -> bool {
        self.cursor_tag(scope, cursor.after).ct_eq(&cursor.tag).into()
    }

    fn cursor_tag(&self, scope: &[u8], after: SessionId) -> [u8; CURSOR_TAG_BYTES] {
        let mut mac = self.start_tag(CURSOR_DOMAIN);
        mac.update(&after.to_bytes());
        mac.update(scope);
        let whole: [u8; 32] = mac.finalize().into_bytes().into();
        let mut tag = [0; CURSOR_TAG_BYTES];
        tag.copy_from_slice(&whole[..CURSOR_TAG_BYTES]);
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    #[test]
    fn a_cursor_is_good_for_its_key_list_and_session_only() {
        let key = |byte| RefreshKey::new(&Zeroizing::new([byte; 32]));
        let session = SessionId::from_bytes([3; 16]);
        let cursor: Cursor = key(1).mint_cursor(b"list", session).to_string().parse().unwrap();
        assert_eq!(cursor.after, session);
        assert!(key(1).verify_cursor(&cursor, b"list"));
        assert!(!key(2).verify_cursor(&cursor, b"list"));
        assert!(!key(1).verify_cursor(&cursor, b"other list"));
        let moved = Cursor { after: SessionId::from_bytes([4; 16]), ..cursor };
        assert!(!key(1).verify_cursor(&moved, b"list"));
    }
}
