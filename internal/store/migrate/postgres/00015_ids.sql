-- New ids of what clients see have at least ten digits, so that their order as texts is
-- their order as numbers (contract §12.15). Existing rows keep their ids.

-- +goose Up
SELECT setval(pg_get_serial_sequence(name, 'id'), greatest(nextval(pg_get_serial_sequence(name, 'id')), 1000000001), false)
    FROM unnest(ARRAY['users', 'connections', 'accounts', 'transactions', 'keys', 'queues']) AS name;
