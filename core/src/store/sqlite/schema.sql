CREATE TABLE clock_mark (
  -- The highest time that this database has seen, kept in one row.
  only INTEGER PRIMARY KEY CHECK (only = 1),
  highest_at_ms INTEGER NOT NULL CHECK (highest_at_ms >= 0),
  -- Grows when the mark is lowered on purpose.
  era INTEGER NOT NULL
) STRICT;

CREATE TABLE tenants (
  tenant_no INTEGER PRIMARY KEY,
  tenant_id TEXT NOT NULL UNIQUE CHECK (tenant_id <> ''),
  -- Grows with each change of settings, keys or secret.
  version INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  -- Salt of the key that wraps the keys of this tenant, stretched from its secret key.
  salt BLOB NOT NULL CHECK (length(salt) = 16),
  wrapped_refresh_key BLOB NOT NULL,
  -- Settings as text, as they were given.
  session_duration TEXT NOT NULL,
  access_token_ttl TEXT NOT NULL,
  idle_timeout TEXT,
  max_sessions_per_user INTEGER CHECK (max_sessions_per_user >= 1),
  refresh_reuse_window TEXT NOT NULL,
  -- When every access token of the active key is dead that was issued under earlier settings.
  token_horizon_at_ms INTEGER NOT NULL
, event_retention TEXT, record_retention TEXT, revocation_list INTEGER NOT NULL DEFAULT 0 CHECK (revocation_list IN (0, 1)), max_actor_duration TEXT NOT NULL DEFAULT '1h') STRICT;

CREATE TABLE signing_keys (
  tenant_no INTEGER NOT NULL REFERENCES tenants (tenant_no),
  key_no INTEGER NOT NULL,
  kid BLOB NOT NULL UNIQUE CHECK (length(kid) = 16),
  state TEXT NOT NULL CHECK (state IN ('next', 'active', 'retiring', 'retired')),
  created_at_ms INTEGER NOT NULL,
  -- When the longest-lived token of a retiring key is dead.
  drained_at_ms INTEGER CHECK ((drained_at_ms IS NOT NULL) = (state = 'retiring')),
  wrapped_seed BLOB CHECK ((wrapped_seed IS NULL) = (state = 'retired')),
  PRIMARY KEY (tenant_no, key_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  tenant_no INTEGER NOT NULL REFERENCES tenants (tenant_no),
  -- The ULID of the session's id; its time is created_at_ms, so this key also orders by sign-in.
  session_ulid BLOB NOT NULL CHECK (length(session_ulid) = 16),
  user_id TEXT NOT NULL CHECK (user_id <> ''),
  created_at_ms INTEGER NOT NULL,
  last_active_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  -- The end, once written down; until then the clock may have ended the session all the same.
  ended_at_ms INTEGER,
  end_reason TEXT CHECK ((end_reason IS NULL) = (ended_at_ms IS NULL)),
  -- The rotation chain: number of the live refresh token, and how often the one before it was presented again.
  generation INTEGER NOT NULL CHECK (generation BETWEEN 1 AND 4294967295),
  replays INTEGER NOT NULL,
  nonce BLOB NOT NULL CHECK (length(nonce) = 16),
  -- The newest access token.
  access_serial INTEGER NOT NULL,
  access_issued_at_ms INTEGER NOT NULL,
  access_expires_at_ms INTEGER NOT NULL,
  access_key_no INTEGER NOT NULL,
  -- The device of the sign-in.
  device_type TEXT NOT NULL,
  user_agent TEXT,
  ip_address TEXT,
  country TEXT,
  device_fingerprint TEXT,
  -- Where a refresh came from, if not from there.
  last_ip_address TEXT,
  last_user_agent TEXT,
  -- What access tokens carry.
  mfa_verified INTEGER NOT NULL CHECK (mfa_verified IN (0, 1)),
  org_id TEXT,
  role TEXT,
  email TEXT,
  claims TEXT,
  ended INTEGER NOT NULL GENERATED ALWAYS AS (ended_at_ms IS NOT NULL) VIRTUAL, judged_by INTEGER NOT NULL DEFAULT 0, identity_serial INTEGER NOT NULL DEFAULT 0, factors TEXT, credential_sha256 BLOB CHECK (length(credential_sha256) = 32), external_id TEXT CHECK (external_id <> ''), acted_by TEXT,
  PRIMARY KEY (tenant_no, session_ulid)
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_of_user ON sessions (tenant_no, user_id, ended, session_ulid);

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
  done INTEGER NOT NULL CHECK (done IN (0, 1)), actor TEXT CHECK (actor <> ''), replaced_by_ulid BLOB CHECK (length(replaced_by_ulid) = 16), filter TEXT,
  PRIMARY KEY (tenant_no, bulk_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE sign_in_failures (
  tenant_no INTEGER NOT NULL REFERENCES tenants (tenant_no),
  -- A tag of an account, of an address, or of both, under a key of the tenant: it tells neither.
  failure_key BLOB NOT NULL CHECK (length(failure_key) = 16),
  -- The sign-ins that failed, oldest first, eight bytes each, big-endian: 48 bits of milliseconds, 16 bits of chance.
  failures BLOB NOT NULL CHECK (length(failures) BETWEEN 8 AND 8000 AND length(failures) % 8 = 0),
  PRIMARY KEY (tenant_no, failure_key)
) STRICT, WITHOUT ROWID;

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
  is_start INTEGER NOT NULL CHECK (is_start IN (0, 1)), spares_actors INTEGER NOT NULL DEFAULT 0 CHECK (spares_actors IN (0, 1)),
  PRIMARY KEY (tenant_no, seq)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX sessions_of_credential ON sessions (tenant_no, credential_sha256)
WHERE credential_sha256 IS NOT NULL;

CREATE UNIQUE INDEX sessions_of_external_id ON sessions (tenant_no, external_id) WHERE external_id IS NOT NULL;
