-- name: FindClient :one
SELECT * FROM clients WHERE id = @id;

-- name: ListClients :many
SELECT * FROM clients ORDER BY id;

-- name: SaveClient :exec
INSERT INTO clients (id, name, secret_hashes, redirect_uris, any_redirect_uri, licensed, settings, theme, authentication, sandbox, disabled, confirm_return, created_at)
VALUES (@id, @name, @secret_hashes, @redirect_uris, @any_redirect_uri, @licensed, @settings, @theme, @authentication, @sandbox, @disabled, @confirm_return, @created_at)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name, secret_hashes = excluded.secret_hashes, redirect_uris = excluded.redirect_uris,
    any_redirect_uri = excluded.any_redirect_uri, licensed = excluded.licensed,
    settings = excluded.settings, theme = excluded.theme, authentication = excluded.authentication, disabled = excluded.disabled,
    confirm_return = excluded.confirm_return;

-- name: MarkClientDeleting :execrows
UPDATE clients SET deleting = TRUE, disabled = TRUE, secret_hashes = '[]', settings = '{}', authentication = '{}' WHERE id = @id;

-- name: DropTokensOfClient :execrows
DELETE FROM oauth_tokens WHERE hash IN (
    SELECT t.hash FROM oauth_tokens t WHERE t.client_id = @client_id AND t.user_id IS NULL LIMIT CAST(@most AS BIGINT));

-- name: DeleteClient :exec
DELETE FROM clients WHERE clients.id = @id AND clients.deleting AND NOT EXISTS (SELECT 1 FROM users WHERE users.client_id = clients.id);
