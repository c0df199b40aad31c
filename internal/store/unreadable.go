package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// UnreadableRecord is a record of an account that the bank's connector cannot read. It
// is deleted with the account.
type UnreadableRecord struct {
	// Content is a keyed hash of the record: each content is stored once per account.
	Content []byte
	// Reason is the part that cannot be read: bank.Unread.
	Reason string
	// SeenAt is when the bank first sent it.
	SeenAt time.Time
	// CoveredFrom is the first day of the last reading that showed the record; zero if an
	// earlier version stored it.
	CoveredFrom oxlin.Date
	// Raw is the bank's record, sealed.
	Raw []byte
}

// SaveUnreadable stores a record. If it is stored already, its reason and its days are
// brought up to date.
func (tx *Tx) SaveUnreadable(ctx context.Context, id oxlin.AccountID, record UnreadableRecord) error {
	err := tx.q.SaveUnreadable(ctx, query.SaveUnreadableParams{
		AccountID: id, Content: record.Content, Reason: record.Reason, SeenAt: query.At(record.SeenAt), Raw: record.Raw,
		CoveredFrom: record.CoveredFrom,
	})
	if err != nil {
		return fmt.Errorf("save unreadable record: %w", err)
	}
	return nil
}

// UnreadableRecords lists the unreadable records of an account, the oldest first.
func (r Reader) UnreadableRecords(ctx context.Context, id oxlin.AccountID) ([]UnreadableRecord, error) {
	rows, err := r.q.ListUnreadable(ctx, id)
	return each(rows, err, "unreadable record", func(row query.UnreadableRecord) UnreadableRecord {
		return UnreadableRecord{Content: row.Content, Reason: row.Reason, SeenAt: row.SeenAt.Time, CoveredFrom: row.CoveredFrom, Raw: row.Raw}
	})
}

// AccountsWithUnreadable lists some accounts with unreadable records, in the order of their ids.
func AccountsWithUnreadable(ctx context.Context, r Reader, after oxlin.AccountID) ([]oxlin.AccountID, error) {
	rows, err := r.raw.QueryContext(ctx,
		"SELECT DISTINCT account_id FROM unreadable_records WHERE account_id > ?1 ORDER BY account_id LIMIT CAST(100 AS BIGINT)", int64(after))
	if err != nil {
		return nil, fmt.Errorf("list unreadable records: %w", err)
	}
	defer rows.Close()
	var ids []oxlin.AccountID
	for rows.Next() {
		var id int64
		err := rows.Scan(&id)
		if err != nil {
			return nil, fmt.Errorf("list unreadable records: %w", err)
		}
		ids = append(ids, oxlin.AccountID(id))
	}
	return ids, rows.Err()
}

// DropUnreadable deletes a record that can be read now, or that the bank no longer shows.
func (tx *Tx) DropUnreadable(ctx context.Context, id oxlin.AccountID, content []byte) error {
	err := tx.q.DropUnreadable(ctx, query.DropUnreadableParams{AccountID: id, Content: content})
	if err != nil {
		return fmt.Errorf("drop unreadable record: %w", err)
	}
	return nil
}
