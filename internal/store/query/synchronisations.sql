-- name: InsertSync :one
INSERT INTO synchronisations (channel_id, kind, state, psu, progress, attempts, new_transactions, started_at, ended_at, request_id)
VALUES (@channel_id, @kind, @state, @psu, @progress, 0, 0, @started_at, 0, @request_id)
RETURNING id;

-- name: FindSync :one
SELECT * FROM synchronisations WHERE id = @id;

-- name: FindLiveSync :one
SELECT * FROM synchronisations WHERE channel_id = @channel_id AND ended_at = 0;

-- name: ListLongRunning :many
SELECT * FROM synchronisations WHERE ended_at = 0 AND state = 'RUNNING' AND started_at < @before
ORDER BY started_at LIMIT CAST(@most AS BIGINT);

-- name: UpdateSync :execrows
UPDATE synchronisations SET state = @state, progress = @progress, attempts = @attempts,
    new_transactions = @new_transactions, ended_at = @ended_at, outcome = @outcome, problem = @problem
WHERE id = @id AND ended_at = 0;

-- name: StagePage :exec
INSERT INTO staged_pages (synchronisation_id, account_id, page, body)
VALUES (@synchronisation_id, @account_id, @page, @body)
ON CONFLICT (synchronisation_id, account_id, page) DO UPDATE SET body = excluded.body;

-- name: FindStagedPage :one
SELECT body FROM staged_pages WHERE synchronisation_id = @synchronisation_id AND account_id = @account_id AND page = @page;

-- name: SumStagedBytes :one
SELECT CAST(COALESCE(SUM(LENGTH(body)), 0) AS BIGINT) FROM staged_pages WHERE synchronisation_id = @synchronisation_id AND account_id = @account_id;

-- name: DropStagedPages :exec
DELETE FROM staged_pages WHERE synchronisation_id = @synchronisation_id;

-- name: DropSomeStagedPages :execrows
DELETE FROM staged_pages WHERE staged_pages.synchronisation_id = @synchronisation_id AND (staged_pages.account_id, staged_pages.page) IN (
    SELECT s.account_id, s.page FROM staged_pages s WHERE s.synchronisation_id = @synchronisation_id
    ORDER BY s.account_id, s.page LIMIT CAST(@most AS BIGINT));

-- name: DropStagedWalk :exec
DELETE FROM staged_pages WHERE synchronisation_id = @synchronisation_id AND account_id = @account_id AND page >= 0;

-- name: CountUnattendedAccess :one
INSERT INTO unattended_accesses (user_id, day, subject, accesses) VALUES (@user_id, @day, @subject, 1)
ON CONFLICT (user_id, day, subject) DO UPDATE SET accesses = unattended_accesses.accesses + 1
RETURNING accesses;

-- name: UncountUnattendedAccess :exec
UPDATE unattended_accesses SET accesses = accesses - 1 WHERE user_id = @user_id AND day = @day AND subject = @subject AND accesses > 0;

-- name: ListUnattendedAccesses :many
SELECT subject, accesses FROM unattended_accesses WHERE user_id = @user_id AND day = @day;

-- name: DropUnattendedAccesses :exec
DELETE FROM unattended_accesses WHERE day < @day;

-- name: ListSyncsOfChannel :many
SELECT * FROM synchronisations WHERE channel_id = @channel_id ORDER BY id DESC LIMIT CAST(@most AS BIGINT);

-- name: DropOldSynchronisations :execrows
DELETE FROM synchronisations WHERE id IN (
    SELECT s.id FROM synchronisations s WHERE s.ended_at > 0 AND s.ended_at < @before ORDER BY s.ended_at LIMIT CAST(@most AS BIGINT));
