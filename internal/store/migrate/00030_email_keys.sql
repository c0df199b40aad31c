-- The canonical form of an e-mail, by which a user of a client is found (contract §12.13).
-- Null if another user had it before the forms were compared: such a user is found by the
-- exact e-mail alone. The next migration fills it.

-- +goose Up
ALTER TABLE users ADD COLUMN email_key TEXT;
CREATE UNIQUE INDEX users_by_email_key ON users (client_id, email_key);
CREATE INDEX users_without_email_key ON users (id) WHERE email_key IS NULL;
