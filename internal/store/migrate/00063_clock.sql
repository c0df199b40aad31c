-- When the clock of a process was believed last; 0 before the first time.

-- +goose Up
ALTER TABLE installation ADD COLUMN believed_at INTEGER NOT NULL DEFAULT 0;
