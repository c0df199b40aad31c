-- The first day that the reading covered which showed a record that cannot be read: a later
-- reading of the same days that lacks the record shows that the bank has repented.

-- +goose Up
ALTER TABLE unreadable_records ADD COLUMN covered_from TEXT NOT NULL DEFAULT '';
