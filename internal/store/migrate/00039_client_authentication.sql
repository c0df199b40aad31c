-- How a client authenticates, if not by a secret: the keys that an operator registers, as JSON.
-- An assertion works once: its hash is kept until it expires.

-- +goose Up
ALTER TABLE clients ADD COLUMN authentication TEXT NOT NULL DEFAULT '{}';
CREATE TABLE client_assertions (
    hash BLOB NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
);
CREATE INDEX client_assertions_expired ON client_assertions (expires_at);
