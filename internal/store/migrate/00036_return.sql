-- The return from a bank is bound to the browser that left. browser is the hash of the value
-- of its cookie, null for an authorization that a client began itself. device is the kind of
-- device that left, and client_state the state that mode A gives back to the client.
--
-- held_accesses are accesses that came back in another browser: sealed, and attached to
-- nothing until somebody answers the question of the page. question_hash is the hash of
-- the secret in that page's address. They refer to no other row: if their authorization is
-- deleted, the access still goes back to its bank.

-- +goose Up
ALTER TABLE authorizations ADD COLUMN browser BLOB;
ALTER TABLE authorizations ADD COLUMN device TEXT NOT NULL DEFAULT '';
ALTER TABLE authorizations ADD COLUMN client_state TEXT NOT NULL DEFAULT '';

ALTER TABLE clients ADD COLUMN confirm_return BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE held_accesses (
    question_hash BLOB NOT NULL PRIMARY KEY,
    state_hash BLOB NOT NULL,
    provider_id TEXT NOT NULL,
    definition_id TEXT NOT NULL,
    -- Sealed; empty once the question is answered.
    access BLOB NOT NULL,
    answered BOOLEAN NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX held_accesses_of_state ON held_accesses (state_hash);
CREATE INDEX held_accesses_by_expiry ON held_accesses (expires_at);
