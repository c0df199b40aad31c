-- name: InsertHeldAccess :exec
INSERT INTO held_accesses (question_hash, state_hash, provider_id, definition_id, access, answered, expires_at)
VALUES (@question_hash, @state_hash, @provider_id, @definition_id, @access, FALSE, @expires_at);

-- name: FindHeldAccess :one
SELECT * FROM held_accesses WHERE question_hash = @question_hash;

-- name: HeldAccessOfState :one
SELECT * FROM held_accesses WHERE state_hash = @state_hash;

-- name: AnswerHeldAccess :execrows
UPDATE held_accesses SET answered = TRUE, access = @access, expires_at = @expires_at
WHERE question_hash = @question_hash AND answered = FALSE;

-- name: DropHeldAccess :execrows
DELETE FROM held_accesses WHERE question_hash = @question_hash;

-- name: ListEndedHeldAccesses :many
SELECT h.* FROM held_accesses h LEFT JOIN authorizations a ON a.state_hash = h.state_hash
WHERE h.expires_at <= @now OR a.state_hash IS NULL
ORDER BY h.expires_at LIMIT CAST(@most AS BIGINT);

-- name: ListHeldAccessesOfFlow :many
SELECT h.* FROM held_accesses h JOIN authorizations a ON a.state_hash = h.state_hash
WHERE a.flow_id = @flow_id AND h.answered = FALSE;
