mod bulk_ends;
mod plain_model;
mod step_up;
