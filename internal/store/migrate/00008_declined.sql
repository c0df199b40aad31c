-- Accounts that the user did not select, and may select later.

-- +goose Up
ALTER TABLE accounts ADD COLUMN declined BOOLEAN NOT NULL DEFAULT FALSE;
