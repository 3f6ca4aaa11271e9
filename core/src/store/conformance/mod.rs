//! What every store must do, as tests over `dyn Store`. A store runs them with
//! [`store_conformance_tests!`](store_conformance_tests) and, where they apply, the two macros after it; the lists below
//! are the whole suite. See `docs/STORE-CONTRACT.md`.

pub(super) mod bulk_ends;
pub(super) mod change_tracking;
pub(super) mod closing;
pub(super) mod concurrent_readers;
pub(super) mod events;
pub(super) mod group_commit;
pub(super) mod missing_rows;
pub(super) mod order;
pub(super) mod records;
pub(super) mod revocations;
pub(super) mod samples;
pub(super) mod shared_database;
pub(super) mod sign_in_failures;
pub(super) mod transactions;
pub(super) mod versions;

use std::sync::Arc;
use std::time::Duration;

use super::{Needs, Store, WaitPolicy, WriteTransaction};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Failure};

/// A database of the kind that is tested.
pub(in crate::store) trait TestDatabase {
    /// An empty database.
    fn create() -> Self
    where
        Self: Sized;

    /// Opens a store on the database. The store's callers wait at most this long; opening may take longer.
    fn open(&self, busy_timeout: Duration) -> Arc<dyn Store>;
}

/// Longer than any test takes: a test that would wait hangs instead of passing.
const NEVER_BUSY: Duration = Duration::from_secs(3600);

/// Declares the tests of a suite for one kind of database, a module for each file of the suite.
macro_rules! run_conformance_tests {
    ($Database:ident: $($module:ident { $($test:ident)+ })+) => {
        $(mod $module {
            use super::*;
            $(
                #[test]
                fn $test() {
                    $crate::store::conformance::$module::$test(
                        &<$Database as $crate::store::conformance::TestDatabase>::create(),
                    );
                }
            )+
        })+
    };
}
pub(in crate::store) use run_conformance_tests;

/// The tests that every store passes.
macro_rules! store_conformance_tests {
    ($Database:ident) => {
        $crate::store::conformance::run_conformance_tests! { $Database:
            records {
                a_session_with_every_field_set_reads_back
                a_session_with_every_optional_field_absent_reads_back
                a_device_type_that_was_not_given_is_derived
                a_rotation_changes_its_own_fields_and_no_other
                a_change_of_identity_changes_its_own_fields_and_no_other
                a_replay_is_counted
                an_imported_session_is_found_by_what_it_was_imported_with
                an_end_reads_back_with_every_reason
                an_end_is_never_replaced
                a_deleted_session_is_gone
                a_tenant_with_every_setting_reads_back
                new_settings_and_a_new_secret_replace_the_former_ones
                keys_of_every_state_read_back
                tenants_do_not_see_each_other
            }
            bulk_ends {
                bulk_ends_read_back_oldest_first
                the_number_of_a_bulk_end_is_taken_once_in_each_tenant
                an_end_counts_in_the_bulk_end_that_brought_it
                an_end_by_a_missing_bulk_end_is_corrupt
                a_bulk_end_is_finished_once_and_deleted_after_that
            }
            missing_rows {
                a_change_of_a_missing_session_is_corrupt
                a_change_of_a_missing_key_is_corrupt
                a_missing_tenant_is_corrupt
                a_tenant_id_is_taken_once
                a_session_id_is_taken_once
            }
            order {
                a_scan_of_open_sessions_goes_from_the_newest_to_the_oldest_of_the_user
                a_walk_through_a_users_sessions_meets_open_and_ended_ones_oldest_first
                a_scan_of_a_tenant_goes_from_the_newest_session_to_the_oldest
                a_scan_of_a_user_merges_open_and_ended_sessions
                a_scan_of_a_users_open_sessions_passes_over_ended_ones
                a_scan_begins_below_its_cursor_even_if_that_session_is_gone
                a_scan_ends_where_its_visitor_breaks_or_fails
                a_walk_in_pages_meets_every_session_once
                tenants_and_keys_are_listed_oldest_first
            }
            sign_in_failures {
                failures_read_back_until_they_are_replaced_or_deleted
                failures_of_tenants_and_keys_are_apart
                failures_are_scanned_by_ascending_key
                a_deletion_of_a_missing_key_is_corrupt
            }
            events {
                events_read_back_under_their_numbers
                a_failed_job_takes_its_event_with_it_and_leaves_no_gap
                numbers_go_on_after_every_event_is_deleted
                an_event_is_hashed_once
                seals_read_back_until_they_are_deleted
                a_lease_is_replaced_by_the_next_one_of_its_name
            }
            revocations {
                revocations_read_back_in_the_order_of_their_numbers
                a_job_reads_the_number_of_its_own_revocation
            }
            versions {
                the_version_changes_with_settings_keys_secret_and_bulk_ends_and_with_nothing_else
                the_clock_mark_rises_within_its_epoch
                a_reset_clock_mark_begins_its_epoch
                the_clock_mark_is_committed_with_the_changes_or_not_at_all
            }
            transactions {
                a_job_reads_its_own_changes
                a_failing_job_leaves_nothing_behind
                a_panic_reaches_the_caller_of_an_exclusive_write_and_leaves_nothing_behind
                a_failing_read_hands_its_failure_on
                a_panic_in_a_read_leaves_the_store_usable
                changes_are_counted_for_each_job
                a_non_blocking_read_answers_or_is_busy
                the_size_of_the_database_can_be_asked
            }
            group_commit {
                a_job_sees_the_changes_of_the_jobs_before_it
                a_job_can_ask_whether_others_wait
                a_failing_job_fails_alone_and_leaves_nothing_behind
                a_panic_fails_only_its_own_write
                no_caller_is_told_of_a_success_that_a_panic_takes_back
                after_a_panic_the_next_waiter_leads
                a_write_that_waits_too_long_or_is_cancelled_changes_nothing
                many_threads_lose_no_change
            }
            change_tracking {
                a_version_never_hides_a_change_of_the_session
                a_version_never_hides_a_change_that_concerns_every_session
            }
            closing {
                a_closed_store_answers_engine_closed
                closing_twice_does_nothing
            }
        }
    };
}
pub(in crate::store) use store_conformance_tests;

