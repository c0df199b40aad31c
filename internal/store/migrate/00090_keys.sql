-- The processes that serve, each with the name of the master key with which it seals, which is no
-- secret, and its last sign in microseconds: an older key is taken away only when none uses it.

-- +goose Up
CREATE TABLE key_uses (
    process TEXT NOT NULL PRIMARY KEY,
    sealing_key INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
);
