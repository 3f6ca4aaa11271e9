-- For how long events are kept, and after how long the record of an ended session is deleted; NULL for off.
ALTER TABLE tenants ADD COLUMN event_retention TEXT;
ALTER TABLE tenants ADD COLUMN record_retention TEXT;
-- Who ended these sessions, and the session for which they made room: told as the rows are stamped.
ALTER TABLE bulk_ends ADD COLUMN actor TEXT CHECK (actor <> '');
ALTER TABLE bulk_ends ADD COLUMN replaced_by_ulid BLOB CHECK (length(replaced_by_ulid) = 16);

CREATE TABLE events (
  tenant_no INTEGER NOT NULL REFERENCES tenants (tenant_no),
  -- Counts the events of the tenant in the order of their commits, without a gap.
  seq INTEGER NOT NULL CHECK (seq >= 1),
  -- SHA-256 over the hash before it and the event, once it is sealed.
  hash BLOB CHECK (length(hash) = 32),
  -- The ULID of the event's id; its time is the one at which the event was recorded.
  event_ulid BLOB NOT NULL CHECK (length(event_ulid) = 16),
  event_type TEXT NOT NULL,
  -- When it happened.
  at_ms INTEGER NOT NULL,
  session_ulid BLOB CHECK (length(session_ulid) = 16),
  user_id TEXT CHECK (user_id <> ''),
  actor TEXT CHECK (actor <> ''),
  -- A JSON object.
  data TEXT NOT NULL,
  PRIMARY KEY (tenant_no, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_seals (
  tenant_no INTEGER NOT NULL REFERENCES tenants (tenant_no),
  -- The last event that it vouches for, and that event's hash. The newest seal is kept when its events are deleted.
  seq INTEGER NOT NULL CHECK (seq >= 1),
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  sealed_at_ms INTEGER NOT NULL,
  kid BLOB NOT NULL CHECK (length(kid) = 16),
  signature BLOB NOT NULL CHECK (length(signature) = 64),
  PRIMARY KEY (tenant_no, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
  tenant_no INTEGER NOT NULL REFERENCES tenants (tenant_no),
  -- The work that one process does at a time.
  name TEXT NOT NULL CHECK (name <> ''),
  -- The process that does it, and until when it may without saying so again.
  holder BLOB NOT NULL CHECK (length(holder) = 16),
  until_ms INTEGER NOT NULL,
  -- The last event that the work is done with; 0 for work that is about none.
  position INTEGER NOT NULL CHECK (position >= 0),
  PRIMARY KEY (tenant_no, name)
) STRICT, WITHOUT ROWID;
