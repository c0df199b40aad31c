-- name: DropTransactions :execrows
DELETE FROM transactions WHERE id IN (
    SELECT t.id FROM transactions t WHERE t.account_id = @account_id ORDER BY t.imported_at LIMIT CAST(@most AS BIGINT));

-- name: MarkAccountDeleting :exec
UPDATE accounts SET deleting = TRUE, connection_id = NULL, name = '', owner_name = '', iban = '', number = '', masked_number = '', bank_id = '', identities = '[]',
    balance = NULL, balance_at = 0, balances = '[]', coverage = '{}', details = '{}', rows_version = rows_version + 1
WHERE id = @id;

-- name: MarkUserDeleting :exec
UPDATE users SET deleting = TRUE, email = 'deleted user ' || id, email_key = 'deleted user ' || id, password_hash = '', profile = '{}'
WHERE id = @id;

-- name: ListAccountIDsOfUser :many
SELECT id FROM accounts WHERE user_id = @user_id AND NOT deleting ORDER BY id;

-- name: ListAccountIDsOfConnection :many
SELECT id FROM accounts WHERE connection_id = @connection_id ORDER BY id;

-- name: ListDeletingAccountsOfUser :many
SELECT id FROM accounts WHERE user_id = @user_id AND deleting;

-- name: FindDeletingAccount :one
SELECT id FROM accounts WHERE deleting LIMIT 1;

-- name: DropDeletingUsers :execrows
DELETE FROM users WHERE id IN (
    SELECT u.id FROM users u WHERE u.deleting AND NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.user_id = u.id) LIMIT CAST(@most AS BIGINT));
