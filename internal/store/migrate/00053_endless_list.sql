-- When a bank's list of accounts last had pages without an end; 0 if the last one ended.

-- +goose Up
ALTER TABLE channels ADD COLUMN endless_list_at INTEGER NOT NULL DEFAULT 0;
