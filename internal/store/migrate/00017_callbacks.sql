-- A bank's callback may be repeated: an authorization stays for a while after its callback,
-- with the answer that it was finished with. claimed_by and claimed_at name the request
-- that finishes it, answer is the hash of what the bank sent with the state, and outcome is
-- the result, empty until there is one.

-- +goose Up
ALTER TABLE authorizations ADD COLUMN claimed_by BLOB;
ALTER TABLE authorizations ADD COLUMN claimed_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE authorizations ADD COLUMN answer BLOB;
ALTER TABLE authorizations ADD COLUMN outcome TEXT NOT NULL DEFAULT '';
