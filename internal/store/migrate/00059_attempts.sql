-- The wrong passwords of strangers for an account within the last hour, which they share: the
-- time of each in milliseconds, in order. until is when the last one counts no more.

-- +goose Up
CREATE TABLE attempts (
    subject BLOB NOT NULL PRIMARY KEY,
    times TEXT NOT NULL,
    until INTEGER NOT NULL
);
CREATE INDEX attempts_until ON attempts (until);
