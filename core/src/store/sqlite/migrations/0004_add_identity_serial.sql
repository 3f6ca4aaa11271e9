-- The serial of the access token that the last update of organisation, role, second factor or claims issued; 0 before the
-- first update. A token with a lower serial tells of the session as it was before.
ALTER TABLE sessions ADD COLUMN identity_serial INTEGER NOT NULL DEFAULT 0;
