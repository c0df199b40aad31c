-- The id of the request that a synchronisation began with, for the audit log; empty for one
-- that the platform began, and for those of older versions.

-- +goose Up
ALTER TABLE synchronisations ADD COLUMN request_id TEXT NOT NULL DEFAULT '';
