//! Which ends the clock brings and when, and what a status filter admits.

use super::*;

#[test]
fn the_clock_brings_idle_ends_and_expiry_and_calls_bring_the_rest() {
    let by_clock = EndReason::ALL.iter().filter(|reason| reason.is_by_clock());
    assert!(by_clock.eq(&[EndReason::IdleTimeout, EndReason::Expired]));
}

#[test]
fn the_clock_ends_a_session_after_its_idle_time_out_or_at_its_end_whichever_comes_first() {
    let at = Timestamp::from_millis;
    let times = |expires_at| SessionTimes {
        created_at: at(0),
        last_active_at: at(5_000),
        expires_at: at(expires_at),
        end: None,
        judged_by: 0,
    };
    let idle_timeout: Option<Duration> = Some("10s".parse().unwrap());
    // With the time-out it is idle for too long after 15,000.
    for (expires_at, idle_timeout, first, reason, end_at) in [
        (20_000, idle_timeout, 15_001, EndReason::IdleTimeout, 15_000),
        (15_001, idle_timeout, 15_001, EndReason::IdleTimeout, 15_000),
        (15_000, idle_timeout, 15_000, EndReason::Expired, 15_000),
        (12_000, idle_timeout, 12_000, EndReason::Expired, 12_000),
        (20_000, None, 20_000, EndReason::Expired, 20_000),
    ] {
        let times = times(expires_at);
        assert_eq!(times.ended_from(idle_timeout), Some(at(first)));
        assert_eq!(times.end_by_clock(at(first - 1), idle_timeout), None);
        for now in [first, first + 1, 100_000] {
            assert_eq!(times.end_by_clock(at(now), idle_timeout), Some(End { at: at(end_at), reason }));
        }
    }
    let written = End { at: at(1), reason: EndReason::SignOut };
    let times = SessionTimes { end: Some(written), ..times(20_000) };
    assert_eq!(times.end_by_clock(at(0), idle_timeout), Some(written));
    assert_eq!(times.ended_from(idle_timeout), None);
}

#[test]
fn only_a_session_that_reached_its_end_has_expired() {
    let status = |reason| End { at: Timestamp::default(), reason }.status();
    let expired = EndReason::ALL.iter().filter(|reason| status(**reason) == Status::Expired);
    assert!(expired.eq(&[EndReason::Expired]));
    assert!(EndReason::ALL.iter().all(|reason| status(*reason) != Status::Active));
}

#[test]
fn a_status_filter_admits_its_status_and_all_admits_each() {
    for status in Status::ALL {
        assert!(StatusFilter::All.admits(*status));
        for filter in [StatusFilter::Active, StatusFilter::Expired, StatusFilter::Revoked] {
            assert_eq!(filter.admits(*status), filter.as_str() == status.as_str(), "{filter:?} {status:?}");
        }
    }
}
