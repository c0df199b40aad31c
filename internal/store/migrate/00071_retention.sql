-- The newest event of a user whose retention is over; 0 if none was deleted for its age.

-- +goose Up
ALTER TABLE users ADD COLUMN forgotten_event_id INTEGER NOT NULL DEFAULT 0;
CREATE INDEX events_by_age ON events (at, user_id);

-- +goose Down
DROP INDEX events_by_age;
ALTER TABLE users DROP COLUMN forgotten_event_id;
