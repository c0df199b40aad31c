-- name: FindTransaction :one
SELECT * FROM transactions WHERE id = @id;

-- name: ListKnownTransactions :many
SELECT id, amount, currency, status, date, booking_date, value_date, transaction_date, counterparty, bank_ids, words,
    end_to_end_id, mandate_id, check_number, balance_after, channel_definition_id, missing_since
FROM transactions
WHERE account_id = @account_id AND (date >= @since OR status = 'PENDING')
ORDER BY imported_at;

-- name: UpdateTransaction :exec
UPDATE transactions SET amount = @amount, currency = @currency, type = @type, status = @status, date = @date,
    booking_date = @booking_date, value_date = @value_date, transaction_date = @transaction_date, label = @label,
    notes = @notes, source_label = @source_label, remittance = @remittance, check_number = @check_number,
    counterparty = @counterparty, updated_at = @updated_at, bank_ids = @bank_ids, words = @words,
    end_to_end_id = @end_to_end_id, mandate_id = @mandate_id, balance_after = @balance_after,
    channel_definition_id = @channel_definition_id, missing_since = @missing_since, raw = @raw
WHERE id = @id;

-- name: SetTransactionStatus :exec
UPDATE transactions SET status = @status, updated_at = @updated_at WHERE id = @id;

-- name: SetTransactionMissing :exec
UPDATE transactions SET missing_since = @missing_since WHERE id = @id;
