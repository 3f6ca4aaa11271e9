-- Whether the ends of sessions whose access tokens may still be alive are listed.
ALTER TABLE tenants ADD COLUMN revocation_list INTEGER NOT NULL DEFAULT 0 CHECK (revocation_list IN (0, 1));

CREATE TABLE revocations (
  tenant_no INTEGER NOT NULL REFERENCES tenants (tenant_no),
  -- Grows in the order of the commits, with gaps. The newest entry is kept, so that it goes on growing.
  seq INTEGER NOT NULL CHECK (seq >= 1),
  -- From this time on every access token that the entry is about has expired.
  until_ms INTEGER NOT NULL,
  -- The session that has ended; without one, all that had signed in by a time.
  session_ulid BLOB CHECK (length(session_ulid) = 16),
  at_ms INTEGER CHECK ((at_ms IS NULL) = (session_ulid IS NOT NULL)),
  -- Whose; without one every user's.
  user_id TEXT CHECK (user_id <> ''),
  -- The session that stayed, and the newest session that ended.
  spared_ulid BLOB CHECK (length(spared_ulid) = 16),
  newest_ulid BLOB CHECK (length(newest_ulid) = 16),
  -- The list begins here: what ended before may be missing, and no entry before this one counts.
  is_start INTEGER NOT NULL CHECK (is_start IN (0, 1)),
  PRIMARY KEY (tenant_no, seq)
) STRICT, WITHOUT ROWID;
