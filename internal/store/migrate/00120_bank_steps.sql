-- What a connector's way in has to keep between two steps, by the hash of the state of the
-- authorization that it belongs to. Rows exist only for connectors that keep something. As
-- held_accesses, they refer to no other row: if their authorization is deleted, what was begun
-- at the bank is deleted there all the same.

-- +goose Up
CREATE TABLE bank_steps (
    state_hash BLOB NOT NULL PRIMARY KEY,
    provider_id TEXT NOT NULL,
    definition_id TEXT NOT NULL,
    -- What all steps have in common, sealed.
    journey BLOB NOT NULL,
    -- The connector's state, sealed; empty while it has none.
    state BLOB NOT NULL,
    -- What the user has to do or to see, sealed; empty while they are at the bank.
    shown BLOB NOT NULL,
    -- When the connector is to be asked again; zero if an input of the user comes next.
    due_at INTEGER NOT NULL
);
CREATE INDEX bank_steps_due ON bank_steps (due_at);

-- +goose Down
DROP TABLE bank_steps;
