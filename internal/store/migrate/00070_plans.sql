-- +goose Up
-- A list of the few rows that are pending does not walk through all the others.
CREATE INDEX transactions_pending ON transactions (user_id, imported_at) WHERE status = 'PENDING';
-- Metrics count, sweeps and the console look for few rows: none of them reads a whole table.
CREATE INDEX channels_by_status ON channels (status);
CREATE INDEX authorizations_by_end ON authorizations (expires_at);
CREATE INDEX accounts_in_doubt ON accounts (id) WHERE coverage LIKE '%"doubt":{%' AND NOT declined;

-- +goose Down
DROP INDEX accounts_in_doubt;
DROP INDEX authorizations_by_end;
DROP INDEX channels_by_status;
DROP INDEX transactions_pending;
