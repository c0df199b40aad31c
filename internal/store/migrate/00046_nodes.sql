-- The processes that work jobs, each with its last sign of life by the database's clock, in
-- microseconds, and the number of the lock that its connection holds; and the renewals of
-- access that are under way, each claimed by a process before it is sent.

-- +goose Up
CREATE TABLE nodes (
    id TEXT NOT NULL PRIMARY KEY,
    beat_at INTEGER NOT NULL,
    session INTEGER NOT NULL
);
CREATE TABLE renewals (
    channel_id INTEGER NOT NULL PRIMARY KEY REFERENCES channels (id) ON DELETE CASCADE,
    node TEXT NOT NULL,
    claimed_at INTEGER NOT NULL
);
