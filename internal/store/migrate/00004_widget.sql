-- The sessions and flows of the widget.

-- +goose Up
ALTER TABLE users ADD COLUMN terms_version TEXT NOT NULL DEFAULT '';

CREATE TABLE widget_sessions (
    id_hash BLOB NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    -- The hash of the access token and the family of the refresh token, if any: the
    -- session ends with them.
    token_hash BLOB NOT NULL,
    family TEXT NOT NULL,
    -- The client's parameters of the session, as a query string.
    parameters TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX widget_sessions_of_user ON widget_sessions (user_id);
CREATE INDEX widget_sessions_expired ON widget_sessions (expires_at);

CREATE TABLE widget_flows (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_hash BLOB NOT NULL REFERENCES widget_sessions (id_hash) ON DELETE CASCADE,
    -- The session's id, sealed: the bank's callback leads back to the session.
    session BLOB NOT NULL,
    connection_id INTEGER REFERENCES connections (id) ON DELETE SET NULL,
    -- The last channel definition with access, and the number of attempts.
    entered TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    -- The state of the flow, opaque to the store.
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX widget_flows_of_session ON widget_flows (session_hash, id);
CREATE INDEX widget_flows_of_connection ON widget_flows (connection_id);

ALTER TABLE authorizations ADD COLUMN flow_id INTEGER REFERENCES widget_flows (id) ON DELETE CASCADE;
CREATE INDEX authorizations_of_flow ON authorizations (flow_id);