/// The tests of a store whose readers do not wait for its writer.
macro_rules! concurrent_reader_conformance_tests {
    ($Database:ident) => {
        $crate::store::conformance::run_conformance_tests! { $Database:
            concurrent_readers {
                a_snapshot_does_not_move
                an_uncommitted_change_is_not_seen
                writes_that_wait_together_share_a_transaction
                a_batch_holds_writes_of_one_durability
            }
        }
    };
}
pub(in crate::store) use concurrent_reader_conformance_tests;

/// The tests of a store that others can open at the same time, as other processes do.
macro_rules! shared_database_conformance_tests {
    ($Database:ident) => {
        $crate::store::conformance::run_conformance_tests! { $Database:
            shared_database {
                a_commit_of_one_store_is_read_by_the_other
                a_writer_of_another_store_is_waited_for_up_to_the_busy_timeout
                a_commit_of_another_store_never_counts_as_unchanged
                what_was_committed_is_there_after_reopening
                two_stores_lose_no_change
            }
        }
    };
}
pub(in crate::store) use shared_database_conformance_tests;

/// Sets the clock mark; answers what it was before.
pub(in crate::store) fn replace_mark(tx: &dyn WriteTransaction, millis: i64) -> Result<i64, Failure> {
    let mark = tx.clock_mark()?;
    tx.raise_clock_mark(Timestamp::from_millis(millis))?;
    Ok(mark.highest.as_millis())
}

/// The clock mark that is committed.
pub(in crate::store) fn committed_mark(store: &dyn Store) -> i64 {
    read(store, |tx| Ok(tx.clock_mark()?.highest.as_millis()))
}

/// The answer of a read.
fn read<T>(
    store: &dyn Store,
    mut question: impl FnMut(&dyn super::ReadTransaction) -> Result<T, Failure>,
) -> T {
    let mut answer = None;
    store
        .read(WaitPolicy::Block, &Needs::default(), &mut |tx| {
            answer = Some(question(tx)?);
            Ok(())
        })
        .unwrap();
    answer.unwrap()
}

/// The answer of an exclusive write that is committed.
pub(in crate::store) fn write<T>(
    store: &dyn Store,
    mut change: impl FnMut(&dyn WriteTransaction) -> Result<T, Failure>,
) -> T {
    try_write(store, &mut change).unwrap()
}

fn try_write<T>(
    store: &dyn Store,
    mut change: impl FnMut(&dyn WriteTransaction) -> Result<T, Failure>,
) -> Result<T, ErrorCode> {
    let mut answer = None;
    store
        .write_exclusive(&mut |tx| {
            answer = Some(change(tx)?);
            Ok(())
        })
        .map_err(code)?;
    Ok(answer.unwrap())
}

fn code(failure: Failure) -> ErrorCode {
    Error::from(failure).code()
}
