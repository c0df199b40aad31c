-- A deletion of many rows hides them at once, and removes them in pieces that others need not wait
-- for. Nothing shows an account or a user with the mark.

-- +goose Up
ALTER TABLE accounts ADD COLUMN deleting BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN deleting BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX accounts_deleting ON accounts (user_id) WHERE deleting;
CREATE INDEX users_deleting ON users (id) WHERE deleting;

-- +goose Down
DROP INDEX users_deleting;
DROP INDEX accounts_deleting;
ALTER TABLE users DROP COLUMN deleting;
ALTER TABLE accounts DROP COLUMN deleting;
