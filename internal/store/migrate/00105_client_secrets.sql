-- A client's secret has an end, if its operator wants one: secrets is a JSON list of
-- {"hash": ..., "made_at": ..., "ends_at": ...} in the place of a list of hashes. Of the secrets of before
-- neither is known. client_secret_uses has the day on which a secret was last used, apart from the
-- client's row, so that a use does not change the row. Text functions serve both databases: a hash in
-- base64 has no quotation mark.

-- +goose Up
ALTER TABLE clients ADD COLUMN secrets TEXT NOT NULL DEFAULT '[]';
UPDATE clients SET secrets = replace(replace(replace(secret_hashes, '","', '"},{"hash":"'), '["', '[{"hash":"'), '"]', '"}]')
WHERE secret_hashes LIKE '["%';
ALTER TABLE clients DROP COLUMN secret_hashes;
CREATE TABLE client_secret_uses (
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    used_on INTEGER NOT NULL,
    PRIMARY KEY (client_id, hash)
);
