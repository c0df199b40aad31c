-- +goose Up
-- A list of the few rows that are pending does not walk through all the others. With the id in
-- the index, as SQLite has it, a page far back skips the rows before it without reading them.
CREATE INDEX transactions_pending ON transactions (user_id, imported_at) INCLUDE (id) WHERE status = 'PENDING';
DROP INDEX transactions_counted;
CREATE INDEX transactions_counted ON transactions (user_id, imported_at) INCLUDE (id) WHERE status <> 'CANCELLED';
-- Metrics count, sweeps and the console look for few rows: none of them reads a whole table.
CREATE INDEX channels_by_status ON channels (status);
CREATE INDEX authorizations_by_end ON authorizations (expires_at);
CREATE INDEX accounts_in_doubt ON accounts (id) WHERE coverage LIKE '%"doubt":{%' AND NOT declined;

-- +goose Down
DROP INDEX accounts_in_doubt;
DROP INDEX authorizations_by_end;
DROP INDEX channels_by_status;
DROP INDEX transactions_counted;
CREATE INDEX transactions_counted ON transactions (user_id, imported_at) WHERE status <> 'CANCELLED';
DROP INDEX transactions_pending;
