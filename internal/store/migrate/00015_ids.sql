-- New ids of what clients see have at least ten digits, so that their order as texts is
-- their order as numbers (contract §12.15). Existing rows keep their ids. PostgreSQL has
-- its own file in the folder postgres, because its sequences are objects.

-- +goose Up
UPDATE sqlite_sequence SET seq = 1000000000
    WHERE name IN ('users', 'connections', 'accounts', 'transactions', 'keys', 'queues') AND seq < 1000000000;
INSERT INTO sqlite_sequence (name, seq)
    SELECT wanted.name, 1000000000
    FROM (SELECT 'users' AS name UNION SELECT 'connections' UNION SELECT 'accounts' UNION SELECT 'transactions'
        UNION SELECT 'keys' UNION SELECT 'queues') AS wanted
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence AS known WHERE known.name = wanted.name);
