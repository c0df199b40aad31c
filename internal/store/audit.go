package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// AuditEntry is a row of the audit log. Room audit makes it of what other rooms record.
type AuditEntry struct {
	ID int64
	// Batch is the number of the sealed batch; zero for an entry that is not sealed yet.
	Batch   int64
	At      time.Time
	Action  string
	Outcome string
	Actor   string
	Client  oxlin.ClientID
	// Subject is a user's pseudonym. UserID is the user while their key exists.
	Subject    string
	UserID     oxlin.UserID
	Connection oxlin.ConnectionID
	Consent    int64
	Account    oxlin.AccountID
	RequestID  string
	// Details is a JSON object.
	Details string
}

// AuditBatch is a sealed batch of entries. Its row stays when its entries are dropped.
type AuditBatch struct {
	Number   int64
	Entries  int64
	SealedAt time.Time
	// NewestAt is the time of its newest entry.
	NewestAt time.Time
	// Hash covers the entries and the hash of the batch before; Seal is its keyed hash.
	Hash, Seal []byte
}

// AuditHead is the end of the chain of batches.
type AuditHead struct {
	// Number is the newest batch, and Dropped the newest batch without its entries.
	Number, Dropped int64
	SealedAt        time.Time
	// Hash is that of the newest batch; Seal is the keyed hash of the head.
	Hash, Seal []byte
}

// AuditReader reads the audit log.
type AuditReader struct{ executor }

// AuditOf returns the audit log that a reader sees.
func AuditOf(r Reader) AuditReader { return AuditReader(r) }

// AuditTx writes the audit log.
type AuditTx struct {
	executor
	tx *Tx
}

// Audit returns the writer of the audit log in this transaction.
func (tx *Tx) Audit() AuditTx { return AuditTx{tx.executor, tx} }

// auditColumns are the columns that an insert writes.
const auditColumns = "at, action, outcome, actor, client_id, subject, connection_id, consent_id, account_id, request_id, details"

// Insert appends entries.
func (tx AuditTx) Insert(ctx context.Context, entries []AuditEntry) error {
	const width, most = 11, 50
	for part := range slices.Chunk(entries, most) {
		var text strings.Builder
		text.WriteString("INSERT INTO audit_entries (" + auditColumns + ") VALUES ")
		args := make([]any, 0, width*len(part))
		for i, e := range part {
			if i > 0 {
				text.WriteByte(',')
			}
			text.WriteByte('(')
			for n := range width {
				if n > 0 {
					text.WriteByte(',')
				}
				text.WriteString(tx.dialect.parameter(len(args) + n + 1))
			}
			text.WriteByte(')')
			args = append(args, query.At(e.At), e.Action, e.Outcome, e.Actor, orNull(string(e.Client)), orNull(e.Subject),
				orNull(int64(e.Connection)), orNull(e.Consent), orNull(int64(e.Account)), orNull(e.RequestID), e.Details)
		}
		_, err := tx.raw.ExecContext(ctx, text.String(), args...)
		if err != nil {
			return fmt.Errorf("insert audit entries: %w", err)
		}
	}
	return nil
}

// orNull returns nil for a zero value.
func orNull[T comparable](value T) any {
	var zero T
	if value == zero {
		return nil
	}
	return value
}

// AuditKey connects a user with their pseudonym.
type AuditKey struct {
	Subject string
	// Value is sealed.
	Value []byte
	// Client is the user's; a key is stored without it.
	Client oxlin.ClientID
	// Fresh is set if this transaction has made the key: a rollback takes it away again.
	Fresh bool
}

// Key returns a user's key, and stores the one that make returns for a user without a key.
// The error of a deleted user is CodeNotFound.
func (tx AuditTx) Key(ctx context.Context, user oxlin.UserID, make func() (AuditKey, error)) (AuditKey, error) {
	k, err := tx.findKey(ctx, user)
	if !oxlin.IsNotFound(err) {
		return k, err
	}
	made, err := make()
	if err != nil {
		return AuditKey{}, err
	}
	_, err = tx.raw.ExecContext(ctx,
		"INSERT INTO audit_keys (user_id, subject, value) SELECT id, ?1, ?2 FROM users WHERE id = ?3 ON CONFLICT DO NOTHING",
		made.Subject, made.Value, int64(user))
	if err != nil {
		return AuditKey{}, fmt.Errorf("insert audit key: %w", err)
	}
	if tx.tx.freshAuditKeys == nil {
		tx.tx.freshAuditKeys = map[oxlin.UserID]bool{}
	}
	tx.tx.freshAuditKeys[user] = true
	return tx.findKey(ctx, user)
}

