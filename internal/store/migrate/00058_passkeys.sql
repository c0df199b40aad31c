-- Passkeys of operators, a second factor beside the authenticator app. A credential's id and
-- its challenge are base64url; public_key is SubjectPublicKeyInfo in DER. A challenge of a
-- session is used once.

-- +goose Up
CREATE TABLE operator_passkeys (
    id TEXT NOT NULL PRIMARY KEY,
    operator_id INTEGER NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    party TEXT NOT NULL,
    public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX operator_passkeys_of_operator ON operator_passkeys (operator_id);
ALTER TABLE operator_sessions ADD COLUMN challenge TEXT NOT NULL DEFAULT '';
ALTER TABLE operator_sessions ADD COLUMN challenge_until INTEGER NOT NULL DEFAULT 0;
