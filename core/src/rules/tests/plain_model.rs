//! A second, plain model of the rules, written from the text of SPEC 2 to 4 and not from the code beside it, slow where
//! slow is clearer. Model and code must agree on every case that proptest generates.

use proptest::prelude::*;

use super::bulk_ends::{EagerTenant, LazyTenant, SESSIONS, any_step};
use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::model::config::Config;
use crate::model::id::SessionId;
use crate::model::session::{End, EndReason, SessionTimes, Status};
use crate::rules::rotation::{Decision, Rotation, decide};
use crate::rules::{expiry, session_cap};

const CASES: u32 = 20_000;

/// A session as SPEC 1 and 2 describe it, in plain milliseconds.
#[derive(Debug, Clone, Copy)]
struct PlainSession {
    created_at: i64,
    last_active_at: i64,
    expires_at: i64,
    stamp: Option<(i64, EndReason)>,
}

/// SPEC 2 by walking through time: the first millisecond at which a rule applies ends the session, for good.
fn walk_to_end(session: PlainSession, idle_ms: Option<i64>, now: i64) -> Option<(i64, EndReason)> {
    if session.stamp.is_some() {
        return session.stamp;
    }
    for time in session.last_active_at.min(session.expires_at)..=now {
        let idled_out = idle_ms.is_some_and(|idle| time - session.last_active_at > idle);
        // Rule 2 stands before rule 3, but only for a deadline before the end.
        if idled_out && time - 1 < session.expires_at {
            return Some((time - 1, EndReason::IdleTimeout));
        }
        if time >= session.expires_at {
            return Some((session.expires_at, EndReason::Expired));
        }
    }
    None
}

/// Outcomes 2 to 6 of SPEC 3 by their numbers there; 1, a token that is not genuine, is decided by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Ended2(i64, EndReason),
    Rotate3,
    Replay4,
    Ahead5,
    Reuse6,
}

/// SPEC 3, read from top to bottom. `presented` and `current` are positions in the list of all tokens ever handed out.
fn decide_plainly(
    end: Option<(i64, EndReason)>,
    (current, replays): (i64, i64),
    presented: i64,
    since_rotation_ms: i64,
    window_ms: i64,
) -> Outcome {
    if let Some((at, reason)) = end {
        return Outcome::Ended2(at, reason);
    }
    let within_window = window_ms != 0 && (0..=window_ms).contains(&since_rotation_ms);
    match current - presented {
        0 => Outcome::Rotate3,
        1 if within_window && replays < 100 => Outcome::Replay4,
        behind if behind < 0 => Outcome::Ahead5,
        _ => Outcome::Reuse6,
    }
}

fn session_times(session: PlainSession) -> SessionTimes {
    SessionTimes {
        created_at: Timestamp::from_millis(session.created_at),
        last_active_at: Timestamp::from_millis(session.last_active_at),
        expires_at: Timestamp::from_millis(session.expires_at),
        end: session.stamp.map(|(at, reason)| End { at: Timestamp::from_millis(at), reason }),
        judged_by: 0,
    }
}

fn end_pair(end: End) -> (i64, EndReason) {
    (end.at.as_millis(), end.reason)
}

fn config(ttl: u64, idle: Option<u64>, window: u64) -> Config {
    Config {
        access_token_ttl: Duration::from_secs(ttl).unwrap(),
        idle_timeout: idle.map(|secs| Duration::from_secs(secs).unwrap()),
        refresh_reuse_window: if window == 0 { Duration::ZERO } else { Duration::from_secs(window).unwrap() },
        ..Config::default()
    }
}

/// Sessions of a few seconds, so that edges meet often and time can be walked through.
fn any_session() -> impl Strategy<Value = PlainSession> {
    let stamp = prop::option::weighted(0.1, (0..9_000i64, prop::sample::select(EndReason::ALL)));
    (0..3_000i64, 0..4_000i64, 1..5i64, stamp).prop_map(|(created_at, active_after, secs, stamp)| {
        let expires_at = created_at + secs * 1_000;
        let last_active_at = (created_at + active_after).min(expires_at - 1);
        PlainSession { created_at, last_active_at, expires_at, stamp }
    })
}

/// A time, often on or beside one of the session's edges.
fn any_time_near(edges: Vec<i64>) -> impl Strategy<Value = i64> {
    prop_oneof![0..10_000i64, (prop::sample::select(edges), -2..=2i64).prop_map(|(edge, off)| edge + off)]
}

