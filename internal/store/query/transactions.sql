-- name: SetTransactionStatus :exec
UPDATE transactions SET status = @status, updated_at = @updated_at WHERE id = @id;

-- name: SetTransactionMissing :exec
UPDATE transactions SET missing_since = @missing_since WHERE id = @id;
