CREATE TABLE @clock_mark (
  -- The highest time that this database has seen, kept in one row. Its lock is the turn to write.
  only_row bigint PRIMARY KEY CHECK (only_row = 1),
  highest_at_ms bigint NOT NULL CHECK (highest_at_ms >= 0),
  -- Grows when the mark is lowered on purpose.
  era bigint NOT NULL,
  -- For how long a machine may answer a verification from memory, and for how long a call waits that ends a session: no
  -- shorter than any answer is still remembered.
  lease_ms bigint NOT NULL CHECK (lease_ms BETWEEN 0 AND 5000),
  lease_wait_ms bigint NOT NULL CHECK (lease_wait_ms BETWEEN lease_ms AND 5000),
  -- Counts the changes of the two.
  lease_change bigint NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000);

INSERT INTO @clock_mark VALUES (1, 0, 0, 0, 0, 0);

CREATE TABLE @writers (
  -- A store that is open or was, by a number that it drew.
  writer_id bytea PRIMARY KEY CHECK (octet_length(writer_id) = 16),
  -- Its last commit: after a lost connection this tells whether the commit happened.
  commit_no bigint NOT NULL,
  committed_at timestamptz NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000);

CREATE TABLE @tenants (
  tenant_no bigint PRIMARY KEY,
  tenant_id text COLLATE "C" NOT NULL UNIQUE CHECK (tenant_id <> ''),
  -- Another number after each change of settings, keys, secret or bulk ends.
  version bigint NOT NULL,
  created_at_ms bigint NOT NULL,
  -- Salt of the key that wraps the keys of this tenant, stretched from its secret key.
  salt bytea NOT NULL CHECK (octet_length(salt) = 16),
  wrapped_refresh_key bytea NOT NULL,
  -- When every access token of the active key is dead that was issued under earlier settings.
  token_horizon_at_ms bigint NOT NULL,
  -- Settings as text, as they were given.
  session_duration text NOT NULL,
  access_token_ttl text NOT NULL,
  idle_timeout text,
  max_sessions_per_user bigint CHECK (max_sessions_per_user >= 1),
  refresh_reuse_window text NOT NULL,
  event_retention text,
  record_retention text,
  revocation_list boolean NOT NULL,
  max_actor_duration text NOT NULL
);

CREATE TABLE @signing_keys (
  tenant_no bigint NOT NULL REFERENCES @tenants (tenant_no),
  key_no bigint NOT NULL,
  kid bytea NOT NULL UNIQUE CHECK (octet_length(kid) = 16),
  state text NOT NULL CHECK (state IN ('next', 'active', 'retiring', 'retired')),
  created_at_ms bigint NOT NULL,
  -- When the longest-lived token of a retiring key is dead.
  drained_at_ms bigint CHECK ((drained_at_ms IS NOT NULL) = (state = 'retiring')),
  wrapped_seed bytea CHECK ((wrapped_seed IS NULL) = (state = 'retired')),
  PRIMARY KEY (tenant_no, key_no)
);

-- Without a reference to tenants, which are never deleted: it would take a lock on the tenant's row at each sign-in.
CREATE TABLE @sessions (
  tenant_no bigint NOT NULL,
  -- The ULID of the session's id; its time is created_at_ms, so this key also orders by sign-in.
  session_ulid bytea NOT NULL CHECK (octet_length(session_ulid) = 16),
  created_at_ms bigint NOT NULL,
  last_active_at_ms bigint NOT NULL,
  expires_at_ms bigint NOT NULL,
  -- The end, once written down; until then the clock or a bulk end may have ended the session all the same.
  ended_at_ms bigint,
  end_reason text CHECK ((end_reason IS NULL) = (ended_at_ms IS NULL)),
  is_open boolean NOT NULL GENERATED ALWAYS AS (ended_at_ms IS NULL) STORED,
  judged_by bigint NOT NULL,
  user_id text COLLATE "C" NOT NULL CHECK (user_id <> ''),
  -- Whether another person acts for the user: no cap knows the session.
  is_acted boolean NOT NULL DEFAULT false,
  -- The rotation chain: number of the live refresh token, and how often the one before it was presented again.
  generation bigint NOT NULL CHECK (generation BETWEEN 1 AND 4294967295),
  replays bigint NOT NULL,
  nonce bytea NOT NULL CHECK (octet_length(nonce) = 16),
  -- The newest access token.
  access_serial bigint NOT NULL,
  access_issued_at_ms bigint NOT NULL,
  access_expires_at_ms bigint NOT NULL,
  access_key_no bigint NOT NULL,
  -- The device of the sign-in.
  device_type text NOT NULL,
  user_agent text,
  ip_address text,
  country text,
  device_fingerprint text,
  -- Where a refresh came from, if not from there.
  last_ip_address text,
  last_user_agent text,
  -- What access tokens carry.
  mfa_verified boolean NOT NULL,
  org_id text,
  role text,
  email text,
  claims text,
  -- The serial of the access token that the last change of identity issued.
  identity_serial bigint NOT NULL,
  -- The methods that the user has passed, with the last time of each, as a JSON array, the newest last.
  factors text,
  -- Of an imported session: the SHA-256 of the credential that stands for the first refresh token, and its name where it came
  -- from.
  credential_sha256 bytea CHECK (octet_length(credential_sha256) = 32),
  external_id text COLLATE "C" CHECK (external_id <> ''),
  -- Who acts for the user, as a JSON object.
  acted_by text CHECK ((acted_by IS NOT NULL) = is_acted),
  PRIMARY KEY (tenant_no, session_ulid)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);

