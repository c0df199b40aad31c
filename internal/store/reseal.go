package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin/internal/store/query"
)

// SealedColumn is a column with values that the master key has sealed.
type SealedColumn struct {
	Table, Column string
	// key is the primary key.
	key []string
	// members finds the sealed values of a column of JSON; nil for a column of bytes.
	members func(text string, each func(base64 string) (string, error)) (string, error)
	// like is a pattern that rows of JSON with sealed values fit.
	like string
}

// Name returns the table and the column.
func (c SealedColumn) Name() string { return c.Table + "." + c.Column }

// SealedColumns returns every column with values that the master key has sealed. The jobs that
// revoke an access have some too (see jobs.Engine.Reseal).
func SealedColumns() []SealedColumn {
	bytes := func(table, column string, key ...string) SealedColumn {
		return SealedColumn{Table: table, Column: column, key: key}
	}
	return []SealedColumn{
		bytes("installation", "key_check", "id"),
		bytes("signing_keys", "private_key", "id"),
		bytes("audit_keys", "value", "user_id"),
		bytes("operators", "totp_key", "id"),
		bytes("operator_sessions", "enrolling", "hash"),
		{Table: "clients", Column: "settings", key: []string{"id"}, members: settingMembers, like: `%"sealed":"%`},
		bytes("authorizations", "verifier", "state_hash"),
		bytes("held_accesses", "access", "question_hash"),
		bytes("bank_steps", "journey", "state_hash"),
		bytes("bank_steps", "state", "state_hash"),
		bytes("bank_steps", "shown", "state_hash"),
		bytes("widget_flows", "session", "id"),
		bytes("channels", "access", "id"),
		bytes("credentials", "value", "channel_id", "id"),
		bytes("keys", "private_key", "id"),
		bytes("questions", "state", "synchronisation_id"),
		bytes("questions", "answers", "synchronisation_id"),
		{Table: "synchronisations", Column: "progress", key: []string{"id"}, members: positionMember, like: `%"position":"%`},
		bytes("staged_pages", "body", "synchronisation_id", "account_id", "page"),
		bytes("unreadable_records", "raw", "account_id", "content"),
		bytes("transactions", "raw", "id"),
	}
}

// settingMembers finds the secrets among a client's settings.
func settingMembers(text string, each func(string) (string, error)) (string, error) {
	var settings map[string]map[string]json.RawMessage
	err := json.Unmarshal([]byte(text), &settings)
	if err != nil {
		return "", err
	}
	for _, setting := range settings {
		err := replaceMember(setting, "sealed", each)
		if err != nil {
			return "", err
		}
	}
	again, err := json.Marshal(settings)
	return string(again), err
}

// positionMember finds the position at the bank in the progress of a synchronisation.
func positionMember(text string, each func(string) (string, error)) (string, error) {
	var progress map[string]json.RawMessage
	err := json.Unmarshal([]byte(text), &progress)
	if err != nil {
		return "", err
	}
	err = replaceMember(progress, "position", each)
	if err != nil {
		return "", err
	}
	again, err := json.Marshal(progress)
	return string(again), err
}

func replaceMember(object map[string]json.RawMessage, name string, each func(string) (string, error)) error {
	var value string
	if object[name] == nil || json.Unmarshal(object[name], &value) != nil || value == "" {
		return nil
	}
	again, err := each(value)
	if err != nil {
		return err
	}
	object[name], err = json.Marshal(again)
	return err
}

// Resealing says how sealed values are renewed.
type Resealing struct {
	// Current are the bytes from the fifth on with which the values of the present key begin.
	Current []byte
	// Reseal returns a value under the present key. ErrLost leaves the value as it is.
	Reseal func(sealed []byte) ([]byte, error)
	// Looks only counts.
	Looks bool
	// Told is called after each page with the number of values renewed so far.
	Told func(renewed int)
}

// ErrLost means that no key opens a sealed value.
var ErrLost = errors.New("no key opens the value")

// Resealed counts the values of a column that another key than the present one has sealed.
type Resealed struct {
	// Renewed are those that the present key has now, or would have.
	Renewed int
	// Passed are those that somebody changed or held at that moment: they are looked at again.
	Passed int
	// Lost are those that no key opens.
	Lost int
}

// resealPage is how many rows one transaction writes.
const resealPage = 50

