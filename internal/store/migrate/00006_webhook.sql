-- The address for notifications of synchronisations; empty if there is none.

-- +goose Up
ALTER TABLE clients ADD COLUMN webhook_url TEXT NOT NULL DEFAULT '';
