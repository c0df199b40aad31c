-- name: InsertUserSession :exec
INSERT INTO user_sessions (hash, user_id, device, created_at, seen_at, confirmed_at, expires_at)
VALUES (@hash, @user_id, @device, @created_at, @seen_at, @confirmed_at, @expires_at);

-- name: FindUserSession :one
SELECT * FROM user_sessions WHERE hash = @hash AND expires_at > @now;

-- name: ListUserSessions :many
SELECT * FROM user_sessions WHERE user_id = @user_id AND expires_at > @now
ORDER BY created_at DESC, hash LIMIT CAST(@most AS BIGINT);

-- name: SeeUserSession :exec
UPDATE user_sessions SET seen_at = @seen_at, expires_at = @expires_at WHERE hash = @hash;

-- name: ConfirmUserSession :exec
UPDATE user_sessions SET confirmed_at = @confirmed_at WHERE hash = @hash;

-- name: DropUserSession :execrows
DELETE FROM user_sessions WHERE hash = @hash AND user_id = @user_id;

-- name: DropUserSessions :exec
DELETE FROM user_sessions WHERE user_id = @user_id AND hash <> @except;

-- name: DropExpiredUserSessions :exec
DELETE FROM user_sessions WHERE expires_at <= @now;

-- name: ListSignIns :many
SELECT family, CAST(MAX(device) AS TEXT) AS device, CAST(MIN(authenticated_at) AS BIGINT) AS signed_in_at,
    CAST(MAX(created_at) AS BIGINT) AS renewed_at
FROM oauth_tokens WHERE user_id = @user_id AND expires_at > @now AND used_at = 0
GROUP BY family ORDER BY renewed_at DESC, family LIMIT CAST(@most AS BIGINT);
