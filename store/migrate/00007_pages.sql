-- Which keys our own pages encrypt for: they are of another kind than those that
-- clients ask for.

-- +goose Up
ALTER TABLE keys ADD COLUMN for_pages BOOLEAN NOT NULL DEFAULT FALSE;
