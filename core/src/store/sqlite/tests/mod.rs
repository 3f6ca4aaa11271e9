mod conformance;
mod errors;
mod group_commit;
mod query_plans;
mod readers;
