-- name: SetTransactionStatus :exec
UPDATE transactions SET status = @status, updated_at = @updated_at WHERE id = @id;

-- name: FindExplanation :one
SELECT transactions.bank_ids, transactions.imported_at, transactions.import_source, transactions.derivation,
    COALESCE(connections.provider_id, '') AS provider_id
FROM transactions
JOIN accounts ON accounts.id = transactions.account_id
LEFT JOIN connections ON connections.id = accounts.connection_id
WHERE transactions.id = @id AND transactions.user_id = @user_id AND NOT accounts.deleting;

-- name: ListChanges :many
SELECT * FROM transaction_changes WHERE transaction_id = @transaction_id ORDER BY at, synchronisation_id;

-- name: SaveChange :exec
INSERT INTO transaction_changes (transaction_id, at, synchronisation_id, rule, former_bank_id)
VALUES (@transaction_id, @at, @synchronisation_id, @rule, @former_bank_id)
ON CONFLICT (transaction_id, at, synchronisation_id) DO NOTHING;

-- name: DropChanges :exec
DELETE FROM transaction_changes WHERE transaction_changes.transaction_id = @transaction_id AND transaction_changes.at < COALESCE((
    SELECT kept.at FROM transaction_changes kept WHERE kept.transaction_id = @transaction_id ORDER BY kept.at DESC LIMIT 1 OFFSET CAST(@most AS BIGINT)
), 0);
