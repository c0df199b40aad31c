-- name: FindRenewal :one
SELECT * FROM renewals WHERE channel_id = @channel_id;

-- name: ClaimRenewal :exec
INSERT INTO renewals (channel_id, node, claimed_at) VALUES (@channel_id, @node, @claimed_at)
ON CONFLICT (channel_id) DO UPDATE SET node = excluded.node, claimed_at = excluded.claimed_at;

-- name: EndRenewal :exec
DELETE FROM renewals WHERE channel_id = @channel_id;

-- name: EndRenewalOfNode :exec
DELETE FROM renewals WHERE channel_id = @channel_id AND node = @node;