// Reseal renews the values of a column, page by page in the order of the primary key. Each page is a
// short transaction, and what somebody else writes at the same time stays.
func (db *DB) Reseal(ctx context.Context, c SealedColumn, how Resealing) (Resealed, error) {
	var all Resealed
	var after []any
	for {
		rows, err := db.otherKeys(ctx, c, how, after)
		if err != nil {
			return all, fmt.Errorf("reseal %s: %w", c.Name(), err)
		}
		if len(rows) == 0 {
			return all, nil
		}
		after = rows[len(rows)-1].key
		var fresh []resealedRow
		for _, row := range rows {
			again, lost, err := c.renewed(row.value, how)
			if err != nil {
				return all, fmt.Errorf("reseal %s: %w", c.Name(), err)
			}
			all.Lost += lost
			if again == nil {
				continue
			}
			if how.Looks {
				all.Renewed++
				continue
			}
			row.again = again
			fresh = append(fresh, row)
		}
		written, err := db.writeResealed(ctx, c, fresh)
		if err != nil {
			return all, fmt.Errorf("reseal %s: %w", c.Name(), err)
		}
		all.Renewed += written
		all.Passed += len(fresh) - written
		if how.Told != nil {
			how.Told(all.Renewed)
		}
	}
}

// resealedRow is a row with its value, and with the one that replaces it.
type resealedRow struct {
	key          []any
	value, again any
}

// renewed returns a value under the present key; nil for one that stays.
func (c SealedColumn) renewed(value any, how Resealing) (again any, lost int, err error) {
	renew := func(sealed []byte) ([]byte, error) {
		fresh, err := how.Reseal(sealed)
		if errors.Is(err, ErrLost) {
			lost++
			return nil, nil
		}
		return fresh, err
	}
	if c.members == nil {
		sealed, _ := value.([]byte)
		fresh, err := renew(sealed)
		if err != nil || fresh == nil {
			return nil, lost, err
		}
		return fresh, lost, nil
	}
	text, changed := fmt.Sprintf("%s", value), false
	written, err := c.members(text, func(text string) (string, error) {
		sealed, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return text, nil
		}
		fresh, err := renew(sealed)
		if err != nil || fresh == nil {
			return text, err
		}
		changed = true
		return base64.StdEncoding.EncodeToString(fresh), nil
	})
	if err != nil || !changed {
		return nil, lost, err
	}
	return written, lost, nil
}

