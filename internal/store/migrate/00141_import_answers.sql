-- What a user has answered about the files of a bank: how its tables are read, as JSON, '' for
-- none, and the account of files that name none, 0 for none. The account may be gone.

-- +goose Up
CREATE TABLE import_answers (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider_id TEXT NOT NULL,
    mapping TEXT NOT NULL,
    account_id INTEGER NOT NULL,
    PRIMARY KEY (user_id, provider_id)
);

-- +goose Down
DROP TABLE import_answers;
