-- How often a day the bank lets the channel's access read a resource without the user, if that is less
-- than the bank's data say; 0 if not. It comes with the access, which is sealed, and lists of
-- connections tell it.

-- +goose Up
ALTER TABLE channels ADD COLUMN unattended_per_day INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE channels DROP COLUMN unattended_per_day;
