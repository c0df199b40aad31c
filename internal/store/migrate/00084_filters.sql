-- A list of some days reads their rows and not the whole history, and one of some amounts reads an
-- index of the history and not its rows.

-- +goose Up
CREATE INDEX transactions_by_day ON transactions (user_id, date, imported_at) WHERE status <> 'CANCELLED';
DROP INDEX transactions_counted;
CREATE INDEX transactions_counted ON transactions (user_id, imported_at, amount) WHERE status <> 'CANCELLED';

-- +goose Down
DROP INDEX transactions_counted;
CREATE INDEX transactions_counted ON transactions (user_id, imported_at) WHERE status <> 'CANCELLED';
DROP INDEX transactions_by_day;
