-- +goose Up
-- The version of an account's stored rows: whoever compares an answer with them does so before
-- its transaction, and learns inside whether they are still the same.
ALTER TABLE accounts ADD COLUMN rows_version INTEGER NOT NULL DEFAULT 0;
-- The rows of an account that a reading needs whatever their day.
CREATE INDEX transactions_undated ON transactions (account_id) WHERE undated;
CREATE INDEX transactions_open ON transactions (account_id, date) WHERE status = 'PENDING';

-- +goose Down
DROP INDEX transactions_open;
DROP INDEX transactions_undated;
ALTER TABLE accounts DROP COLUMN rows_version;