// otherKeys returns the next rows whose values another key may have sealed.
func (db *DB) otherKeys(ctx context.Context, c SealedColumn, how Resealing, after []any) ([]resealedRow, error) {
	key := strings.Join(c.key, ", ")
	text := "SELECT " + key + ", " + c.Column + " FROM " + c.Table + " WHERE "
	args := []any{how.Current}
	if c.members == nil {
		text += "length(" + c.Column + ") > 8 AND substr(" + c.Column + ", 5, 5) <> ?1"
	} else {
		text += c.Column + " LIKE ?1"
		args = []any{c.like}
	}
	if after != nil {
		var marks []string
		for i := range after {
			marks = append(marks, "?"+strconv.Itoa(i+2))
		}
		text += " AND (" + key + ") > (" + strings.Join(marks, ", ") + ")"
		args = append(args, after...)
	}
	text += " ORDER BY " + key + " LIMIT CAST(" + strconv.Itoa(resealPage) + " AS BIGINT)"
	rows, err := db.Read().raw.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []resealedRow
	for rows.Next() {
		row := resealedRow{key: make([]any, len(c.key))}
		into := []any{}
		for i := range row.key {
			into = append(into, &row.key[i])
		}
		err := rows.Scan(append(into, &row.value)...)
		if err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

// writeResealed replaces the values that are still those that were read. A row that somebody
// else holds is left to the next walk: this transaction waits for nobody, so that it is in no
// circle of those that wait for each other.
func (db *DB) writeResealed(ctx context.Context, c SealedColumn, rows []resealedRow) (written int, err error) {
	if len(rows) == 0 {
		return 0, nil
	}
	key := strings.Join(c.key, ", ")
	var where []string
	for i, column := range c.key {
		where = append(where, column+" = ?"+strconv.Itoa(i+3))
	}
	found := strings.Join(where, " AND ") + " AND " + c.Column + " = ?2"
	if db.dialect == Postgres {
		found = "(" + key + ") IN (SELECT " + key + " FROM " + c.Table + " WHERE " + found + " FOR NO KEY UPDATE SKIP LOCKED)"
	}
	text := "UPDATE " + c.Table + " SET " + c.Column + " = ?1 WHERE " + found
	err = db.WriteSoon(ctx, func(tx *Tx) error {
		written = 0 // the transaction may be repeated
		for _, row := range rows {
			done, err := tx.raw.ExecContext(ctx, text, append([]any{row.again, row.value}, row.key...)...)
			if err != nil {
				return err
			}
			n, err := done.RowsAffected()
			if err != nil {
				return err
			}
			written += int(n)
		}
		return nil
	})
	return written, err
}

// KeyedColumns returns the columns of keyed hashes that an older key of keyed hashes may
// have made and that are still compared. Counts of attempts and paces are not among them: after a
// rotation they begin anew.
func KeyedColumns() []string {
	return []string{
		"audit_batches.seal", "audit_head.seal", "forgotten_accounts.identity", "operator_recovery_codes.hash",
		"unattended_accesses.subject", "unreadable_records.content",
	}
}

// passwordColumns are the columns of hashes of passwords.
var passwordColumns = []string{"operators.password_hash", "users.password_hash"}

// KeyedHashes counts, by column, the hashes of one key of keyed hashes: those that begin with
// its mark, or those without one. password is the beginning of its hashes of passwords.
func (db *DB) KeyedHashes(ctx context.Context, mark []byte, password string) (map[string]int, error) {
	counts := map[string]int{}
	count := func(name, condition string, arg any) error {
		table, column, _ := strings.Cut(name, ".")
		n := 0
		text := "SELECT count(*) FROM " + table + " WHERE " + strings.ReplaceAll(condition, "COLUMN", column)
		err := db.Read().raw.QueryRowContext(ctx, text, arg).Scan(&n)
		if err != nil {
			return fmt.Errorf("count keyed hashes of %s: %w", name, err)
		}
		if n > 0 {
			counts[name] = n
		}
		return nil
	}
	for _, name := range KeyedColumns() {
		condition, arg := "length(COLUMN) = 36 AND substr(COLUMN, 1, 4) = ?1", any(mark)
		if len(mark) == 0 {
			condition, arg = "length(COLUMN) = ?1", 32
		}
		err := count(name, condition, arg)
		if err != nil {
			return nil, err
		}
	}
	for _, name := range passwordColumns {
		err := count(name, "COLUMN LIKE ?1", password+"%")
		if err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// DropKeyedHashes deletes what only a key of keyed hashes recognises that is taken away, so that
// nothing counts what means nothing. The hashes of passwords stay; no password fits them.
func DropKeyedHashes(ctx context.Context, tx *Tx, mark []byte) error {
	for _, name := range []string{"forgotten_accounts.identity", "operator_recovery_codes.hash", "unattended_accesses.subject", "unreadable_records.content"} {
		table, column, _ := strings.Cut(name, ".")
		text, arg := "DELETE FROM "+table+" WHERE length("+column+") = 36 AND substr("+column+", 1, 4) = ?1", any(mark)
		if len(mark) == 0 {
			text, arg = "DELETE FROM "+table+" WHERE length("+column+") = ?1", 32
		}
		_, err := tx.raw.ExecContext(ctx, text, arg)
		if err != nil {
			return fmt.Errorf("drop keyed hashes of %s: %w", name, err)
		}
	}
	return nil
}

// KeyUse is the sign of a process that it seals with a key.
type KeyUse struct {
	Process string
	Key     uint32
	SeenAt  time.Time
}

// SaveKeyUse stores the sign of a process, and drops those of processes long gone.
func (db *DB) SaveKeyUse(ctx context.Context, use KeyUse) error {
	err := db.WriteSoon(ctx, func(tx *Tx) error {
		long := use.SeenAt.Add(-24 * time.Hour)
		if db.dialect == SQLite {
			long = use.SeenAt.Add(time.Hour) // one process serves: whoever was here before is gone
		}
		_, err := tx.raw.ExecContext(ctx, "DELETE FROM key_uses WHERE process = ?1 OR seen_at < ?2", use.Process, query.At(long))
		if err != nil {
			return err
		}
		_, err = tx.raw.ExecContext(ctx, "INSERT INTO key_uses (process, sealing_key, seen_at) VALUES (?1, ?2, ?3)",
			use.Process, int64(use.Key), query.At(use.SeenAt))
		return err
	})
	if err != nil {
		return fmt.Errorf("sign of the key in use: %w", err)
	}
	return nil
}

// DropKeyUse removes the sign of a process that ends.
func (db *DB) DropKeyUse(ctx context.Context, process string) error {
	err := db.Write(ctx, func(tx *Tx) error {
		_, err := tx.raw.ExecContext(ctx, "DELETE FROM key_uses WHERE process = ?1", process)
		return err
	})
	if err != nil {
		return fmt.Errorf("sign of the key in use: %w", err)
	}
	return nil
}

// OtherKeys counts the processes that have given a sign since an instant, and seal with another
// key.
func (db *DB) OtherKeys(ctx context.Context, key uint32, since time.Time) (int, error) {
	n := 0
	err := db.Read().raw.QueryRowContext(ctx, "SELECT count(*) FROM key_uses WHERE sealing_key <> ?1 AND seen_at >= ?2", int64(key), query.At(since)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("sign of the key in use: %w", err)
	}
	return n, nil
}