func (tx AuditTx) findKey(ctx context.Context, user oxlin.UserID) (AuditKey, error) {
	k, err := AuditReader{tx.executor}.Key(ctx, user)
	k.Fresh = tx.tx.freshAuditKeys[user]
	return k, err
}

// Key finds the key of a user.
func (r AuditReader) Key(ctx context.Context, user oxlin.UserID) (AuditKey, error) {
	var k AuditKey
	err := r.raw.QueryRowContext(ctx, "SELECT k.subject, k.value, u.client_id FROM audit_keys k JOIN users u ON u.id = k.user_id WHERE k.user_id = ?1", int64(user)).
		Scan(&k.Subject, &k.Value, &k.Client)
	return found(k, err, "audit key", func(k AuditKey) AuditKey { return k })
}

// LockHead returns the end of the chain. Other nodes wait for this transaction.
func (tx AuditTx) LockHead(ctx context.Context) (AuditHead, error) {
	return scanHead(tx.raw.QueryRowContext(ctx, "UPDATE audit_head SET number = number WHERE id = 1 RETURNING number, dropped, sealed_at, hash, seal"))
}

// Head returns the end of the chain.
func (r AuditReader) Head(ctx context.Context) (AuditHead, error) {
	return scanHead(r.raw.QueryRowContext(ctx, "SELECT number, dropped, sealed_at, hash, seal FROM audit_head WHERE id = 1"))
}

func scanHead(row *sql.Row) (AuditHead, error) {
	var h AuditHead
	err := row.Scan(&h.Number, &h.Dropped, query.InstantIn(&h.SealedAt), &h.Hash, &h.Seal)
	return found(h, err, "head of the audit log", func(h AuditHead) AuditHead { return h })
}

// SaveHead stores the end of the chain.
func (tx AuditTx) SaveHead(ctx context.Context, h AuditHead) error {
	_, err := tx.raw.ExecContext(ctx, "UPDATE audit_head SET number = ?1, dropped = ?2, sealed_at = ?3, hash = ?4, seal = ?5 WHERE id = 1",
		h.Number, h.Dropped, query.At(h.SealedAt), h.Hash, h.Seal)
	if err != nil {
		return fmt.Errorf("save the head of the audit log: %w", err)
	}
	return nil
}

// SetSeal replaces the seal of a batch.
func (tx AuditTx) SetSeal(ctx context.Context, number int64, seal []byte) error {
	_, err := tx.raw.ExecContext(ctx, "UPDATE audit_batches SET seal = ?1 WHERE number = ?2", seal, number)
	if err != nil {
		return fmt.Errorf("seal a batch of the audit log: %w", err)
	}
	return nil
}

// Unsealed lists the oldest entries without a batch. On PostgreSQL, an entry whose
// transaction is still open belongs to a later batch, whatever its id is.
func (r AuditReader) Unsealed(ctx context.Context, most int) ([]AuditEntry, error) {
	return r.entries(ctx, "e.batch IS NULL ORDER BY e.id LIMIT CAST(?1 AS BIGINT)", int64(most))
}

