mod plain_model;
