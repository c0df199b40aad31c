-- name: InsertKey :one
INSERT INTO keys (user_id, public_key, private_key, for_pages, created_at, expires_at)
VALUES (@user_id, @public_key, @private_key, @for_pages, @created_at, @expires_at)
RETURNING id;

-- name: DropKeys :exec
DELETE FROM keys WHERE keys.user_id = @user_id AND keys.expires_at < @expired AND NOT EXISTS (
    SELECT 1 FROM connections
    JOIN channels ON channels.connection_id = connections.id
    JOIN credentials ON credentials.channel_id = channels.id
    WHERE connections.user_id = keys.user_id AND credentials.key_id = keys.id);

-- name: FindKey :one
SELECT * FROM keys WHERE id = @id;

-- name: SaveCredential :exec
INSERT INTO credentials (channel_id, id, value, key_id, masked)
VALUES (@channel_id, @id, @value, @key_id, @masked)
ON CONFLICT (channel_id, id) DO UPDATE SET value = excluded.value, key_id = excluded.key_id, masked = excluded.masked;

-- name: ListCredentials :many
SELECT * FROM credentials WHERE channel_id = @channel_id ORDER BY id;

-- name: ListMaskedCredentials :many
SELECT id, masked FROM credentials WHERE channel_id = @channel_id ORDER BY id;

-- name: DeleteCredentials :exec
DELETE FROM credentials WHERE channel_id = @channel_id;

-- name: SaveQuestion :exec
INSERT INTO questions (synchronisation_id, challenges, state, answers, key_id, expires_at)
VALUES (@synchronisation_id, @challenges, @state, NULL, 0, @expires_at)
ON CONFLICT (synchronisation_id) DO UPDATE SET challenges = excluded.challenges, state = excluded.state,
    answers = NULL, key_id = 0, expires_at = excluded.expires_at;

-- name: FindQuestion :one
SELECT * FROM questions WHERE synchronisation_id = @synchronisation_id;

-- name: AnswerQuestion :execrows
UPDATE questions SET answers = @answers, key_id = @key_id
WHERE synchronisation_id = @synchronisation_id AND answers IS NULL;

-- name: DeleteQuestion :exec
DELETE FROM questions WHERE synchronisation_id = @synchronisation_id;

-- name: CountKeys :one
SELECT COUNT(*) FROM keys WHERE user_id = @user_id AND created_at >= @since AND NOT for_pages;

-- name: FindPageKey :one
SELECT * FROM keys WHERE user_id = @user_id AND for_pages AND expires_at > @until ORDER BY id DESC LIMIT 1;
