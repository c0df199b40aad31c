-- A first password, which the platform or the start's settings have made, ends at password_until; its
-- operator puts another one in its place, which has no end: 0. Operators of before keep theirs.

-- +goose Up
ALTER TABLE operators ADD COLUMN password_until INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE operators DROP COLUMN password_until;
