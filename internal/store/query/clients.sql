-- name: FindClient :one
SELECT * FROM clients WHERE id = @id;

-- name: ListClients :many
SELECT * FROM clients ORDER BY id;

-- name: SaveClient :exec
INSERT INTO clients (id, name, secrets, redirect_uris, any_redirect_uri, licensed, settings, theme, authentication, sandbox, disabled, confirm_return, widget_files, created_at)
VALUES (@id, @name, @secrets, @redirect_uris, @any_redirect_uri, @licensed, @settings, @theme, @authentication, @sandbox, @disabled, @confirm_return, @widget_files, @created_at)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name, secrets = excluded.secrets, redirect_uris = excluded.redirect_uris,
    any_redirect_uri = excluded.any_redirect_uri, licensed = excluded.licensed,
    settings = excluded.settings, theme = excluded.theme, authentication = excluded.authentication, disabled = excluded.disabled,
    confirm_return = excluded.confirm_return, widget_files = excluded.widget_files;

-- name: MarkClientDeleting :execrows
UPDATE clients SET deleting = TRUE, disabled = TRUE, secrets = '[]', settings = '{}', authentication = '{}' WHERE id = @id;

-- name: DropTokensOfClient :execrows
DELETE FROM oauth_tokens WHERE hash IN (
    SELECT t.hash FROM oauth_tokens t WHERE t.client_id = @client_id AND t.user_id IS NULL LIMIT CAST(@most AS BIGINT));

-- name: DeleteClient :exec
DELETE FROM clients WHERE clients.id = @id AND clients.deleting AND NOT EXISTS (SELECT 1 FROM users WHERE users.client_id = clients.id);

-- name: ListSecretUses :many
SELECT * FROM client_secret_uses WHERE client_id = @client_id;

-- name: RecordSecretUse :exec
INSERT INTO client_secret_uses (client_id, hash, used_on) VALUES (@client_id, @hash, @used_on)
ON CONFLICT (client_id, hash) DO UPDATE SET used_on = excluded.used_on WHERE client_secret_uses.used_on < excluded.used_on;

-- name: ForgetSecretUse :exec
DELETE FROM client_secret_uses WHERE client_id = @client_id AND hash = @hash;
