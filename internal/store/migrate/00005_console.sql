-- For the console: the outcome of synchronisations, and the colours of a client.

-- +goose Up
ALTER TABLE synchronisations ADD COLUMN outcome TEXT NOT NULL DEFAULT '';
ALTER TABLE synchronisations ADD COLUMN problem TEXT NOT NULL DEFAULT '';
CREATE INDEX synchronisations_by_end ON synchronisations (ended_at);

ALTER TABLE clients ADD COLUMN theme TEXT NOT NULL DEFAULT '{}';