// InsertBatch stores a batch and the number of the batch with its entries.
func (tx AuditTx) InsertBatch(ctx context.Context, b AuditBatch, entries []AuditEntry) error {
	_, err := tx.raw.ExecContext(ctx, "INSERT INTO audit_batches (number, entries, sealed_at, newest_at, hash, seal) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		b.Number, b.Entries, query.At(b.SealedAt), query.At(b.NewestAt), b.Hash, b.Seal)
	if err != nil {
		return fmt.Errorf("insert audit batch: %w", err)
	}
	// Ids between two entries may belong to transactions that commit in this moment.
	for begin := 0; begin < len(entries); {
		end := begin + 1
		for end < len(entries) && entries[end].ID == entries[end-1].ID+1 {
			end++
		}
		_, err := tx.raw.ExecContext(ctx, "UPDATE audit_entries SET batch = ?1 WHERE id BETWEEN ?2 AND ?3",
			b.Number, entries[begin].ID, entries[end-1].ID)
		if err != nil {
			return fmt.Errorf("seal audit entries: %w", err)
		}
		begin = end
	}
	return nil
}

// Batches lists batches by their numbers, from one on.
func (r AuditReader) Batches(ctx context.Context, from int64, most int) ([]AuditBatch, error) {
	rows, err := r.raw.QueryContext(ctx, "SELECT number, entries, sealed_at, newest_at, hash, seal FROM audit_batches WHERE number >= ?1 ORDER BY number LIMIT CAST(?2 AS BIGINT)",
		from, int64(most))
	return collect(rows, err, "audit batches", func(scan func(...any) error) (AuditBatch, error) {
		var b AuditBatch
		err := scan(&b.Number, &b.Entries, query.InstantIn(&b.SealedAt), query.InstantIn(&b.NewestAt), &b.Hash, &b.Seal)
		return b, err
	})
}

// EntriesOf lists the entries of a batch in their order, and at most one more than it
// says to have.
func (r AuditReader) EntriesOf(ctx context.Context, b AuditBatch) ([]AuditEntry, error) {
	return r.entries(ctx, "e.batch = ?1 ORDER BY e.id LIMIT CAST(?2 AS BIGINT)", b.Number, b.Entries+1)
}

// Stray returns the number of a batch that is not between two numbers, and has
// entries all the same; zero without one.
func (r AuditReader) Stray(ctx context.Context, above, upTo int64) (int64, error) {
	var batch sql.NullInt64
	err := r.raw.QueryRowContext(ctx, "SELECT min(batch) FROM audit_entries WHERE batch IS NOT NULL AND (batch <= ?1 OR batch > ?2)", above, upTo).Scan(&batch)
	if err != nil {
		return 0, fmt.Errorf("look for audit entries: %w", err)
	}
	return batch.Int64, nil
}

// DropBatch removes the entries of a batch.
func (tx AuditTx) DropBatch(ctx context.Context, number int64) error {
	_, err := tx.raw.ExecContext(ctx, "DELETE FROM audit_entries WHERE batch = ?1", number)
	if err != nil {
		return fmt.Errorf("drop audit batch: %w", err)
	}
	return nil
}

// AuditFilter selects entries. Zero fields select all.
type AuditFilter struct {
	Subject    string
	Client     oxlin.ClientID
	Connection oxlin.ConnectionID
	// Consent selects what belongs to a consent: its entries, and those of its connection
	// that belong to no consent, such as the reading of the list before it was given.
	Consent   int64
	Account   oxlin.AccountID
	RequestID string
	Action    string
	// Since is the first instant, and Until the first one that is not selected any more.
	Since, Until time.Time
	// Before and After are ids at which a page ends.
	Before, After int64
	// NewestFirst turns the order.
	NewestFirst bool
}

// Entries lists entries by their ids. Every page of a filter is read by an index.
func (r AuditReader) Entries(ctx context.Context, f AuditFilter, most int) ([]AuditEntry, error) {
	var terms []string
	var args []any
	where := func(term string, value any) {
		args = append(args, value)
		terms = append(terms, strings.ReplaceAll(term, "?", r.dialect.parameter(len(args))))
	}
	if f.Consent != 0 {
		var connection sql.NullInt64
		err := r.raw.QueryRowContext(ctx, "SELECT connection_id FROM audit_entries WHERE consent_id = ?1 ORDER BY id LIMIT 1", f.Consent).Scan(&connection)
		if errors.Is(err, sql.ErrNoRows) {
			return []AuditEntry{}, nil
		}
		if err != nil {
			return nil, fmt.Errorf("look for a consent: %w", err)
		}
		where("e.connection_id = ?", connection.Int64)
		where("(e.consent_id IS NULL OR e.consent_id = ?)", f.Consent)
	}
	if f.Subject != "" {
		where("e.subject = ?", f.Subject)
	}
	if f.Client != "" {
		where("e.client_id = ?", string(f.Client))
	}
	if f.Connection != 0 {
		where("e.connection_id = ?", int64(f.Connection))
	}
	if f.Account != 0 {
		where("e.account_id = ?", int64(f.Account))
	}
	if f.RequestID != "" {
		where("e.request_id = ?", f.RequestID)
	}
	if f.Action != "" {
		where("e.action = ?", f.Action)
	}
	if !f.Since.IsZero() {
		where("e.at >= ?", query.At(f.Since))
	}
	if !f.Until.IsZero() {
		where("e.at < ?", query.At(f.Until))
	}
	if f.Before != 0 {
		where("e.id < ?", f.Before)
	}
	if f.After != 0 {
		where("e.id > ?", f.After)
	}
	if len(terms) == 0 {
		terms = []string{"TRUE"}
	}
	order := "ASC"
	if f.NewestFirst {
		order = "DESC"
	}
	return r.entries(ctx, strings.Join(terms, " AND ")+" ORDER BY e.id "+order+" LIMIT "+strconv.Itoa(most), args...)
}

func (r AuditReader) entries(ctx context.Context, rest string, args ...any) ([]AuditEntry, error) {
	rows, err := r.raw.QueryContext(ctx, "SELECT e.id, e.batch, e.at, e.action, e.outcome, e.actor, e.client_id, e.subject, k.user_id, "+
		"e.connection_id, e.consent_id, e.account_id, e.request_id, e.details "+
		"FROM audit_entries e LEFT JOIN audit_keys k ON k.subject = e.subject WHERE "+rest, args...)
	return collect(rows, err, "audit entries", func(scan func(...any) error) (AuditEntry, error) {
		var e AuditEntry
		var client, subject, request sql.NullString
		var batch, user, connection, consent, account sql.NullInt64
		err := scan(&e.ID, &batch, query.InstantIn(&e.At), &e.Action, &e.Outcome, &e.Actor, &client, &subject, &user,
			&connection, &consent, &account, &request, &e.Details)
		e.Batch, e.Client, e.Subject, e.UserID = batch.Int64, oxlin.ClientID(client.String), subject.String, oxlin.UserID(user.Int64)
		e.Connection, e.Consent, e.Account = oxlin.ConnectionID(connection.Int64), consent.Int64, oxlin.AccountID(account.Int64)
		e.RequestID = request.String
		return e, err
	})
}

// collect reads all rows of a query.
func collect[T any](rows *sql.Rows, err error, noun string, one func(scan func(...any) error) (T, error)) ([]T, error) {
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", noun, err)
	}
	defer rows.Close()
	list := []T{}
	for rows.Next() {
		value, err := one(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", noun, err)
		}
		list = append(list, value)
	}
	err = rows.Err()
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", noun, err)
	}
	return list, nil
}

