-- What the currency of an account is known from: 0 if the bank has not named it, 1 its rows, 2 its balance, 3 its
-- list. Of an account that is stored already nobody knows: the bank's next word counts.

-- +goose Up
ALTER TABLE accounts ADD COLUMN currency_word INTEGER NOT NULL DEFAULT 0;
