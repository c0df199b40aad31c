-- How often a process has tried to write after a write that failed.

-- +goose Up
ALTER TABLE installation ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
