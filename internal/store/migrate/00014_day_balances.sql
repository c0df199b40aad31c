-- The booked balance that each reading found, one a day, against which the rows are checked.

-- +goose Up
CREATE TABLE day_balances (
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    day TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    read_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, day)
);