-- The user first: no plan, made while the table was empty, takes this index for a search by the id of a session.
CREATE INDEX sessions_of_user ON @sessions (user_id, tenant_no, is_open, session_ulid);

CREATE UNIQUE INDEX sessions_of_credential ON @sessions (credential_sha256, tenant_no)
WHERE credential_sha256 IS NOT NULL;
CREATE UNIQUE INDEX sessions_of_external_id ON @sessions (external_id, tenant_no) WHERE external_id IS NOT NULL;

CREATE TABLE @bulk_ends (
  tenant_no bigint NOT NULL REFERENCES @tenants (tenant_no),
  -- Counts the bulk ends of the tenant in the order in which they were decided.
  bulk_no bigint NOT NULL CHECK (bulk_no >= 1),
  -- Whose sessions it ends; without one those of every user.
  user_id text COLLATE "C" CHECK (user_id <> ''),
  decided_at_ms bigint NOT NULL,
  -- The setting that was in force: what the clock had ended under it keeps that end.
  idle_timeout text,
  -- Why the others end; without one only the ends by the clock are kept.
  reason text,
  -- The session that stays, and the newest session that ends.
  spared_ulid bytea CHECK (octet_length(spared_ulid) = 16),
  newest_ulid bytea CHECK (octet_length(newest_ulid) = 16),
  -- Which of the sessions end, as the JSON of a filter; without one all of them.
  filter text,
  -- Of the clock mark.
  era bigint NOT NULL,
  -- Who ended these sessions, and the session for which they made room.
  actor text CHECK (actor <> ''),
  replaced_by_ulid bytea CHECK (octet_length(replaced_by_ulid) = 16),
  -- How many sessions it has stamped, and whether that were all.
  ended bigint NOT NULL,
  done boolean NOT NULL,
  PRIMARY KEY (tenant_no, bulk_no)
);

CREATE TABLE @sign_in_failures (
  tenant_no bigint NOT NULL REFERENCES @tenants (tenant_no),
  -- A tag of an account, of an address, or of both, under a key of the tenant: it tells neither.
  failure_key bytea NOT NULL CHECK (octet_length(failure_key) = 16),
  -- The sign-ins that failed, oldest first, eight bytes each, big-endian: 48 bits of milliseconds, 16 bits of chance.
  failures bytea NOT NULL CHECK (octet_length(failures) BETWEEN 8 AND 8000 AND octet_length(failures) % 8 = 0),
  PRIMARY KEY (tenant_no, failure_key)
);

-- Without a reference to tenants, as sessions.
CREATE TABLE @events (
  tenant_no bigint NOT NULL,
  -- Counts the events of the tenant in the order of their commits, without a gap.
  seq bigint NOT NULL CHECK (seq >= 1),
  -- SHA-256 over the hash before it and the event, once it is sealed.
  hash bytea CHECK (octet_length(hash) = 32),
  -- The ULID of the event's id; its time is the one at which the event was recorded.
  event_ulid bytea NOT NULL CHECK (octet_length(event_ulid) = 16),
  event_type text NOT NULL,
  -- When it happened.
  at_ms bigint NOT NULL,
  session_ulid bytea CHECK (octet_length(session_ulid) = 16),
  user_id text COLLATE "C" CHECK (user_id <> ''),
  actor text CHECK (actor <> ''),
  -- A JSON object, as text: its members keep their order.
  data text NOT NULL,
  PRIMARY KEY (tenant_no, seq)
);

CREATE TABLE @event_seals (
  tenant_no bigint NOT NULL REFERENCES @tenants (tenant_no),
  -- The last event that it vouches for, and that event's hash. The newest seal is kept when its events are deleted.
  seq bigint NOT NULL CHECK (seq >= 1),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  sealed_at_ms bigint NOT NULL,
  kid bytea NOT NULL CHECK (octet_length(kid) = 16),
  signature bytea NOT NULL CHECK (octet_length(signature) = 64),
  PRIMARY KEY (tenant_no, seq)
);

CREATE TABLE @leases (
  tenant_no bigint NOT NULL REFERENCES @tenants (tenant_no),
  -- The work that one process does at a time.
  name text COLLATE "C" NOT NULL CHECK (name <> ''),
  -- The process that does it, and until when it may without saying so again.
  holder bytea NOT NULL CHECK (octet_length(holder) = 16),
  until_ms bigint NOT NULL,
  -- The last event that the work is done with; 0 for work that is about none.
  position bigint NOT NULL CHECK (position >= 0),
  PRIMARY KEY (tenant_no, name)
);

-- Without a reference to tenants, as sessions.
CREATE TABLE @revocations (
  tenant_no bigint NOT NULL,
  -- Grows in the order of the commits, with gaps. The newest entry is kept, so that it goes on growing.
  seq bigint NOT NULL CHECK (seq >= 1),
  -- From this time on every access token that the entry is about has expired.
  until_ms bigint NOT NULL,
  -- The session that has ended; without one, all that had signed in by a time.
  session_ulid bytea CHECK (octet_length(session_ulid) = 16),
  at_ms bigint CHECK ((at_ms IS NULL) = (session_ulid IS NOT NULL)),
  -- Whose; without one every user's.
  user_id text COLLATE "C" CHECK (user_id <> ''),
  -- The session that stayed, and the newest session that ended.
  spared_ulid bytea CHECK (octet_length(spared_ulid) = 16),
  newest_ulid bytea CHECK (octet_length(newest_ulid) = 16),
  -- Sessions in which another person acts for the user have stayed.
  spares_actors boolean NOT NULL,
  -- The list begins here: what ended before may be missing, and no entry before this one counts.
  is_start boolean NOT NULL,
  PRIMARY KEY (tenant_no, seq)
);
