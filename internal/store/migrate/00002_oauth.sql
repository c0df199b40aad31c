-- The tables of the authorization server.

-- +goose Up

-- Access tokens, refresh tokens and authorisation codes, by the hash of each.
CREATE TABLE oauth_tokens (
    hash BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    -- The tokens of one sign-in, which are revoked together.
    family TEXT NOT NULL,
    client_id TEXT NOT NULL REFERENCES clients (id),
    -- null for a token of the client itself
    user_id INTEGER REFERENCES users (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    -- The parameters that the exchange of a code must match, as a query string.
    form TEXT NOT NULL,
    authenticated_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- A used refresh token or code is kept to detect its reuse.
    used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX oauth_tokens_of_family ON oauth_tokens (family);
CREATE INDEX oauth_tokens_of_user ON oauth_tokens (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX oauth_tokens_expired ON oauth_tokens (expires_at);

-- The keys that sign id_tokens: the newest signs, the others still verify.
CREATE TABLE signing_keys (
    id TEXT NOT NULL PRIMARY KEY,
    -- PKCS #8, sealed.
    private_key BLOB NOT NULL,
    created_at INTEGER NOT NULL
);

-- The rate limit of password attempts: GCRA, by a keyed hash of client and e-mail.
CREATE TABLE password_paces (
    subject BLOB NOT NULL PRIMARY KEY,
    arrival_at INTEGER NOT NULL
);
