-- The methods that the user has passed, with the last time of each, as a JSON array, the newest last. Without one the user
-- authenticated when the session signed in.
ALTER TABLE sessions ADD COLUMN factors TEXT;
