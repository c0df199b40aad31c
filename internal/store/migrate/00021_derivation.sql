-- The number of the derivation by which a connection's rows were read from their sealed
-- records, and the place that a newer one has reached. Rows of older versions have 0.

-- +goose Up
ALTER TABLE connections ADD COLUMN derivation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE connections ADD COLUMN deriving TEXT NOT NULL DEFAULT '{}';
CREATE INDEX connections_by_derivation ON connections (derivation);

-- Whether a row has values that an earlier record gave, and that its present one lacks. Of
-- the rows of older versions it may be true if they have changed, or two channels read them.
ALTER TABLE transactions ADD COLUMN merged BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE transactions SET merged = TRUE WHERE updated_at <> 0 OR account_id IN (
    SELECT a.id FROM accounts a JOIN channels c ON c.connection_id = a.connection_id GROUP BY a.id HAVING count(*) > 1);
