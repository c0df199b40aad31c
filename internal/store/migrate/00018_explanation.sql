-- Where a transaction came from, which rules gave its values, and its last changes.

-- +goose Up
ALTER TABLE transactions ADD COLUMN import_source TEXT NOT NULL DEFAULT '{}';
ALTER TABLE transactions ADD COLUMN derivation TEXT NOT NULL DEFAULT '{}';
CREATE TABLE transaction_changes (
    transaction_id INTEGER NOT NULL REFERENCES transactions (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    synchronisation_id INTEGER NOT NULL,
    rule TEXT NOT NULL,
    former_bank_id TEXT NOT NULL,
    PRIMARY KEY (transaction_id, at, synchronisation_id)
);
