-- The audit log. An entry never changes: sealing adds the number of its batch, and the end of
-- the retention drops whole batches. subject is the pseudonym of a user, which only the key in
-- audit_keys connects with them; the key goes with the user, and the entries stay.
-- audit_head is locked while a batch is sealed, so that only one node seals.

-- +goose Up
CREATE TABLE audit_entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    batch INTEGER,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    actor TEXT NOT NULL,
    client_id TEXT,
    subject TEXT,
    connection_id INTEGER,
    consent_id INTEGER,
    account_id INTEGER,
    request_id TEXT,
    details TEXT NOT NULL
);
CREATE INDEX audit_entries_of_batch ON audit_entries (batch, id);
CREATE INDEX audit_entries_at ON audit_entries (at);
CREATE INDEX audit_entries_of_client ON audit_entries (client_id, id) WHERE client_id IS NOT NULL;
CREATE INDEX audit_entries_of_subject ON audit_entries (subject, id) WHERE subject IS NOT NULL;
CREATE INDEX audit_entries_of_connection ON audit_entries (connection_id, id) WHERE connection_id IS NOT NULL;
CREATE INDEX audit_entries_of_consent ON audit_entries (consent_id, id) WHERE consent_id IS NOT NULL;
CREATE INDEX audit_entries_of_request ON audit_entries (request_id) WHERE request_id IS NOT NULL;

CREATE TABLE audit_batches (
    number INTEGER NOT NULL PRIMARY KEY,
    entries INTEGER NOT NULL,
    sealed_at INTEGER NOT NULL,
    newest_at INTEGER NOT NULL,
    hash BLOB NOT NULL,
    seal BLOB NOT NULL
);

CREATE TABLE audit_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    sealed_at INTEGER NOT NULL,
    hash BLOB,
    seal BLOB
);
INSERT INTO audit_head (id, number, dropped, sealed_at) VALUES (1, 0, 0, 0);

CREATE TABLE audit_keys (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    subject TEXT NOT NULL UNIQUE,
    value BLOB NOT NULL
);
