-- The settings of clients that rooms declare, by their names. The address of webhooks is
-- one of them.

-- +goose Up
ALTER TABLE clients ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
UPDATE clients SET settings = json_build_object('webhook_url', json_build_object('value', webhook_url))::text WHERE webhook_url <> '';
ALTER TABLE clients DROP COLUMN webhook_url;
