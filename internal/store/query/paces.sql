-- name: LockPace :one
INSERT INTO paces (subject, arrival_at) VALUES (@subject, 0)
ON CONFLICT (subject) DO UPDATE SET arrival_at = paces.arrival_at
RETURNING arrival_at;

-- name: SetPace :exec
INSERT INTO paces (subject, arrival_at) VALUES (@subject, @arrival_at)
ON CONFLICT (subject) DO UPDATE SET arrival_at = excluded.arrival_at;

-- name: DropPace :exec
DELETE FROM paces WHERE subject = @subject;

-- name: DropIdlePaces :exec
DELETE FROM paces WHERE arrival_at < @now;
