-- name: InsertToken :exec
INSERT INTO oauth_tokens (hash, kind, family, client_id, user_id, scopes, form, authenticated_at, created_at, used_at, expires_at, certificate, device)
VALUES (@hash, @kind, @family, @client_id, @user_id, @scopes, @form, @authenticated_at, @created_at, @used_at, @expires_at, @certificate, @device);

-- name: FindToken :one
SELECT sqlc.embed(oauth_tokens), sqlc.embed(clients) FROM oauth_tokens JOIN clients ON clients.id = oauth_tokens.client_id
WHERE oauth_tokens.hash = @hash AND oauth_tokens.kind = @kind AND oauth_tokens.expires_at > @now;

-- name: FindGrant :one
SELECT sqlc.embed(oauth_tokens), sqlc.embed(clients), COALESCE(users.id, 0) AS known_user, COALESCE(users.terms_version, '') AS terms_version
FROM oauth_tokens JOIN clients ON clients.id = oauth_tokens.client_id LEFT JOIN users ON users.id = oauth_tokens.user_id
WHERE oauth_tokens.hash = @hash AND oauth_tokens.kind = 'access' AND oauth_tokens.expires_at > @now;

-- name: FindEndOfFamily :one
SELECT expires_at FROM oauth_tokens
WHERE family = @family AND kind = @kind AND expires_at > @now AND (used_at = 0 OR used_at > @used_since)
ORDER BY expires_at DESC LIMIT 1;

-- name: UseToken :execrows
UPDATE oauth_tokens SET
    expires_at = CASE WHEN used_at = 0 AND expires_at > @remembered_until THEN @remembered_until ELSE expires_at END,
    used_at = CASE WHEN used_at = 0 THEN @used_at ELSE used_at END
WHERE hash = @hash AND (used_at = 0 OR used_at > @used_since);

-- name: DropTokensOfFamily :exec
DELETE FROM oauth_tokens WHERE family = @family AND kind = @kind;

-- name: DropTokensOfUser :exec
DELETE FROM oauth_tokens WHERE user_id = @user_id AND family <> @except;

-- name: DropTokensOfSignIn :execrows
DELETE FROM oauth_tokens WHERE user_id = @user_id AND family = @family;

-- name: DropExpiredTokens :execrows
DELETE FROM oauth_tokens WHERE expires_at <= @now;

-- name: InsertSigningKey :exec
INSERT INTO signing_keys (id, private_key, created_at) VALUES (@id, @private_key, @created_at);

-- name: ListSigningKeys :many
SELECT * FROM signing_keys ORDER BY created_at DESC, id;

-- name: DropSigningKey :exec
DELETE FROM signing_keys WHERE id = @id;

-- name: UseAssertion :execrows
INSERT INTO client_assertions (hash, expires_at) VALUES (@hash, @expires_at) ON CONFLICT DO NOTHING;

-- name: DropExpiredAssertions :exec
DELETE FROM client_assertions WHERE expires_at <= @now;
