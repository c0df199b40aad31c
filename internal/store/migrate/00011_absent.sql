-- Absent values become absent: a balance that no bank has given, and the day of a row
-- without one. Beside them, what an account's last reading covers, its other balances,
-- and the bank's records that cannot be read.

-- +goose Up
ALTER TABLE accounts ADD COLUMN given_balance INTEGER;
-- Older versions stored 0 before the first reading, and as a card's balance if the bank
-- gave none; the next reading stores a real 0 again.
UPDATE accounts SET given_balance = balance
    WHERE balance_at <> 0 AND NOT (type = 'CREDIT_CARD' AND balance = 0 AND connection_id IS NOT NULL);
UPDATE accounts SET balance_at = 0 WHERE given_balance IS NULL;
ALTER TABLE accounts DROP COLUMN balance;
ALTER TABLE accounts RENAME COLUMN given_balance TO balance;
ALTER TABLE accounts ADD COLUMN balances TEXT NOT NULL DEFAULT '[]';
ALTER TABLE accounts ADD COLUMN coverage TEXT NOT NULL DEFAULT '{}';

ALTER TABLE transactions ADD COLUMN undated BOOLEAN NOT NULL DEFAULT FALSE;
-- The day of the import in winter time: the last hour of a summer's day counts to it.
UPDATE transactions SET undated = TRUE, date = strftime('%Y-%m-%d', imported_at / 1000000 + 3600, 'unixepoch') WHERE date = '';

CREATE TABLE unreadable_records (
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    -- A keyed hash of the record, so that each is stored once.
    content BLOB NOT NULL,
    reason TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    -- The record, sealed.
    raw BLOB NOT NULL,
    PRIMARY KEY (account_id, content)
);
