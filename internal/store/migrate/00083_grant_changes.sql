-- What changes the answer to "what does this access token allow", in the order of the commits, so
-- that every process that keeps such answers in memory forgets them. The newest thousand rows stay.
-- PostgreSQL has notifications for this, and leaves the table empty.

-- +goose Up
CREATE TABLE grant_changes (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    -- "client ID", "user ID", "family ID" or "all"
    subject TEXT NOT NULL
);
