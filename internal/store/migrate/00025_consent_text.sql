-- The language and the words of the page on which a user consented; empty for the consents of
-- older versions, and for those that a client took.

-- +goose Up
ALTER TABLE consents ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE consents ADD COLUMN words TEXT NOT NULL DEFAULT '';
