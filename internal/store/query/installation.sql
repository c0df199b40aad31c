-- name: FindInstallation :one
SELECT * FROM installation WHERE id = 1;

-- name: LockInstallation :one
UPDATE installation SET kind = kind WHERE id = 1 RETURNING *;

-- name: SaveInstallation :exec
UPDATE installation SET kind = @kind, key_check = @key_check WHERE id = 1;

-- name: HasUsers :one
SELECT count(*) FROM (SELECT id FROM users LIMIT 1) AS one;

-- name: DropSandboxUsers :exec
DELETE FROM users WHERE client_id IN (SELECT id FROM clients WHERE sandbox);

-- name: DropSandboxTokens :exec
DELETE FROM oauth_tokens WHERE client_id IN (SELECT id FROM clients WHERE sandbox);

-- name: DropSandboxClients :exec
DELETE FROM clients WHERE sandbox;

-- name: DropConnectionsOfProvider :exec
DELETE FROM connections WHERE provider_id = @provider_id;

-- name: SetBelievedAt :exec
UPDATE installation SET believed_at = @at WHERE id = 1;

-- name: TryWriting :exec
UPDATE installation SET tries = tries + 1 WHERE id = 1;
