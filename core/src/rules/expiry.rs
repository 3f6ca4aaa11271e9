//! The times at which sessions, access tokens and retiring keys end.

use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::model::config::Config;

/// The end of a session that signs in at `now`.
pub(crate) fn session_end(now: Timestamp, config: &Config, own_duration: Option<Duration>) -> Timestamp {
    now.after(own_duration.unwrap_or(config.session_duration))
}

/// For how long a person may act for a user; `None` if that is longer than the tenant allows.
pub(crate) fn actor_duration(config: &Config, own_duration: Option<Duration>) -> Option<Duration> {
    let (longest, usual) = (config.max_actor_duration, config.session_duration);
    match own_duration {
        Some(asked) => (asked.as_secs() <= longest.as_secs()).then_some(asked),
        None => Some(std::cmp::min_by_key(usual, longest, |duration| duration.as_secs())),
    }
}

/// `exp` of an access token issued at `now`: the token's time to live, but never past the session. Rounded down to the
/// whole seconds of a JWT.
pub(crate) fn access_token_end(now: Timestamp, config: &Config, session_end: Timestamp) -> Timestamp {
    Timestamp::from_secs(now.after(config.access_token_ttl).min(session_end).as_secs())
}

/// The time by which every access token that a key signed until `now` under these settings has expired; `horizon` is that
/// time for the settings before.
pub(crate) fn token_horizon(now: Timestamp, config: &Config, horizon: Timestamp) -> Timestamp {
    horizon.max(now.after(config.access_token_ttl))
}

/// Whether a session that has ended under `old` could have another end, or none, under `new`: then ends under the old
/// settings must be written down first. A shorter time-out counts too: it would date an idle end back, and turn an
/// expired session into a revoked one.
pub(crate) fn idle_timeout_alters_ends(old: Option<Duration>, new: Option<Duration>) -> bool {
    old.map(Duration::as_secs) != new.map(Duration::as_secs)
}

/// The whole seconds from `now` until then, at least 1.
pub(crate) fn seconds_until(then: Timestamp, now: Timestamp) -> u64 {
    let millis = then.as_millis().saturating_sub(now.as_millis());
    u64::try_from(millis).unwrap_or_default().div_ceil(1_000).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_acts_for_as_long_as_asked_up_to_the_longest_and_unasked_not_beyond_a_session() {
        let length = |text: &str| text.parse::<Duration>().unwrap();
        let config = |session: &str| Config {
            max_actor_duration: length("1h"),
            session_duration: length(session),
            ..Config::default()
        };
        for (asked, found) in [("59m", Some(3_540)), ("1h", Some(3_600)), ("3601s", None)] {
            let duration = actor_duration(&config("30d"), Some(length(asked)));
            assert_eq!(duration.map(Duration::as_secs), found, "{asked}");
        }
        for (session, found) in [("30d", 3_600), ("1h", 3_600), ("10m", 600)] {
            let duration = actor_duration(&config(session), None);
            assert_eq!(duration.map(Duration::as_secs), Some(found), "{session}");
        }
    }

    #[test]
    fn a_token_ends_with_its_time_or_its_session_in_whole_seconds_and_a_key_with_its_last_token() {
        let at = Timestamp::from_millis;
        let config = Config { access_token_ttl: Duration::SECONDS_10, ..Config::default() };
        assert_eq!(access_token_end(at(1_500), &config, at(60_000)), at(11_000));
        assert_eq!(access_token_end(at(1_500), &config, at(5_999)), at(5_000));
        assert_eq!(token_horizon(at(1_500), &config, at(11_499)), at(11_500));
        assert_eq!(token_horizon(at(1_500), &config, at(11_501)), at(11_501));
        assert_eq!(session_end(at(1_500), &config, Some(Duration::SECONDS_10)), at(11_500));
        let config = Config { session_duration: Duration::SECONDS_10, ..config };
        assert_eq!(session_end(at(1_500), &config, None), at(11_500));
    }

    #[test]
    fn only_another_time_out_alters_ends() {
        let timeout = |text: &str| Some(text.parse().unwrap());
        assert!(!idle_timeout_alters_ends(None, None));
        assert!(!idle_timeout_alters_ends(timeout("1h"), timeout("60m")));
        for (old, new) in [(None, timeout("1h")), (timeout("1h"), None), (timeout("1h"), timeout("59m"))] {
            assert!(idle_timeout_alters_ends(old, new));
        }
    }

    #[test]
    fn a_wait_is_rounded_up_and_never_0() {
        assert_eq!(seconds_until(Timestamp::from_secs(10), Timestamp::from_millis(8_999)), 2);
        assert_eq!(seconds_until(Timestamp::from_secs(10), Timestamp::from_secs(10)), 1);
        assert_eq!(seconds_until(Timestamp::from_secs(10), Timestamp::from_secs(20)), 1);
    }
}
