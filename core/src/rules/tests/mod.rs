mod bulk_ends;
mod plain_model;
