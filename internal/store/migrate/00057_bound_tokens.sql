-- The certificate to which a token is bound (RFC 8705 §3.1): its x5t#S256, empty for a bearer token.

-- +goose Up
ALTER TABLE oauth_tokens ADD COLUMN certificate TEXT NOT NULL DEFAULT '';
