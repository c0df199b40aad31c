-- Marks the keys of the hosted pages, which are separate from keys requested by clients.

-- +goose Up
ALTER TABLE keys ADD COLUMN for_pages BOOLEAN NOT NULL DEFAULT FALSE;
