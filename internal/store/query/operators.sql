-- name: InsertOperator :exec
INSERT INTO operators (name, role, password_hash, initial, password_until, created_at)
VALUES (@name, @role, @password_hash, @initial, @password_until, @created_at);

-- name: ListOperators :many
SELECT * FROM operators ORDER BY name;

-- name: FindOperator :one
SELECT * FROM operators WHERE name = @name;

-- name: SetOperatorPassword :exec
UPDATE operators SET password_hash = @password_hash, initial = @initial, password_until = @password_until WHERE id = @id;

-- name: RenewOperatorHash :exec
UPDATE operators SET password_hash = @password_hash WHERE id = @id AND password_hash = @before;

-- name: CountOperatorRefusal :exec
UPDATE operators SET refused = refused + 1 WHERE name = @name;

-- name: TakeBackOperatorRefusal :exec
UPDATE operators SET refused = refused - 1 WHERE name = @name AND refused > 0;

-- name: NoteOperatorReplay :exec
UPDATE operators SET replays = replays + 1, replayed_at = @replayed_at, replayed_from = @replayed_from WHERE id = @id;

-- name: DismissOperatorReplays :exec
UPDATE operators SET replays = 0 WHERE id = @id AND replayed_at = @replayed_at;

-- name: NoteOperatorSignIn :exec
UPDATE operators SET signed_in_at = @signed_in_at, signed_in_from = @signed_in_from, refused = 0 WHERE id = @id;

-- name: SetOperatorRole :exec
UPDATE operators SET role = @role WHERE id = @id;

-- name: SetOperatorDisabled :exec
UPDATE operators SET disabled = @disabled WHERE id = @id;

-- name: SetOperatorFactor :exec
UPDATE operators SET totp_key = @totp_key, totp_step = @totp_step WHERE id = @id;

-- name: UseOperatorStep :execrows
UPDATE operators SET totp_step = @totp_step WHERE id = @id AND totp_step < @totp_step;

-- name: DropOperators :exec
DELETE FROM operators;

-- name: InsertRecoveryCode :exec
INSERT INTO operator_recovery_codes (hash, operator_id) VALUES (@hash, @operator_id);

-- name: UseRecoveryCode :execrows
DELETE FROM operator_recovery_codes WHERE hash = @hash AND operator_id = @operator_id;

-- name: DropRecoveryCodes :exec
DELETE FROM operator_recovery_codes WHERE operator_id = @operator_id;

-- name: CountRecoveryCodes :one
SELECT COUNT(*) FROM operator_recovery_codes WHERE operator_id = @operator_id;

-- name: InsertOperatorSession :exec
INSERT INTO operator_sessions (hash, operator_id, complete, enrolling, created_at, seen_at, confirmed_at, expires_at, last_at, last_from, last_refused)
VALUES (@hash, @operator_id, @complete, @enrolling, @created_at, @seen_at, @confirmed_at, @expires_at, @last_at, @last_from, @last_refused);

-- name: FindOperatorSession :one
SELECT sqlc.embed(operator_sessions), sqlc.embed(operators) FROM operator_sessions JOIN operators ON operators.id = operator_sessions.operator_id
WHERE operator_sessions.hash = @hash;

-- name: SeeOperatorSession :exec
UPDATE operator_sessions SET seen_at = @seen_at WHERE hash = @hash;

-- name: ConfirmOperatorSession :exec
UPDATE operator_sessions SET confirmed_at = @confirmed_at, tries = 0 WHERE hash = @hash;

-- name: EnrolInOperatorSession :exec
UPDATE operator_sessions SET enrolling = @enrolling WHERE hash = @hash;

-- name: TryInOperatorSession :execrows
UPDATE operator_sessions SET tries = tries + 1 WHERE hash = @hash AND tries < @most;

-- name: DropOperatorSession :execrows
DELETE FROM operator_sessions WHERE hash = @hash;

-- name: DropOperatorSessions :exec
DELETE FROM operator_sessions WHERE operator_id = @operator_id AND hash <> @except;

-- name: CountOperatorSessions :one
SELECT COUNT(*) FROM operator_sessions WHERE operator_id = @operator_id AND complete AND expires_at > @now AND seen_at > @idle_since;

-- name: DropEndedOperatorSessions :exec
DELETE FROM operator_sessions WHERE expires_at <= @now OR seen_at <= @idle_since;

-- name: InsertPasskey :exec
INSERT INTO operator_passkeys (id, operator_id, name, party, public_key, sign_count, created_at)
VALUES (@id, @operator_id, @name, @party, @public_key, @sign_count, @created_at);

-- name: ListPasskeys :many
SELECT * FROM operator_passkeys WHERE operator_id = @operator_id ORDER BY created_at, id;

-- name: UsePasskey :execrows
UPDATE operator_passkeys SET sign_count = @sign_count, used_at = @used_at
WHERE id = @id AND operator_id = @operator_id AND (sign_count < @sign_count OR sign_count = 0 AND @sign_count = 0);

-- name: DropPasskey :execrows
DELETE FROM operator_passkeys WHERE id = @id AND operator_id = @operator_id;

-- name: DropPasskeys :exec
DELETE FROM operator_passkeys WHERE operator_id = @operator_id;

-- name: ChallengeOperatorSession :exec
UPDATE operator_sessions SET challenge = @challenge, challenge_until = @challenge_until WHERE hash = @hash;

-- name: UseChallengeOfOperatorSession :execrows
UPDATE operator_sessions SET challenge = '', challenge_until = 0
WHERE hash = @hash AND challenge = @challenge AND challenge <> '' AND challenge_until > @now;
