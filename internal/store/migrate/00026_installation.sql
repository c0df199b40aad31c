-- What a database belongs to: a sandbox or a real platform, and a master key. kind is empty
-- until the first process serves it. key_check is a value that only the master key opens.
-- The sandbox's own clients, whose secrets are public, are marked: until now, any_redirect_uri
-- was theirs alone.

-- +goose Up
ALTER TABLE clients ADD COLUMN sandbox BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE clients SET sandbox = TRUE WHERE any_redirect_uri;

CREATE TABLE installation (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    kind TEXT NOT NULL,
    key_check BLOB
);
INSERT INTO installation (id, kind) VALUES (1, CASE
    WHEN EXISTS (SELECT 1 FROM clients WHERE sandbox) THEN 'sandbox'
    WHEN EXISTS (SELECT 1 FROM users) THEN 'real'
    ELSE '' END);
