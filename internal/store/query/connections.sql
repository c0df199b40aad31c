-- name: InsertConnection :one
INSERT INTO connections (user_id, provider_id, name, auto_sync, consent_per_account, owner, unshared_owner, created_at)
VALUES (@user_id, @provider_id, @name, @auto_sync, @consent_per_account, @owner, @unshared_owner, @created_at)
RETURNING id;

-- name: FindConnection :one
SELECT * FROM connections WHERE id = @id;

-- name: ListConnections :many
SELECT * FROM connections WHERE user_id = @user_id ORDER BY id;

-- name: UpdateConnection :exec
UPDATE connections SET name = @name, auto_sync = @auto_sync, consent_per_account = @consent_per_account WHERE id = @id;

-- name: SetUnsharedOwner :exec
UPDATE connections SET unshared_owner = @unshared_owner WHERE id = @id;

-- name: ShareOwner :exec
UPDATE connections SET owner = unshared_owner, unshared_owner = '{}'
WHERE connections.id = @id AND unshared_owner <> '{}'
AND EXISTS (SELECT 1 FROM consents WHERE consents.connection_id = connections.id);

-- name: FindDerivation :one
SELECT derivation, deriving FROM connections WHERE id = @id;

-- name: SetDerivation :exec
UPDATE connections SET derivation = @derivation, deriving = @deriving WHERE id = @id;

-- name: ListConnectionsDerivedBefore :many
SELECT id FROM connections WHERE derivation < @derivation AND id >= @first ORDER BY id LIMIT CAST(@most AS BIGINT);

-- name: DeleteConnection :exec
DELETE FROM connections WHERE id = @id;

-- name: InsertChannel :one
INSERT INTO channels (connection_id, definition_id, mode, status, awaits_consent, asked_in, consent_until,
    last_success_at, last_end_at, next_sync_at, failures, endless_list_at, access)
VALUES (@connection_id, @definition_id, @mode, @status, @awaits_consent, @asked_in, @consent_until,
    @last_success_at, @last_end_at, @next_sync_at, @failures, @endless_list_at, NULL)
RETURNING id;

-- name: FindChannel :one
SELECT id, connection_id, definition_id, mode, status, awaits_consent, asked_in, consent_until, last_success_at, last_end_at,
    next_sync_at, failures, endless_list_at, unattended_per_day
FROM channels WHERE id = @id;

-- name: FindBankAndClient :one
SELECT connections.provider_id, users.client_id FROM channels
    JOIN connections ON connections.id = channels.connection_id
    JOIN users ON users.id = connections.user_id
WHERE channels.id = @id;

-- name: ListChannels :many
SELECT id, connection_id, definition_id, mode, status, awaits_consent, asked_in, consent_until, last_success_at, last_end_at,
    next_sync_at, failures, endless_list_at, unattended_per_day
FROM channels WHERE connection_id = @connection_id ORDER BY id;

-- name: UpdateChannel :exec
UPDATE channels SET status = @status, awaits_consent = @awaits_consent, asked_in = @asked_in, consent_until = @consent_until,
    last_success_at = @last_success_at, last_end_at = @last_end_at, next_sync_at = @next_sync_at,
    failures = @failures, endless_list_at = @endless_list_at WHERE id = @id;

-- name: SetChannelAccess :exec
UPDATE channels SET access = @access WHERE id = @id;

-- name: SetUnattendedPerDay :exec
UPDATE channels SET unattended_per_day = @unattended_per_day WHERE id = @id AND unattended_per_day <> @unattended_per_day;

-- name: ChannelAccess :one
SELECT access FROM channels WHERE id = @id;

-- name: DueChannels :many
SELECT id, next_sync_at FROM channels WHERE next_sync_at > 0 AND next_sync_at <= @now
    AND (next_sync_at > @after OR next_sync_at = @after AND id > @last)
ORDER BY next_sync_at, id LIMIT CAST(@most AS BIGINT);

-- name: ForgetAccount :exec
INSERT INTO forgotten_accounts (connection_id, identity) VALUES (@connection_id, @identity)
ON CONFLICT DO NOTHING;

-- name: ListForgottenAccounts :many
SELECT identity FROM forgotten_accounts WHERE connection_id = @connection_id;

-- name: ClearForgottenAccounts :exec
DELETE FROM forgotten_accounts WHERE connection_id = @connection_id;

-- name: InsertConsent :exec
INSERT INTO consents (user_id, connection_id, channel_id, all_accounts, accounts, text_version, language, words, given_at, valid_until)
VALUES (@user_id, @connection_id, @channel_id, @all_accounts, @accounts, @text_version, @language, @words, @given_at, @valid_until);

-- name: ListConsents :many
SELECT * FROM consents WHERE connection_id = @connection_id ORDER BY id;

-- name: InsertFileConsent :exec
INSERT INTO file_consents (user_id, connection_id, accounts, text_version, language, words, given_at)
VALUES (@user_id, @connection_id, @accounts, @text_version, @language, @words, @given_at);

-- name: ListFileConsents :many
SELECT * FROM file_consents WHERE connection_id = @connection_id ORDER BY id;

-- name: CountChannels :many
SELECT status, COUNT(*) AS channels FROM channels GROUP BY status;

-- name: ListAppointments :many
SELECT id FROM channels WHERE next_sync_at > @later AND id > @after ORDER BY id LIMIT CAST(@most AS BIGINT);

-- name: PostponeDue :exec
UPDATE channels SET next_sync_at = @at WHERE id = @id AND next_sync_at > 0 AND next_sync_at <= @due;
