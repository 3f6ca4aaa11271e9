//! How a verification against a database on a server may be answered without a round trip.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::error::Error;
use crate::object_reader::read_as_text;

/// How long a verification on a server's database may be answered from memory, and what an ending call does about it. Every
/// length is a whole number of milliseconds from 25 to 5000. `docs/POSTGRES.md` compares the three.
///
/// It reads and prints as `store`, `lease:250ms`, `stale:250ms`.
///
/// ```
/// use std::time::Duration;
/// use hellojohn::VerifyMode;
///
/// let mode: VerifyMode = "lease:250ms".parse()?;
/// assert_eq!(mode, VerifyMode::Lease(Duration::from_millis(250)));
/// assert_eq!(mode.to_string(), "lease:250ms");
/// assert!("lease:6s".parse::<VerifyMode>().is_err());
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VerifyMode {
    /// Every verification asks the database; those that ask at the same time share a round trip. The default.
    #[default]
    Store,
    /// A token that the database has confirmed is accepted for so long without asking again. A call that ends a session, or
    /// changes what is told of one, returns so much later, on every machine: no machine accepts the session after that.
    Lease(Duration),
    /// A token that the database has confirmed is accepted for so long without asking again, also after a call in another
    /// process has ended its session. No call waits.
    Stale(Duration),
}

impl VerifyMode {
    /// The shortest time for which an answer is remembered.
    ///
    /// ```
    /// use hellojohn::VerifyMode;
    ///
    /// assert!(VerifyMode::SHORTEST < VerifyMode::LONGEST);
    /// ```
    pub const SHORTEST: Duration = Duration::from_millis(25);

    /// The longest time for which an answer is remembered.
    ///
    /// ```
    /// use hellojohn::VerifyMode;
    ///
    /// let mode = VerifyMode::Lease(VerifyMode::LONGEST);
    /// ```
    pub const LONGEST: Duration = Duration::from_millis(5_000);

    /// For how long an answer may be remembered; nothing for [`Store`](Self::Store).
    pub(crate) fn length(self) -> Option<Duration> {
        match self {
            VerifyMode::Store => None,
            VerifyMode::Lease(length) | VerifyMode::Stale(length) => Some(length),
        }
    }

    /// # Errors
    /// `validation_error` for a length that is too short, too long or no whole number of milliseconds.
    pub(crate) fn validate(self) -> Result<Self, Error> {
        match self.length() {
            Some(length)
                if !(Self::SHORTEST..=Self::LONGEST).contains(&length)
                    || !length.subsec_nanos().is_multiple_of(1_000_000) =>
            {
                Err(invalid())
            }
            _ => Ok(self),
        }
    }
}

fn invalid() -> Error {
    Error::validation("verify", "must be store, lease:Nms or stale:Nms, N a whole number from 25 to 5000")
}

impl FromStr for VerifyMode {
    type Err = Error;

    /// # Errors
    /// `validation_error` for any other text than `store`, `lease:Nms` and `stale:Nms`, N a whole number from 25 to 5000.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "store" {
            return Ok(VerifyMode::Store);
        }
        let (word, length) = text.split_once(':').ok_or_else(invalid)?;
        let millis =
            length.strip_suffix("ms").filter(|count| count.bytes().all(|byte| byte.is_ascii_digit()));
        let millis = millis.and_then(|count| count.parse().ok()).ok_or_else(invalid)?;
        let length = Duration::from_millis(millis);
        match word {
            "lease" => VerifyMode::Lease(length).validate(),
            "stale" => VerifyMode::Stale(length).validate(),
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for VerifyMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VerifyMode::Store => f.write_str("store"),
            VerifyMode::Lease(length) => write!(f, "lease:{}ms", length.as_millis()),
            VerifyMode::Stale(length) => write!(f, "stale:{}ms", length.as_millis()),
        }
    }
}

read_as_text!(VerifyMode);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_reads_back_as_it_prints_and_no_other_text_is_one() {
        for text in ["store", "lease:25ms", "lease:5000ms", "stale:25ms", "stale:1234ms"] {
            assert_eq!(text.parse::<VerifyMode>().map(|mode| mode.to_string()), Ok(text.to_owned()));
        }
        for bad in [
            "",
            "Store",
            "lease",
            "lease:",
            "lease:ms",
            "lease:24ms",
            "lease:5001ms",
            "lease:+250ms",
            "lease:250",
            "lease:1s",
            "lease: 250ms",
            "store:250ms",
            "stale:0ms",
            "lease:99999999999999999999ms",
            "other:250ms",
        ] {
            assert_eq!(bad.parse::<VerifyMode>(), Err(invalid()), "{bad}");
        }
    }

    #[test]
    fn a_length_is_whole_milliseconds_within_bounds() {
        for good in [25, 5_000] {
            assert!(VerifyMode::Lease(Duration::from_millis(good)).validate().is_ok());
        }
        for bad in
            [Duration::from_micros(24_999), Duration::from_micros(25_500), Duration::from_millis(5_001)]
        {
            assert_eq!(VerifyMode::Stale(bad).validate(), Err(invalid()), "{bad:?}");
        }
    }
}
