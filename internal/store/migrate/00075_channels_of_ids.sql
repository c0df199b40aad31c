-- Which channels gave each of bank_ids: ids of two channels are not comparable, and a row may
-- be known by both. Older rows have ids of the channel that read them last.

-- +goose Up
ALTER TABLE transactions ADD COLUMN channels_of_ids TEXT NOT NULL DEFAULT '[]';

-- +goose Down
ALTER TABLE transactions DROP COLUMN channels_of_ids;
