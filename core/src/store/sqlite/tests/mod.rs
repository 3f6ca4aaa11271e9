mod bounded_work;
mod change_tracker;
mod conformance;
mod errors;
mod group_commit;
mod query_plans;
mod readers;
