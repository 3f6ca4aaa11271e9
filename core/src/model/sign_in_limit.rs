//! How many sign-ins may fail (SPEC 23): the limit's numbers.

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::error::Error;
use crate::object_reader::ObjectReader;

/// How many sign-ins may fail within a sliding window before further ones are refused with `too_many_requests`.
///
/// ```
/// use hellojohn::{Engine, SignInLimit};
///
/// let limit = SignInLimit::default().account(5).window("1h".parse()?);
/// let engine = Engine::builder().sign_in_limit(Some(limit)).open(":memory:")?;
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignInLimit {
    /// How many sign-ins to one account may fail, 1 to 1,000; default 10.
    pub account: u32,
    /// How many sign-ins from one address may fail, 1 to 1,000; default 100. An IPv6 address counts by its first 64 bits.
    pub address: u32,
    /// For how long a failure counts, 1 second to 1 day; default 15 minutes.
    pub window: Duration,
}

impl Default for SignInLimit {
    fn default() -> Self {
        SignInLimit { account: 10, address: 100, window: Duration::MINUTES_15 }
    }
}

/// The most failures that one key keeps the times of.
pub(crate) const FAILURES_MAX: u32 = 1_000;

impl SignInLimit {
    /// Sets [`account`](Self::account).
    ///
    /// ```
    /// use hellojohn::{Engine, SignInLimit};
    ///
    /// let limit = SignInLimit::default().account(10).address(100).window("15m".parse()?);
    /// let engine = Engine::builder().sign_in_limit(Some(limit)).open(":memory:")?;
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[must_use]
    pub fn account(self, account: u32) -> Self {
        SignInLimit { account, ..self }
    }

    /// Sets [`address`](Self::address).
    #[must_use]
    pub fn address(self, address: u32) -> Self {
        SignInLimit { address, ..self }
    }

    /// Sets [`window`](Self::window).
    #[must_use]
    pub fn window(self, window: Duration) -> Self {
        SignInLimit { window, ..self }
    }

    /// Reads the optional `account`, `address` and `window` (a duration).
    ///
    /// ```
    /// let json = serde_json::json!({"account": 10, "address": 100, "window": "15m"});
    /// let limit = hellojohn::SignInLimit::from_json(json.as_object().unwrap().clone())?;
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` naming the member.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        Self::read(ObjectReader::options(object))
    }

    /// Reads the members of the option `sign_in_limit`.
    pub(crate) fn read(mut members: ObjectReader) -> Result<Self, Error> {
        let default = SignInLimit::default();
        let mut count = |name, default| -> Result<u32, Error> {
            let count: Option<u64> = members.optional(name)?;
            Ok(count.map_or(default, |count| u32::try_from(count).unwrap_or(u32::MAX)))
        };
        let limit = SignInLimit {
            account: count("account", default.account)?,
            address: count("address", default.address)?,
            window: members.optional("window")?.unwrap_or(default.window),
        };
        members.finish()?;
        limit.validate().map(|()| limit)
    }

    /// Refuses numbers out of range.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        for (name, count) in [("account", self.account), ("address", self.address)] {
            if !(1..=FAILURES_MAX).contains(&count) {
                let problem = format_args!("must be a whole number from 1 to {FAILURES_MAX}");
                return Err(Error::validation(&format!("sign_in_limit.{name}"), problem));
            }
        }
        if self.window.as_secs() > Duration::DAY_1.as_secs() {
            return Err(Error::validation("sign_in_limit.window", "must be at most a day"));
        }
        Ok(())
    }
}

/// One failed sign-in, as each of its keys keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FailedSignIn {
    pub at: Timestamp,
    /// Random: tells sign-ins of one millisecond apart when one of them is taken back.
    pub tag: u16,
}

impl FailedSignIn {
    /// Failed sign-ins as a store keeps them: 8 bytes each, 48 bits for the time and 16 for the tag.
    pub(crate) fn encode(failures: &[FailedSignIn]) -> Vec<u8> {
        let number = |failure: &FailedSignIn| {
            // The engine's now is never negative and never reaches 2^48 ms, which is after the year 10000.
            let millis = u64::try_from(failure.at.as_millis()).unwrap_or(0);
            (millis << 16) | u64::from(failure.tag)
        };
        failures.iter().flat_map(|failure| number(failure).to_be_bytes()).collect()
    }

    /// What [`encode`](Self::encode) made of failed sign-ins; `None` for other bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<FailedSignIn>> {
        let read = |number: u64| FailedSignIn {
            at: Timestamp::from_millis((number >> 16) as i64),
            tag: number as u16, // the lower half
        };
        bytes.chunks(8).map(|bytes| Some(read(u64::from_be_bytes(bytes.try_into().ok()?)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn read(text: &str) -> Result<SignInLimit, Error> {
        SignInLimit::from_json(json::parse_object(text.as_bytes()).unwrap())
    }

    #[test]
    fn each_number_has_a_default_and_a_range() {
        assert_eq!(read("{}"), Ok(SignInLimit::default()));
        let limit = read(r#"{"account":1,"address":1000,"window":"1d"}"#).unwrap();
        assert_eq!((limit.account, limit.address, limit.window.as_secs()), (1, 1_000, 86_400));
        for bad in [
            r#"{"account":0}"#,
            r#"{"account":1001}"#,
            r#"{"address":4294967297}"#,
            r#"{"address":-1}"#,
            r#"{"address":"5"}"#,
            r#"{"window":"25h"}"#,
            r#"{"window":0}"#,
            r#"{"accounts":5}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
