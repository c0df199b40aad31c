-- The days on which complete readings lacked a missing transaction, and an index of those
-- that lists show: a cancelled one is shown only if a list names its status.

-- +goose Up
ALTER TABLE transactions ADD COLUMN absent_on TEXT NOT NULL DEFAULT '[]';
CREATE INDEX transactions_counted ON transactions (user_id, imported_at) WHERE status <> 'CANCELLED';
