-- Where a client hears of synchronisations; empty where it does not.

-- +goose Up
ALTER TABLE clients ADD COLUMN webhook_url TEXT NOT NULL DEFAULT '';
