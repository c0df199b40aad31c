-- A user may keep the password out of the platform's own pages and enter them by passkeys alone.

-- +goose Up
ALTER TABLE users ADD COLUMN passkeys_alone BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE users DROP COLUMN passkeys_alone;
