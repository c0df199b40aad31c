-- name: LockAttempts :one
INSERT INTO attempts (subject, times, until) VALUES (@subject, '[]', 0)
ON CONFLICT (subject) DO UPDATE SET times = attempts.times
RETURNING times;

-- name: SetAttempts :exec
UPDATE attempts SET times = @times, until = @until WHERE subject = @subject;

-- name: DropOldAttempts :exec
DELETE FROM attempts WHERE until <= @now;
