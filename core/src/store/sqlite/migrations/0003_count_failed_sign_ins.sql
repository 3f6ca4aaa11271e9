CREATE TABLE sign_in_failures (
  tenant_no INTEGER NOT NULL REFERENCES tenants (tenant_no),
  -- A tag of an account, of an address, or of both, under a key of the tenant: it tells neither.
  failure_key BLOB NOT NULL CHECK (length(failure_key) = 16),
  -- The sign-ins that failed, oldest first, eight bytes each, big-endian: 48 bits of milliseconds, 16 bits of chance.
  failures BLOB NOT NULL CHECK (length(failures) BETWEEN 8 AND 8000 AND length(failures) % 8 = 0),
  PRIMARY KEY (tenant_no, failure_key)
) STRICT, WITHOUT ROWID;
