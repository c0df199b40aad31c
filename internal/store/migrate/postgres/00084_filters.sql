-- PostgreSQL reads an index alone only if it has the id too.

-- +goose Up
CREATE INDEX transactions_by_day ON transactions (user_id, date, imported_at) INCLUDE (id) WHERE status <> 'CANCELLED';
DROP INDEX transactions_counted;
CREATE INDEX transactions_counted ON transactions (user_id, imported_at) INCLUDE (id, amount) WHERE status <> 'CANCELLED';

-- +goose Down
DROP INDEX transactions_counted;
CREATE INDEX transactions_counted ON transactions (user_id, imported_at) INCLUDE (id) WHERE status <> 'CANCELLED';
DROP INDEX transactions_by_day;
