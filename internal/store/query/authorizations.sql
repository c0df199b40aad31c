-- name: InsertAuthorization :exec
INSERT INTO authorizations (state_hash, user_id, client_id, provider_id, definition_id, connection_id, client_redirect,
    return_uri, bank_redirect_uri, verifier, consent_per_account, auto_sync, queue_id, flow_id,
    browser, device, client_state, created_at, expires_at)
VALUES (@state_hash, @user_id, @client_id, @provider_id, @definition_id, @connection_id, @client_redirect,
    @return_uri, @bank_redirect_uri, @verifier, @consent_per_account, @auto_sync, @queue_id, @flow_id,
    @browser, @device, @client_state, @created_at, @expires_at);

-- name: FindAuthorization :one
SELECT * FROM authorizations WHERE state_hash = @state_hash;

-- name: ListAuthorizationsOfUser :many
SELECT * FROM authorizations WHERE user_id = @user_id AND client_redirect = TRUE AND claimed_at = 0 AND expires_at > @now
ORDER BY created_at DESC;

-- name: CountAuthorizations :one
SELECT COUNT(*) FROM authorizations WHERE user_id = @user_id AND expires_at > @now;

-- name: ClaimAuthorization :execrows
UPDATE authorizations SET claimed_by = @claimed_by, claimed_at = @claimed_at, answer = @answer, expires_at = @expires_at
WHERE state_hash = @state_hash AND outcome = '' AND claimed_at <= @abandoned;

-- name: FinishAuthorization :exec
UPDATE authorizations SET claimed_by = @claimed_by, outcome = @outcome, expires_at = @expires_at WHERE state_hash = @state_hash;

-- name: DropAuthorizations :exec
DELETE FROM authorizations WHERE expires_at <= @now;

-- name: DropAuthorizationsOfFlow :exec
DELETE FROM authorizations WHERE flow_id = @flow_id AND (outcome = '' OR
    state_hash IN (SELECT state_hash FROM held_accesses WHERE answered = FALSE));
