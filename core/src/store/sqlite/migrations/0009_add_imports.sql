-- Sessions that were imported: the SHA-256 of the credential that stands for the first refresh token, and the name of the
-- session where it came from.
ALTER TABLE sessions ADD COLUMN credential_sha256 BLOB CHECK (length(credential_sha256) = 32);
ALTER TABLE sessions ADD COLUMN external_id TEXT CHECK (external_id <> '');

CREATE UNIQUE INDEX sessions_of_credential ON sessions (tenant_no, credential_sha256)
WHERE credential_sha256 IS NOT NULL;
CREATE UNIQUE INDEX sessions_of_external_id ON sessions (tenant_no, external_id) WHERE external_id IS NOT NULL;
