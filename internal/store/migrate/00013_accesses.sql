-- Counts the accesses without the user as banks do: by user, bank and account, whichever
-- connection asks. The counts outlive a deleted connection. Those of the day of the
-- upgrade begin anew: their channel does not tell the account.

-- +goose Up
DROP TABLE unattended_accesses;
CREATE TABLE unattended_accesses (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    day TEXT NOT NULL,
    -- A keyed hash of user, bank, account and resource.
    subject BLOB NOT NULL,
    accesses INTEGER NOT NULL,
    PRIMARY KEY (user_id, day, subject)
);
CREATE INDEX unattended_accesses_by_day ON unattended_accesses (day);
