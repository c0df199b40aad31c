-- name: InsertAccount :one
INSERT INTO accounts (user_id, connection_id, name, type, status, usage, currency, currency_word, balance, balance_at, balance_expected, balances, coverage, iban,
    number, masked_number, owner_name, last_channel_definition_id, bank_id, identities, covered_until, details, created_at)
VALUES (@user_id, @connection_id, @name, @type, @status, @usage, @currency, @currency_word, @balance, @balance_at, @balance_expected, @balances, @coverage, @iban,
    @number, @masked_number, @owner_name, @last_channel_definition_id, @bank_id, @identities, @covered_until, @details, @created_at)
RETURNING id;

-- name: FindAccount :one
SELECT * FROM accounts WHERE id = @id AND NOT deleting;

-- name: ListAccountsOfUser :many
SELECT * FROM accounts WHERE user_id = @user_id AND NOT declined AND NOT deleting ORDER BY id;

-- name: ListAccountsOfConnection :many
SELECT * FROM accounts WHERE connection_id = @connection_id ORDER BY id;

-- name: ListAccountsInDoubt :many
SELECT * FROM accounts WHERE coverage LIKE '%"doubt":{%' AND NOT declined AND NOT deleting ORDER BY id LIMIT CAST(@most AS BIGINT);

-- name: CountManualAccounts :one
SELECT COUNT(*) FROM accounts WHERE user_id = @user_id AND connection_id IS NULL AND NOT deleting;

-- name: UpdateAccount :exec
UPDATE accounts SET name = @name, type = @type, status = @status, declined = @declined, usage = @usage, currency = @currency, currency_word = @currency_word,
    balance = @balance, balance_at = @balance_at, balance_expected = @balance_expected,
    balances = @balances, coverage = @coverage, iban = @iban, number = @number, masked_number = @masked_number,
    owner_name = @owner_name, last_channel_definition_id = @last_channel_definition_id, bank_id = @bank_id, identities = @identities,
    covered_until = @covered_until, details = @details
WHERE id = @id;

-- name: FindRowsVersion :one
SELECT rows_version FROM accounts WHERE id = @id AND NOT deleting;

-- name: MoveRowsVersion :execrows
UPDATE accounts SET rows_version = rows_version + 1 WHERE id = @id AND rows_version = @version AND NOT deleting;

-- name: ChangeRowsVersion :exec
UPDATE accounts SET rows_version = rows_version + 1 WHERE id = @id;

-- name: DeleteAccount :exec
DELETE FROM accounts WHERE id = @id;

-- name: ListAddressesOfChannel :many
SELECT account_id, address FROM account_addresses WHERE channel_id = @channel_id;

-- name: FindAddress :one
SELECT address FROM account_addresses WHERE account_id = @account_id AND channel_id = @channel_id;

-- name: SetAddress :exec
INSERT INTO account_addresses (account_id, channel_id, address) VALUES (@account_id, @channel_id, @address)
ON CONFLICT (account_id, channel_id) DO UPDATE SET address = excluded.address;

-- name: DropAddress :exec
DELETE FROM account_addresses WHERE account_id = @account_id AND channel_id = @channel_id;

-- name: DropAddresses :exec
DELETE FROM account_addresses WHERE account_id = @account_id;

-- name: SaveUnreadable :exec
INSERT INTO unreadable_records (account_id, content, reason, seen_at, raw, covered_from)
VALUES (@account_id, @content, @reason, @seen_at, @raw, @covered_from)
ON CONFLICT (account_id, content) DO UPDATE SET reason = excluded.reason, covered_from = excluded.covered_from;

-- name: ListUnreadable :many
SELECT * FROM unreadable_records WHERE account_id = @account_id ORDER BY seen_at, content;

-- name: DropUnreadable :exec
DELETE FROM unreadable_records WHERE account_id = @account_id AND content = @content;

-- name: SaveDayBalance :exec
INSERT INTO day_balances (account_id, day, amount, currency, read_at)
VALUES (@account_id, @day, @amount, @currency, @read_at)
ON CONFLICT (account_id, day) DO UPDATE SET amount = excluded.amount, currency = excluded.currency, read_at = excluded.read_at;

-- name: DropDayBalances :exec
DELETE FROM day_balances WHERE account_id = @account_id AND day < @before;

-- name: ListDayBalances :many
SELECT * FROM day_balances WHERE account_id = @account_id ORDER BY day;

-- name: ListCheckedRows :many
SELECT booking_date, date, undated, amount, currency, status, imported_at, updated_at, missing_since FROM transactions
WHERE account_id = @account_id AND (status IN ('BOOKED', 'OTHER') OR status = 'CANCELLED' AND missing_since <> '')
AND (date >= @day OR imported_at > @read_at OR missing_since >= @day) ORDER BY date, id;