fn any_session_and_now() -> impl Strategy<Value = (PlainSession, Option<u64>, i64)> {
    (any_session(), prop::option::of(1..5u64)).prop_flat_map(|(session, idle)| {
        let deadline = session.last_active_at + idle.unwrap_or(0) as i64 * 1_000;
        let now =
            any_time_near(vec![session.created_at, session.last_active_at, session.expires_at, deadline]);
        (Just(session), Just(idle), now)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn a_session_ends_at_the_first_moment_that_ends_it((session, idle, now) in any_session_and_now()) {
        let idle_timeout = config(1, idle, 0).idle_timeout;
        let times = session_times(session);
        let found = times.end_by_clock(Timestamp::from_millis(now), idle_timeout);
        let ended_from = times.ended_from(idle_timeout);
        prop_assert_eq!(found.is_some(), ended_from.is_none_or(|from| from.as_millis() <= now));
        let expected = walk_to_end(session, idle.map(|secs| secs as i64 * 1_000), now);
        prop_assert_eq!(found.map(end_pair), expected);
        let status = found.map_or(Status::Active, End::status);
        prop_assert_eq!(status == Status::Expired, expected.is_some_and(|end| end.1 == EndReason::Expired));
        prop_assert_eq!(status == Status::Active, expected.is_none());
    }

    #[test]
    fn an_end_stays_what_it_was_as_time_goes_on((session, idle, now) in any_session_and_now(), later in 0..20_000i64) {
        let idle_timeout = config(1, idle, 0).idle_timeout;
        let times = session_times(session);
        if let Some(end) = times.end_by_clock(Timestamp::from_millis(now), idle_timeout) {
            prop_assert_eq!(times.end_by_clock(Timestamp::from_millis(now + later), idle_timeout), Some(end));
            // Written down, it holds under every later setting and at every time.
            let stamped = SessionTimes { end: Some(end), ..times };
            for (idle, at) in [(None, 0), (Some(Duration::DAYS_30), now), (Some(Duration::SECONDS_10), now + later)] {
                prop_assert_eq!(stamped.end_by_clock(Timestamp::from_millis(at), idle), Some(end));
            }
        }
    }

    #[test]
    fn large_times_neither_overflow_nor_revive_a_session(
        created in 0..=Timestamp::LATEST_NOW.as_millis(), active in 0..=3_153_600_000u64,
        own in 1..=3_153_600_000u64, idle in prop::option::of(1..=3_153_600_000u64), now in any::<i64>(),
    ) {
        let created_at = Timestamp::from_millis(created);
        let expires_at = expiry::session_end(created_at, &Config::default(), Some(Duration::from_secs(own).unwrap()));
        prop_assert_eq!(expires_at.as_millis(), created + own as i64 * 1_000);
        let last_active_at = Timestamp::from_millis(created + (active.min(own - 1)) as i64 * 1_000);
        let times = SessionTimes { created_at, last_active_at, expires_at, end: None, judged_by: 0 };
        let idle_timeout = config(1, idle, 0).idle_timeout;
        let end = times.end_by_clock(Timestamp::from_millis(now), idle_timeout);
        if now >= expires_at.as_millis() {
            prop_assert!(end.is_some());
        }
        if let Some(end) = end {
            prop_assert!(end.at <= expires_at && end.at.as_millis() <= now);
        }
    }

    #[test]
    fn a_refresh_does_what_the_text_says(
        (session, idle, now) in any_session_and_now(),
        current in prop_oneof![1..5u32, 4_294_967_290..=u32::MAX],
        behind in prop_oneof![3 => -2..=3i64, 1 => -4_294_967_295..=4_294_967_295i64],
        replays in prop_oneof![0..3u32, 98..103u32, any::<u32>()],
        window in 0..=60u64,
    ) {
        let presented = (i64::from(current) - behind).clamp(0, i64::from(u32::MAX));
        let expected = decide_plainly(
            walk_to_end(session, idle.map(|secs| secs as i64 * 1_000), now),
            (i64::from(current), i64::from(replays)),
            presented,
            now - session.last_active_at,
            window as i64 * 1_000,
        );
        let config = config(1, idle, window);
        let times = session_times(session);
        let found = decide(
            times.end_by_clock(Timestamp::from_millis(now), config.idle_timeout),
            Rotation { generation: current, replays },
            times.last_active_at,
            presented as u32,
            Timestamp::from_millis(now),
            config.refresh_reuse_window,
        );
        let found = match found {
            Decision::Ended(end) => Outcome::Ended2(end.at.as_millis(), end.reason),
            Decision::Rotate => Outcome::Rotate3,
            Decision::Replay => Outcome::Replay4,
            Decision::Ahead => Outcome::Ahead5,
            Decision::Reused => Outcome::Reuse6,
        };
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn the_oldest_sessions_end_until_the_new_one_fits(
        sessions in prop::collection::hash_map(any::<[u8; 2]>(), 0..4i64, 0..12),
        cap in prop_oneof![8 => 1..15u64, 1 => Just(u64::MAX)],
    ) {
        let id = |[a, b]: [u8; 2]| SessionId::from_bytes([a, b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let mut kept: Vec<(i64, SessionId)> = sessions.iter().map(|(key, at)| (*at, id(*key))).collect();
        let mut newest_first = kept.clone();
        newest_first.sort_by(|a, b| b.cmp(a));
        let mut found: Vec<SessionId> = (0..)
            .zip(&newest_first)
            .filter(|(newer, _)| session_cap::is_evicted(*newer, cap))
            .map(|(_, (_, id))| *id)
            .collect();
        found.reverse();
        let mut expected = Vec::new();
        while kept.len() as u64 + 1 > cap {
            let oldest = *kept.iter().min().unwrap();
            kept.retain(|session| *session != oldest);
            expected.push(oldest.1);
        }
        prop_assert_eq!(found, expected);
    }

    /// SPEC 2, ending many: no answer between the decision and the last stamp differs from the one after.
    #[test]
    fn a_bulk_end_answers_as_if_it_had_stamped_every_session_at_once(
        steps in prop::collection::vec(any_step(), 1..14),
    ) {
        let (mut eager, mut lazy) = (EagerTenant::new(), LazyTenant::new());
        for step in steps {
            eager.apply(step);
            lazy.apply(step);
            for at in 0..SESSIONS {
                let found = lazy.find_end(at).map(|found| end_pair(found.end));
                prop_assert_eq!(found, eager.find_end(at), "session {} after {:?}", at, step);
            }
            prop_assert_eq!(&lazy.counts(), &eager.counts, "after {:?}", step);
        }
    }

    #[test]
    fn an_access_token_lasts_its_time_but_not_past_its_session(
        now in 0..10_000_000i64, ttl in 1..10_000u64, left_ms in 1..20_000_000i64,
    ) {
        let session_end = Timestamp::from_millis(now + left_ms);
        let exp = expiry::access_token_end(Timestamp::from_millis(now), &config(ttl, None, 0), session_end);
        let longest = (now + ttl as i64 * 1_000).min(now + left_ms);
        prop_assert_eq!(exp.as_millis() % 1_000, 0);
        prop_assert!(exp.as_millis() <= longest && longest - exp.as_millis() < 1_000);
    }

    /// SPEC 4, keys: a retiring key stays for as long as the longest-lived token that it signed, whatever happened to the
    /// settings while it signed.
    #[test]
    fn a_key_outlives_every_token_that_it_signed(
        steps in prop::collection::vec((1..100_000i64, prop::option::of(1..1_000u64), any::<bool>()), 1..20),
    ) {
        let (mut now, mut ttl, mut horizon, mut last_exp) = (0, 500, Timestamp::default(), 0);
        for (pause, new_ttl, issues) in steps {
            now += pause;
            if issues {
                let end = Timestamp::from_millis(i64::MAX);
                let exp = expiry::access_token_end(Timestamp::from_millis(now), &config(ttl, None, 0), end);
                last_exp = last_exp.max(exp.as_millis());
            }
            if let Some(new_ttl) = new_ttl {
                horizon = expiry::token_horizon(Timestamp::from_millis(now), &config(ttl, None, 0), horizon);
                ttl = new_ttl;
            }
            let drained = expiry::token_horizon(Timestamp::from_millis(now), &config(ttl, None, 0), horizon);
            prop_assert!(last_exp <= drained.as_millis());
        }
    }

    /// SPEC 2: ends are final, so a change of the idle time-out that could give an ended session another end, or none,
    /// has to write ends down first.
    #[test]
    fn ends_are_written_down_before_a_change_that_would_alter_them(
        (session, old, now) in any_session_and_now(), new in prop::option::of(1..5u64), later in 0..9_000i64,
    ) {
        let timeout = |idle| config(1, idle, 0).idle_timeout;
        let times = session_times(session);
        let before = times.end_by_clock(Timestamp::from_millis(now), timeout(old));
        if before.is_some() && !expiry::idle_timeout_alters_ends(timeout(old), timeout(new)) {
            prop_assert_eq!(times.end_by_clock(Timestamp::from_millis(now + later), timeout(new)), before);
        }
    }
}
