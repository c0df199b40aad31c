-- Accounts that the user chose not to share, and may choose another day.

-- +goose Up
ALTER TABLE accounts ADD COLUMN declined BOOLEAN NOT NULL DEFAULT FALSE;
