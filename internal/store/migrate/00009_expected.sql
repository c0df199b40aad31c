-- Marks balances that include pending transactions.

-- +goose Up
ALTER TABLE accounts ADD COLUMN balance_expected BOOLEAN NOT NULL DEFAULT FALSE;
