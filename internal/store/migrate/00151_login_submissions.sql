-- The last time that a channel's password was sent to its bank, recorded before it is sent: in
-- which synchronisation, and what became of it. SENT is known of none, ACCEPTED and REFUSED are
-- what the bank said. A password is not typed twice by itself: it waits for the user after a
-- REFUSED one, and after one whose outcome is not known.

-- +goose Up
CREATE TABLE login_submissions (
    channel_id INTEGER NOT NULL PRIMARY KEY REFERENCES channels (id) ON DELETE CASCADE,
    synchronisation_id INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    submitted_at INTEGER NOT NULL
);

-- +goose Down
DROP TABLE login_submissions;
