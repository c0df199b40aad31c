-- Passkeys of users, in the place of the password. A credential's id is base64url; public_key is
-- SubjectPublicKeyInfo in DER. Challenges are made from the form that asks, and each is used once: a
-- row keeps the hash of a used one until it has ended.

-- +goose Up
CREATE TABLE user_passkeys (
    id TEXT NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    party TEXT NOT NULL,
    public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX user_passkeys_of_user ON user_passkeys (user_id);

CREATE TABLE used_challenges (
    hash BLOB NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
);
CREATE INDEX used_challenges_expired ON used_challenges (expires_at);
