//! What becomes of a violation: a few calls that show it. The model is given a wrong rule for it.

use hellojohn_tests::histories::{Kind, Mistake, Setting, Smallest, play, play_smallest, steps};

/// The smallest history of this seed that shows the mistake; that its calls show it again is asked of a fresh database.
fn smallest(kind: Kind, mistake: Mistake, seeds: std::ops::Range<u64>) -> Box<Smallest> {
    for seed in seeds {
        let setting = Setting { mistake: Some(mistake), ..Setting::new(seed, kind) };
        if let Err(smallest) = play_smallest(setting, &steps(seed, 1)) {
            let again = play(setting, &smallest.steps).unwrap_err();
            assert_eq!(again.message, smallest.violation.message);
            play(Setting { mistake: None, ..setting }, &smallest.steps).unwrap();
            return smallest;
        }
    }
    panic!("no history shows {mistake:?}");
}

#[test]
fn a_cap_that_is_wrong_is_shown_by_a_cap_and_two_sign_ins() {
    let smallest = smallest(Kind::Memory, Mistake::Cap, 0..20);
    assert!(smallest.steps.len() <= 4, "{smallest}");
}

#[test]
fn a_replay_that_is_refused_is_shown_by_a_sign_in_and_two_refreshes() {
    let smallest = smallest(Kind::Memory, Mistake::Replay, 0..20);
    assert!(smallest.steps.len() <= 6, "{smallest}");
}

#[test]
fn a_failed_sync_that_is_forgotten_is_shown_by_a_write_and_a_reopening() {
    let smallest = smallest(Kind::FailingDisk, Mistake::FailedSync, 0..20);
    assert!(smallest.steps.len() <= 4, "{smallest}");
}

#[test]
fn a_cookie_that_is_kept_beyond_its_session_is_shown_by_a_sign_in_an_end_and_a_refresh() {
    let smallest = smallest(Kind::Memory, Mistake::DeadCookie, 0..20);
    assert!(smallest.steps.len() <= 6, "{smallest}");
}

#[test]
fn a_list_of_all_users_for_a_user_is_shown_by_two_sign_ins_and_a_list() {
    let smallest = smallest(Kind::Memory, Mistake::OwnSessions, 0..20);
    assert!(smallest.steps.len() <= 6, "{smallest}");
}

#[test]
fn a_page_of_another_site_that_signs_out_is_shown_by_a_sign_in_and_its_request() {
    for kind in [Kind::Memory, Kind::FailingDisk] {
        let smallest = smallest(kind, Mistake::ForeignPage, 0..20);
        assert!(smallest.steps.len() <= 4, "{smallest}");
    }
}

#[test]
fn a_failing_disk_that_refuses_the_session_is_shown_by_one_request() {
    let smallest = smallest(Kind::FailingDisk, Mistake::StorageRefusal, 0..20);
    assert!(smallest.steps.len() <= 4, "{smallest}");
}
