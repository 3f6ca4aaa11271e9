-- Who acts for the user in a session, if another person does, as a JSON object; for how long that may last.
ALTER TABLE sessions ADD COLUMN acted_by TEXT;
ALTER TABLE tenants ADD COLUMN max_actor_duration TEXT NOT NULL DEFAULT '1h';
-- The cap, which such sessions do not count for, has ended the sessions that the entry is about.
ALTER TABLE revocations ADD COLUMN spares_actors INTEGER NOT NULL DEFAULT 0 CHECK (spares_actors IN (0, 1));
