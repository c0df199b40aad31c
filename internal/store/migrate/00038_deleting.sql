-- A client that an operator has deleted is refused everywhere until its users and tokens are
-- gone, and then its row goes. The index finds the tokens of the client itself.

-- +goose Up
ALTER TABLE clients ADD COLUMN deleting BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX oauth_tokens_of_client ON oauth_tokens (client_id) WHERE user_id IS NULL;