// WriteSoon is Write without waiting for the disk: a power failure may lose the transaction,
// unless a later one has waited. A killed process loses nothing.
func (db *DB) WriteSoon(ctx context.Context, f func(tx *Tx) error) (err error) {
	if db.dialect == Postgres {
		return db.Write(ctx, func(tx *Tx) error {
			_, err := tx.raw.ExecContext(ctx, "SET LOCAL synchronous_commit = off")
			if err != nil {
				return fmt.Errorf("begin: %w", err)
			}
			return f(tx)
		})
	}
	defer func() { db.noteOutage(err) }()
	err = db.present()
	if err != nil {
		return err
	}
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	var synchronous int
	err = conn.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&synchronous)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	_, err = conn.ExecContext(ctx, "PRAGMA synchronous = NORMAL")
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() {
		// The connection is the only one that writes: it must wait for the disk again.
		_, restored := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA synchronous = "+strconv.Itoa(synchronous))
		if restored != nil {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		}
	}()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after the commit it does nothing
	err = f(&Tx{executor: db.executor(tx), sqlite: tx})
	if err != nil {
		return err
	}
	err = tx.Commit()
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// CountUnsealed counts the entries without a batch.
func (r AuditReader) CountUnsealed(ctx context.Context) (int64, error) {
	var n int64
	err := r.raw.QueryRowContext(ctx, "SELECT count(*) FROM audit_entries WHERE batch IS NULL").Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count audit entries: %w", err)
	}
	return n, nil
}

// LatestConsent returns the id of a channel's newest consent and its end; zero without one.
func (r AuditReader) LatestConsent(ctx context.Context, channel oxlin.ChannelID) (id int64, until time.Time, err error) {
	err = r.raw.QueryRowContext(ctx, "SELECT id, valid_until FROM consents WHERE channel_id = ?1 ORDER BY id DESC LIMIT 1", int64(channel)).
		Scan(&id, query.InstantIn(&until))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, until, fmt.Errorf("find the newest consent: %w", err)
	}
	return id, until, nil
}
