-- The operators of the console, their second factors and their sessions. initial is set while
-- the password is the one of --console-password. totp_step is the last step whose code was
-- used: a code counts once. A session with complete = FALSE waits for the second factor, and
-- enrolling is the sealed key that it shows meanwhile.

-- +goose Up
CREATE TABLE operators (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    initial BOOLEAN NOT NULL DEFAULT FALSE,
    disabled BOOLEAN NOT NULL DEFAULT FALSE,
    totp_key BLOB,
    totp_step INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX operators_by_name ON operators (name);

CREATE TABLE operator_recovery_codes (
    hash BLOB NOT NULL PRIMARY KEY,
    operator_id INTEGER NOT NULL REFERENCES operators (id) ON DELETE CASCADE
);
CREATE INDEX operator_recovery_codes_of_operator ON operator_recovery_codes (operator_id);

CREATE TABLE operator_sessions (
    hash BLOB NOT NULL PRIMARY KEY,
    operator_id INTEGER NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    complete BOOLEAN NOT NULL,
    enrolling BLOB,
    tries INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    confirmed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX operator_sessions_of_operator ON operator_sessions (operator_id);
CREATE INDEX operator_sessions_expired ON operator_sessions (expires_at);
