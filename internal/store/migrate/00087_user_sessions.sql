-- The sessions of users at the page of their own, and on what kind of device a user has signed in
-- to an application. expires_at moves with each request.

-- +goose Up
CREATE TABLE user_sessions (
    hash BLOB NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    confirmed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX user_sessions_of_user ON user_sessions (user_id);
CREATE INDEX user_sessions_expired ON user_sessions (expires_at);
ALTER TABLE oauth_tokens ADD COLUMN device TEXT NOT NULL DEFAULT '';
