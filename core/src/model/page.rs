//! Pages of a list: limit, cursor, page.

use std::fmt;
use std::num::NonZeroU8;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::error::Error;
use crate::json;
use crate::model::id::SessionId;
use crate::object_reader::{FromMember, read_as_text};
use crate::text::serialize_as_printed;

/// How many rows a page holds: 1 to 100, default 20. More than 100 is clamped.
///
/// ```
/// use hellojohn::Limit;
///
/// assert_eq!(Limit::new(1_000)?.get(), 100); // no page is longer
/// assert!(Limit::new(0).is_err());
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(NonZeroU8);

impl Limit {
    /// A limit of `rows`, clamped to 100.
    ///
    /// # Errors
    /// `validation_error` for less than 1.
    pub fn new(rows: i64) -> Result<Self, Error> {
        u8::try_from(rows.clamp(0, 100))
            .ok()
            .and_then(NonZeroU8::new)
            .map(Limit)
            .ok_or_else(|| Error::validation("limit", "must be a whole number of at least 1"))
    }

    /// The number of rows, 1 to 100.
    pub fn get(self) -> usize {
        usize::from(self.0.get())
    }
}

impl FromMember for Limit {
    fn from_member(name: &str, value: Value) -> Result<Self, Error> {
        match (json::whole_number(&value), value.as_i64()) {
            (Some(rows), _) => Limit::new(i64::try_from(rows).unwrap_or(i64::MAX)),
            (None, Some(negative)) => Limit::new(negative),
            (None, None) => Err(Error::validation(name, "must be a whole number of at least 1")),
        }
    }
}

impl Default for Limit {
    fn default() -> Self {
        Limit(NonZeroU8::new(20).unwrap_or(NonZeroU8::MIN))
    }
}

pub(crate) const CURSOR_TAG_BYTES: usize = 16;

/// Where the next page of one list starts. Opaque; it works only for the list (tenant, user, status) that gave it out.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # for _ in 0..2 { tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?; }
/// use hellojohn::{Cursor, Limit, ListQuery};
///
/// let query = ListQuery::default().limit(Limit::new(1)?);
/// let cursor = tenant.list(&query)?.next_cursor.expect("a second page");
/// let shown = cursor.to_string(); // travels in a link, say
/// let next = tenant.list(&query.cursor(Some(shown.parse::<Cursor>()?)))?;
/// assert!(next.next_cursor.is_none());
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) after: SessionId,
    pub(crate) tag: [u8; CURSOR_TAG_BYTES],
}

impl FromStr for Cursor {
    type Err = Error;

    /// # Errors
    /// `validation_error` for a text that is no cursor.
    fn from_str(text: &str) -> Result<Self, Error> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Cursor::refused())?;
        let (after, tag) = bytes.split_first_chunk::<16>().ok_or_else(Cursor::refused)?;
        let tag = tag.try_into().map_err(|_| Cursor::refused())?;
        Ok(Cursor { after: SessionId::from_bytes(*after), tag })
    }
}

impl Cursor {
    pub(crate) fn refused() -> Error {
        Error::validation("cursor", "was not given out for this list")
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode([&self.after.to_bytes()[..], &self.tag].concat()))
    }
}

read_as_text!(Cursor);
serialize_as_printed!(Cursor);

/// One page of a list.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
/// let page = tenant.list(&hellojohn::ListQuery::default())?;
/// assert_eq!((page.data[0].id, page.next_cursor), (grant.session.id, None));
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The rows, newest first.
    pub data: Vec<T>,
    /// Where the next page starts; nothing on the last page, and only there: a page may be short or empty before it.
    pub next_cursor: Option<Cursor>,
}

/// As the REST API writes it: `data`, and `pagination` with `has_more` and `next_cursor`.
impl<T: Serialize> Serialize for Page<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Pagination<'a> {
            has_more: bool,
            next_cursor: Option<&'a Cursor>,
        }
        let next_cursor = self.next_cursor.as_ref();
        let mut page = serializer.serialize_map(Some(2))?;
        page.serialize_entry("data", &self.data)?;
        page.serialize_entry("pagination", &Pagination { has_more: next_cursor.is_some(), next_cursor })?;
        page.end()
    }
}
