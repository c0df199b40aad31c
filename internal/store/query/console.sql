-- name: ListUsersOfClient :many
SELECT id, client_id, email, profile, terms_accepted_at, terms_version, created_at FROM users WHERE client_id = @client_id AND NOT deleting ORDER BY id DESC LIMIT CAST(@most AS BIGINT);

-- name: CountUsersOfClient :one
SELECT COUNT(*) FROM users WHERE client_id = @client_id AND NOT deleting;

-- name: ListEventsOfConnection :many
SELECT * FROM events WHERE user_id = @user_id AND connection_id = @connection_id ORDER BY id DESC LIMIT CAST(@most AS BIGINT);

-- name: ListBookings :many
SELECT date, amount, status FROM transactions
WHERE account_id = @account_id AND (status = 'BOOKED' AND date >= @since OR status = 'PENDING') ORDER BY date DESC;

-- name: ListRecentSyncs :many
SELECT connections.provider_id, synchronisations.kind, synchronisations.outcome, synchronisations.problem,
    synchronisations.started_at, synchronisations.ended_at
FROM synchronisations
JOIN channels ON channels.id = synchronisations.channel_id
JOIN connections ON connections.id = channels.connection_id
WHERE synchronisations.ended_at >= @since
ORDER BY synchronisations.ended_at DESC LIMIT CAST(@most AS BIGINT);
