-- A queue that nobody has read for as long as events are kept ends. polled_at is the day of the last
-- reading; 0 for queues of before, whose time begins with the first sweep. ended_queue_id is the newest
-- queue of a user that has ended so.

-- +goose Up
ALTER TABLE queues ADD COLUMN polled_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN ended_queue_id INTEGER NOT NULL DEFAULT 0;
CREATE INDEX queues_by_age ON queues (polled_at, user_id);

-- +goose Down
DROP INDEX queues_by_age;
ALTER TABLE users DROP COLUMN ended_queue_id;
ALTER TABLE queues DROP COLUMN polled_at;
