mod group_commit;
mod query_plans;
