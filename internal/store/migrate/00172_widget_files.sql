-- A client may let its users send files of their bank in the widget. What they agree to by sending
-- one is evidence of its own: file_consents belong to no channel, and share no owner of a connection.

-- +goose Up
ALTER TABLE clients ADD COLUMN widget_files BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE file_consents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    connection_id INTEGER NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    accounts TEXT NOT NULL,
    text_version TEXT NOT NULL,
    language TEXT NOT NULL,
    words TEXT NOT NULL,
    given_at INTEGER NOT NULL
);
CREATE INDEX file_consents_of_user ON file_consents (user_id);
CREATE INDEX file_consents_of_connection ON file_consents (connection_id);

-- +goose Down
DROP TABLE file_consents;
ALTER TABLE clients DROP COLUMN widget_files;
