-- Ending many sessions as one act: a bulk end decides about all of them at once, their rows are stamped later.
CREATE TABLE bulk_ends (
  tenant_no INTEGER NOT NULL REFERENCES tenants (tenant_no),
  -- Counts the bulk ends of the tenant in the order in which they were decided.
  bulk_no INTEGER NOT NULL CHECK (bulk_no >= 1),
  -- Whose sessions it ends; without one those of every user.
  user_id TEXT CHECK (user_id <> ''),
  decided_at_ms INTEGER NOT NULL,
  -- The setting that was in force: what the clock had ended under it keeps that end.
  idle_timeout TEXT,
  -- Why the others end; without one only the ends by the clock are kept.
  reason TEXT,
  -- The session that stays, and the newest session that ends.
  spared_ulid BLOB CHECK (length(spared_ulid) = 16),
  newest_ulid BLOB CHECK (length(newest_ulid) = 16),
  -- Of the clock mark.
  era INTEGER NOT NULL,
  -- How many sessions it has stamped, and whether that were all.
  ended INTEGER NOT NULL,
  done INTEGER NOT NULL CHECK (done IN (0, 1)),
  PRIMARY KEY (tenant_no, bulk_no)
) STRICT, WITHOUT ROWID;

-- Of an open session the newest bulk end that had been decided when it signed in or last rotated; of an ended one the bulk
-- end that ended it, 0 for another cause.
ALTER TABLE sessions ADD COLUMN judged_by INTEGER NOT NULL DEFAULT 0;
