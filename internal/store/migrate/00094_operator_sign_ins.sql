-- What operators are told about sign-ins to their account: the last one, how many passwords and codes were
-- refused since (refused), and codes that were given again after their use (replays), until they have seen
-- it. A session keeps what was true when it began.

-- +goose Up
ALTER TABLE operators ADD COLUMN signed_in_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE operators ADD COLUMN signed_in_from TEXT NOT NULL DEFAULT '';
ALTER TABLE operators ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE operators ADD COLUMN replays INTEGER NOT NULL DEFAULT 0;
ALTER TABLE operators ADD COLUMN replayed_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE operators ADD COLUMN replayed_from TEXT NOT NULL DEFAULT '';
ALTER TABLE operator_sessions ADD COLUMN last_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE operator_sessions ADD COLUMN last_from TEXT NOT NULL DEFAULT '';
ALTER TABLE operator_sessions ADD COLUMN last_refused INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE operator_sessions DROP COLUMN last_refused;
ALTER TABLE operator_sessions DROP COLUMN last_from;
ALTER TABLE operator_sessions DROP COLUMN last_at;
ALTER TABLE operators DROP COLUMN replayed_from;
ALTER TABLE operators DROP COLUMN replayed_at;
ALTER TABLE operators DROP COLUMN replays;
ALTER TABLE operators DROP COLUMN refused;
ALTER TABLE operators DROP COLUMN signed_in_from;
ALTER TABLE operators DROP COLUMN signed_in_at;
