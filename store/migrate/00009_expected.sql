-- Balances that count what is pending, so that the booked ones can be told from them.

-- +goose Up
ALTER TABLE accounts ADD COLUMN balance_expected BOOLEAN NOT NULL DEFAULT FALSE;
