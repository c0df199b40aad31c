-- The platform's tables. One text serves both databases: it is written for SQLite,
-- and store/dialect.go rewrites the few words in which PostgreSQL differs.
-- Instants are microseconds since 1970 in UTC, 0 for none; days are YYYY-MM-DD, ''
-- for none; amounts are steps of 10^-5 of the currency beside them.

-- +goose Up
CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    secret_hashes TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,
    any_redirect_uri BOOLEAN NOT NULL,
    licensed BOOLEAN NOT NULL,
    created_at INTEGER NOT NULL
);

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client_id TEXT NOT NULL REFERENCES clients (id),
    email TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    profile TEXT NOT NULL,
    terms_accepted_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- The lock of this row orders a user's events and imports, which both count from here.
    last_event_id INTEGER NOT NULL DEFAULT 0,
    last_import_at INTEGER NOT NULL DEFAULT 0,
    UNIQUE (client_id, email)
);

CREATE TABLE connections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider_id TEXT NOT NULL,
    name TEXT NOT NULL,
    auto_sync BOOLEAN NOT NULL,
    consent_per_account BOOLEAN NOT NULL,
    owner TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX connections_of_user ON connections (user_id, id);

CREATE TABLE channels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    connection_id INTEGER NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    definition_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    status TEXT NOT NULL,
    awaits_consent BOOLEAN NOT NULL,
    consent_until INTEGER NOT NULL,
    last_success_at INTEGER NOT NULL,
    last_end_at INTEGER NOT NULL,
    next_sync_at INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    -- The access to the bank, sealed; null if there is none.
    access BLOB,
    UNIQUE (connection_id, definition_id)
);
CREATE INDEX channels_due ON channels (next_sync_at) WHERE next_sync_at > 0;

CREATE TABLE synchronisations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    psu TEXT NOT NULL,
    progress TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    new_transactions INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL
);
CREATE INDEX synchronisations_of_channel ON synchronisations (channel_id);
-- A channel has at most one unfinished synchronisation.
CREATE UNIQUE INDEX synchronisations_live ON synchronisations (channel_id) WHERE ended_at = 0;

-- Pages of the account being read: reconciliation needs the whole window at once.
CREATE TABLE staged_pages (
    synchronisation_id INTEGER NOT NULL REFERENCES synchronisations (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL,
    page INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (synchronisation_id, account_id, page)
);

CREATE TABLE accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- null for an account that the client created through the API
    connection_id INTEGER REFERENCES connections (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    usage TEXT NOT NULL,
    currency TEXT NOT NULL,
    balance INTEGER NOT NULL,
    balance_at INTEGER NOT NULL,
    iban TEXT NOT NULL,
    number TEXT NOT NULL,
    masked_number TEXT NOT NULL,
    owner_name TEXT NOT NULL,
    last_channel_definition_id TEXT NOT NULL,
    bank_id TEXT NOT NULL,
    covered_until TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX accounts_of_user ON accounts (user_id, id);
CREATE INDEX accounts_of_connection ON accounts (connection_id, id);

-- Accounts deleted on request, by a hash of their identity. Later synchronisations
-- ignore them (contract §8).
CREATE TABLE forgotten_accounts (
    connection_id INTEGER NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    identity BLOB NOT NULL,
    PRIMARY KEY (connection_id, identity)
);

CREATE TABLE transactions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    origin TEXT NOT NULL,
    category TEXT NOT NULL,
    date TEXT NOT NULL,
    booking_date TEXT NOT NULL,
    value_date TEXT NOT NULL,
    transaction_date TEXT NOT NULL,
    label TEXT NOT NULL,
    notes TEXT NOT NULL,
    source_label TEXT NOT NULL,
    remittance TEXT NOT NULL,
    check_number TEXT NOT NULL,
    counterparty TEXT NOT NULL,
    imported_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- Used by reconciliation to recognise the row in the bank's next answer.
    bank_ids TEXT NOT NULL,
    words TEXT NOT NULL,
    end_to_end_id TEXT NOT NULL,
    mandate_id TEXT NOT NULL,
    balance_after INTEGER,
    channel_definition_id TEXT NOT NULL,
    missing_since TEXT NOT NULL,
    -- The bank's record, sealed.
    raw BLOB NOT NULL
);
CREATE UNIQUE INDEX transactions_imported ON transactions (user_id, imported_at);
CREATE INDEX transactions_of_account ON transactions (account_id, imported_at);
CREATE INDEX transactions_by_date ON transactions (account_id, date);

CREATE TABLE consents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    connection_id INTEGER NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    all_accounts BOOLEAN NOT NULL,
    accounts TEXT NOT NULL,
    text_version TEXT NOT NULL,
    given_at INTEGER NOT NULL,
    valid_until INTEGER NOT NULL
);

CREATE INDEX consents_of_user ON consents (user_id);
CREATE INDEX consents_of_connection ON consents (connection_id);
CREATE INDEX consents_of_channel ON consents (channel_id);

-- Pending authorizations at banks, by the hash of their state.
CREATE TABLE authorizations (
    state_hash BLOB NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    definition_id TEXT NOT NULL,
    connection_id INTEGER REFERENCES connections (id) ON DELETE CASCADE,
    client_redirect BOOLEAN NOT NULL,
    return_uri TEXT NOT NULL,
    bank_redirect_uri TEXT NOT NULL,
    verifier BLOB NOT NULL,
    consent_per_account BOOLEAN NOT NULL,
    auto_sync BOOLEAN NOT NULL,
    queue_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX authorizations_of_user ON authorizations (user_id, created_at);
CREATE INDEX authorizations_of_connection ON authorizations (connection_id);

CREATE TABLE events (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id INTEGER NOT NULL,
    connection_id INTEGER NOT NULL,
    type TEXT NOT NULL,
    definition_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    resource TEXT NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (user_id, id)
);

CREATE TABLE queues (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    created_at INTEGER NOT NULL
);

CREATE INDEX queues_of_user ON queues (user_id);

-- Accesses without the user, counted here because banks limit them.
CREATE TABLE unattended_accesses (
    channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    resource TEXT NOT NULL,
    day TEXT NOT NULL,
    accesses INTEGER NOT NULL,
    PRIMARY KEY (channel_id, resource, day)
);

-- The rate limit of calls to a bank over all users: the theoretical arrival time of GCRA.
CREATE TABLE bank_paces (
    provider_id TEXT NOT NULL PRIMARY KEY,
    arrival_at INTEGER NOT NULL
);
