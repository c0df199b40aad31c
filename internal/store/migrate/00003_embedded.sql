-- The tables of EMBEDDED channels: the keys with which clients encrypt, the users'
-- credentials, and the questions of banks.

-- +goose Up
CREATE TABLE keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    public_key TEXT NOT NULL,
    -- The private key, sealed.
    private_key BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX keys_of_user ON keys (user_id);

CREATE TABLE credentials (
    channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    -- The value, sealed. If key_id is not 0, it is an OpenPGP message for that key.
    value BLOB NOT NULL,
    key_id INTEGER NOT NULL,
    masked TEXT NOT NULL,
    PRIMARY KEY (channel_id, id)
);

-- Open questions of banks. The row is deleted when the bank has accepted the answer.
CREATE TABLE questions (
    synchronisation_id INTEGER NOT NULL PRIMARY KEY REFERENCES synchronisations (id) ON DELETE CASCADE,
    challenges TEXT NOT NULL,
    -- The connector's position after the question, sealed.
    state BLOB NOT NULL,
    -- The user's answers, sealed; null before they arrive.
    answers BLOB,
    key_id INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
