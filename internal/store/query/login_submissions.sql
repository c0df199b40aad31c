-- name: FindLoginSubmission :one
SELECT * FROM login_submissions WHERE channel_id = @channel_id;

-- name: SaveLoginSubmission :exec
INSERT INTO login_submissions (channel_id, synchronisation_id, outcome, submitted_at)
VALUES (@channel_id, @synchronisation_id, @outcome, @submitted_at)
ON CONFLICT (channel_id) DO UPDATE SET synchronisation_id = excluded.synchronisation_id, outcome = excluded.outcome,
    submitted_at = excluded.submitted_at;

-- name: SetLoginOutcome :exec
UPDATE login_submissions SET outcome = @outcome WHERE channel_id = @channel_id AND synchronisation_id = @synchronisation_id;

-- name: DeleteLoginSubmission :exec
DELETE FROM login_submissions WHERE channel_id = @channel_id;
