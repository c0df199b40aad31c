-- A disabled client and its users come in through no door.

-- +goose Up
ALTER TABLE clients ADD COLUMN disabled BOOLEAN NOT NULL DEFAULT FALSE;
