-- name: InsertBankStep :exec
INSERT INTO bank_steps (state_hash, provider_id, definition_id, journey, state, shown, due_at)
VALUES (@state_hash, @provider_id, @definition_id, @journey, @state, @shown, @due_at);

-- name: FindBankStep :one
SELECT * FROM bank_steps WHERE state_hash = @state_hash;

-- name: UpdateBankStep :execrows
UPDATE bank_steps SET journey = @journey, state = @state, shown = @shown, due_at = @due_at WHERE state_hash = @state_hash;

-- name: DropBankStep :execrows
DELETE FROM bank_steps WHERE state_hash = @state_hash;

-- name: ListDueBankSteps :many
SELECT state_hash FROM bank_steps WHERE due_at > 0 AND due_at <= @now ORDER BY due_at LIMIT CAST(@most AS BIGINT);

-- name: ListEndedBankSteps :many
SELECT s.* FROM bank_steps s LEFT JOIN authorizations a ON a.state_hash = s.state_hash
WHERE a.state_hash IS NULL OR a.expires_at <= @now
ORDER BY s.state_hash LIMIT CAST(@most AS BIGINT);

-- name: ReleaseAuthorization :exec
UPDATE authorizations SET claimed_by = NULL, claimed_at = 0, answer = NULL, expires_at = @expires_at
WHERE state_hash = @state_hash AND claimed_by = @claimed_by;
