-- name: InsertUser :one
INSERT INTO users (client_id, email, email_key, password_hash, profile, terms_accepted_at, terms_version, created_at)
VALUES (@client_id, @email, @email_key, @password_hash, @profile, @terms_accepted_at, @terms_version, @created_at)
RETURNING id;

-- name: FindUser :one
SELECT * FROM users WHERE id = @id AND NOT deleting;

-- name: FindUserByEmail :one
SELECT * FROM users WHERE client_id = @client_id AND (email = @email OR email_key = @email_key) AND NOT deleting
ORDER BY CASE WHEN email_key IS NULL THEN 0 ELSE 1 END LIMIT 1;

-- name: UsersWithoutEmailKey :many
SELECT id FROM users WHERE email_key IS NULL ORDER BY id LIMIT CAST(@most AS BIGINT);

-- name: UpdateUser :exec
UPDATE users SET email_key = CASE WHEN email = @email THEN email_key ELSE @email_key END, email = @email, password_hash = @password_hash, profile = @profile,
    terms_accepted_at = @terms_accepted_at, terms_version = @terms_version, passkeys_alone = @passkeys_alone WHERE id = @id;

-- name: DeleteUser :exec
DELETE FROM users WHERE id = @id;

-- name: NextEventID :one
UPDATE users SET last_event_id = last_event_id + 1 WHERE id = @id AND NOT deleting RETURNING last_event_id;

-- name: LockUser :one
UPDATE users SET last_import_at = last_import_at WHERE id = @id AND NOT deleting RETURNING last_import_at;

-- name: SetLastImport :exec
UPDATE users SET last_import_at = @last_import_at WHERE id = @id;
