//! What a preview of ending many sessions has found, for the call that then ends them.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::model::id::SessionId;
use crate::object_reader::read_as_text;
use crate::text::serialize_as_printed;

pub(crate) const PLAN_TAG_BYTES: usize = 16;

/// Names a filter, an instant and how many sessions matched then: what
/// [`preview_revoke_where`](crate::Tenant::preview_revoke_where) has shown. Opaque; it works only for the filter and the
/// tenant that it was given out for.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
/// use hellojohn::{RevokePlan, RevokeWhere, SessionFilter};
///
/// let filter = SessionFilter::of_user("usr_1".parse()?);
/// let shown = tenant.preview_revoke_where(&filter)?.plan.to_string(); // travels through a form, say
/// let plan: RevokePlan = shown.parse()?;
/// assert_eq!(tenant.revoke_where(RevokeWhere::new(filter).plan(Some(plan)))?, 1);
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokePlan {
    pub(crate) found: PlannedRevoke,
    pub(crate) tag: [u8; PLAN_TAG_BYTES],
}

/// What a plan says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlannedRevoke {
    pub at: Timestamp,
    /// The epoch of the clock mark then: within it the ids of later sessions are higher.
    pub epoch: i64,
    /// The newest session that was there.
    pub newest: SessionId,
    pub count: u64,
}

impl PlannedRevoke {
    const BYTES: usize = 40;

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.at.as_millis().to_be_bytes());
        bytes[8..16].copy_from_slice(&self.epoch.to_be_bytes());
        bytes[16..32].copy_from_slice(&self.newest.to_bytes());
        bytes[32..].copy_from_slice(&self.count.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let (at, rest) = bytes.split_first_chunk()?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let (newest, rest) = rest.split_first_chunk()?;
        Some(PlannedRevoke {
            at: Timestamp::from_millis(i64::from_be_bytes(*at)),
            epoch: i64::from_be_bytes(*epoch),
            newest: SessionId::from_bytes(*newest),
            count: u64::from_be_bytes(rest.try_into().ok()?),
        })
    }
}

impl RevokePlan {
    pub(crate) fn refused() -> Error {
        Error::validation("plan", "was not given out for this filter")
    }
}

impl FromStr for RevokePlan {
    type Err = Error;

    /// # Errors
    /// `validation_error` for a text that is no plan.
    fn from_str(text: &str) -> Result<Self, Error> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| RevokePlan::refused())?;
        let (found, tag) = bytes.split_first_chunk().ok_or_else(RevokePlan::refused)?;
        let found = PlannedRevoke::from_bytes(found).ok_or_else(RevokePlan::refused)?;
        Ok(RevokePlan { found, tag: tag.try_into().map_err(|_| RevokePlan::refused())? })
    }
}

impl fmt::Display for RevokePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode([&self.found.to_bytes()[..], &self.tag].concat()))
    }
}

read_as_text!(RevokePlan);
serialize_as_printed!(RevokePlan);
