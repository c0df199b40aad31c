-- name: InsertWidgetSession :exec
INSERT INTO widget_sessions (id_hash, client_id, user_id, scopes, token_hash, family, parameters, created_at, expires_at)
VALUES (@id_hash, @client_id, @user_id, @scopes, @token_hash, @family, @parameters, @created_at, @expires_at);

-- name: FindWidgetSession :one
SELECT * FROM widget_sessions WHERE id_hash = @id_hash;

-- name: ExtendWidgetSession :exec
UPDATE widget_sessions SET expires_at = @expires_at WHERE id_hash = @id_hash;

-- name: DropWidgetSessions :exec
DELETE FROM widget_sessions WHERE expires_at <= @before;

-- name: InsertWidgetFlow :one
INSERT INTO widget_flows (session_hash, session, connection_id, entered, attempt, state, version, created_at)
VALUES (@session_hash, @session, @connection_id, '', 0, @state, 0, @created_at)
RETURNING id;

-- name: SealWidgetFlow :exec
UPDATE widget_flows SET session = @session WHERE id = @id;

-- name: FindWidgetFlow :one
SELECT * FROM widget_flows WHERE id = @id;

-- name: CountWidgetFlows :one
SELECT COUNT(*) FROM widget_flows WHERE session_hash = @session_hash;

-- name: WidgetFlows :many
SELECT * FROM widget_flows WHERE session_hash = @session_hash ORDER BY id DESC LIMIT CAST(@most AS BIGINT);

-- name: SaveWidgetFlow :execrows
UPDATE widget_flows SET state = @state, version = version + 1
WHERE id = @id AND version = @version;

-- name: BindWidgetFlow :execrows
UPDATE widget_flows SET connection_id = @connection_id, state = @state, version = version + 1
WHERE id = @id AND version = @version;

-- name: EnterWidgetFlow :execrows
UPDATE widget_flows SET connection_id = @connection_id, entered = @entered, attempt = attempt + 1, version = version + 1
WHERE id = @id AND attempt = @attempt;
