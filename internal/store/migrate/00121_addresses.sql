-- Where each channel's bank keeps an account under the access of the channel: what the calls about
-- the account name it by. Each list replaces it. An account that a list has and that nobody may
-- read has no row. Until now it was accounts.bank_id, which from now on only recognises accounts.
--
-- identities are what an account is recognised by beside its numbers and bank_id, as JSON.

-- +goose Up
CREATE TABLE account_addresses (
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    PRIMARY KEY (account_id, channel_id)
);
CREATE INDEX account_addresses_of_channel ON account_addresses (channel_id);

INSERT INTO account_addresses (account_id, channel_id, address)
SELECT accounts.id, channels.id, accounts.bank_id FROM accounts
JOIN channels ON channels.connection_id = accounts.connection_id AND channels.definition_id = accounts.last_channel_definition_id
WHERE accounts.bank_id <> '';

ALTER TABLE accounts ADD COLUMN identities TEXT NOT NULL DEFAULT '[]';

-- +goose Down
ALTER TABLE accounts DROP COLUMN identities;
DROP TABLE account_addresses;
