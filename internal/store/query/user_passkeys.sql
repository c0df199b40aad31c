-- name: InsertUserPasskey :exec
INSERT INTO user_passkeys (id, user_id, name, party, public_key, sign_count, created_at)
VALUES (@id, @user_id, @name, @party, @public_key, @sign_count, @created_at);

-- name: FindUserPasskey :one
SELECT * FROM user_passkeys WHERE id = @id;

-- name: ListUserPasskeys :many
SELECT * FROM user_passkeys WHERE user_id = @user_id ORDER BY created_at, id;

-- name: UseUserPasskey :execrows
UPDATE user_passkeys SET sign_count = @sign_count, used_at = @used_at
WHERE id = @id AND (sign_count < @sign_count OR sign_count = 0 AND @sign_count = 0);

-- name: DropUserPasskey :execrows
DELETE FROM user_passkeys WHERE id = @id AND user_id = @user_id;

-- name: DropUserPasskeys :execrows
DELETE FROM user_passkeys WHERE user_id = @user_id;

-- name: UseChallenge :execrows
INSERT INTO used_challenges (hash, expires_at) VALUES (@hash, @expires_at) ON CONFLICT DO NOTHING;

-- name: DropExpiredChallenges :exec
DELETE FROM used_challenges WHERE expires_at <= @now;
