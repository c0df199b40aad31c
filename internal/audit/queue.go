package audit

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/oxlin/oxlin/internal/store"
)

// queue holds the noted entries until they are stored together.
type queue struct {
	mutex   sync.Mutex
	waiting []noted
	// lost counts the entries for which there was no room.
	lost int
	// wake is sent to when many entries wait.
	wake chan struct{}
	// storing is held while entries are being stored, so that they keep their order.
	storing sync.Mutex
}

type noted struct {
	entry Entry
	at    time.Time
}

const (
	// many entries are stored at once, without waiting for the second to end.
	many = 500
	// mostWaiting bounds the entries of a process that cannot store them.
	mostWaiting = 20_000
)

// Note appends an entry that belongs to no change, within a second. It does not wait for the
// database. While the database is away, entries wait for it; those that find no room are
// counted.
func (l *Log) Note(ctx context.Context, e Entry) {
	if l == nil {
		return
	}
	if !known[e.Action] {
		l.options.Log.ErrorContext(ctx, "no such action in the audit log", "action", e.Action)
		return
	}
	e = l.from(ctx, e)
	q := &l.queue
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if len(q.waiting) >= mostWaiting {
		q.lost++
		return
	}
	q.waiting = append(q.waiting, noted{e, l.options.Now()})
	if len(q.waiting) == many {
		select {
		case q.wake <- struct{}{}:
		default: // it is awake
		}
	}
}

// Flush stores the noted entries.
func (l *Log) Flush(ctx context.Context) error {
	if l == nil {
		return nil
	}
	q := &l.queue
	q.storing.Lock()
	defer q.storing.Unlock()
	for {
		q.mutex.Lock()
		part := q.waiting[:min(many, len(q.waiting))]
		lost := q.lost
		q.mutex.Unlock()
		if len(part) == 0 && lost == 0 {
			return nil
		}
		err := l.store(ctx, part, lost)
		if err != nil {
			return err
		}
		q.mutex.Lock()
		q.lost -= lost
		q.waiting = append([]noted(nil), q.waiting[len(part):]...)
		q.mutex.Unlock()
	}
}

// store stores noted entries, without waiting for the disk.
func (l *Log) store(ctx context.Context, part []noted, lost int) error {
	return l.options.DB.WriteSoon(ctx, func(tx *store.Tx) error {
		rows := make([]store.AuditEntry, 0, len(part)+1)
		for _, n := range part {
			row, err := l.row(ctx, tx, n.entry, n.at)
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		if lost > 0 {
			row, err := l.row(ctx, tx, Entry{
				Action: Overflowed, Outcome: Failed, Actor: Platform, Details: Details{Count: strconv.Itoa(lost)},
			}, l.options.Now())
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		return tx.Audit().Insert(ctx, rows)
	})
}
