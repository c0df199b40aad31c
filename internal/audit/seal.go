package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/oxlin/oxlin/internal/store"
)

const (
	// batchSize bounds the entries of a batch, because other writers wait while it is sealed.
	batchSize = 2000
	// sealEvery is how often the nodes together seal.
	sealEvery = time.Minute
)

// chained returns the hash of a batch: it covers the hash before, the facts of the batch and
// its lines. The words are stored by their hash and never change.
func chained(before []byte, b store.AuditBatch, lines [][]byte) []byte {
	sum := sha256.New()
	write := func(part []byte) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		sum.Write(size[:])
		sum.Write(part)
	}
	write([]byte("oxlin audit batch"))
	write(before)
	write(fmt.Appendf(nil, "%d %d %d %d", b.Number, len(lines), b.SealedAt.UnixMicro(), b.NewestAt.UnixMicro()))
	for _, line := range lines {
		write(line)
	}
	return sum.Sum(nil)
}

// sealOf returns the keyed hash of a batch: without the master key nobody can make another
// chain.
func (l *Log) sealOf(b store.AuditBatch) ([]byte, error) { return l.options.Vault.MAC(sealedOf(b)) }

// sealedOf returns what the seal of a batch covers.
func sealedOf(b store.AuditBatch) []byte {
	return fmt.Appendf(nil, "oxlin audit batch\x00%d\x00%d\x00%d\x00%d\x00%x",
		b.Number, b.Entries, b.SealedAt.UnixMicro(), b.NewestAt.UnixMicro(), b.Hash)
}

// fits reports whether a seal is of what it covers, by the newest key of keyed hashes or by an
// older one.
func (l *Log) fits(seal, covered []byte) (bool, error) { return l.options.Vault.Proves(seal, covered) }

// headSeal returns the keyed hash of the head: without the master key nobody can cut off the
// end of the chain, or its beginning.
func (l *Log) headSeal(h store.AuditHead) ([]byte, error) {
	return l.options.Vault.MAC(sealedOfHead(h))
}

// sealedOfHead returns what the seal of the head covers.
func sealedOfHead(h store.AuditHead) []byte {
	var micros int64
	if !h.SealedAt.IsZero() {
		micros = h.SealedAt.UnixMicro()
	}
	return fmt.Appendf(nil, "oxlin audit head\x00%d\x00%d\x00%d\x00%x", h.Number, h.Dropped, micros, h.Hash)
}

// Seal seals all stored entries. If another node has sealed in this minute, it waits for the
// next one, unless now is set.
func (l *Log) Seal(ctx context.Context, now bool) error {
	if l == nil {
		return nil
	}
	for {
		waiting, err := l.reader().Unsealed(ctx, 1)
		if err != nil {
			return err
		}
		head, err := l.reader().Head(ctx)
		if err != nil || len(waiting) == 0 && len(head.Seal) > 0 {
			return err
		}
		full, err := l.sealBatch(ctx, now)
		if err != nil || !full {
			return err
		}
		now = true
	}
}

// sealBatch seals one batch, and reports whether there may be more. The transaction locks the
// head, so that nodes take their turns.
func (l *Log) sealBatch(ctx context.Context, now bool) (full bool, err error) {
	var sealed store.AuditBatch
	err = l.options.DB.WriteSoon(ctx, func(tx *store.Tx) error {
		sealed, full = store.AuditBatch{}, false // the transaction may be repeated
		head, err := tx.Audit().LockHead(ctx)
		if err != nil {
			return err
		}
		at := l.options.Now().UTC().Truncate(time.Microsecond)
		if !now && len(head.Seal) > 0 && at.Sub(head.SealedAt) < sealEvery-5*time.Second && !at.Before(head.SealedAt) {
			return nil
		}
		// Nobody but this function writes the head. One that was changed is not sealed again:
		// Verify shall find it.
		if len(head.Seal) > 0 {
			err = l.checkHead(head)
			if err != nil {
				return err
			}
		}
		entries, err := store.AuditOf(tx.Read()).Unsealed(ctx, batchSize)
		if err != nil {
			return err
		}
		full = len(entries) == batchSize
		head.SealedAt = at
		if len(entries) > 0 {
			sealed, err = l.newBatch(head, entries)
			if err != nil {
				return err
			}
			err = tx.Audit().InsertBatch(ctx, sealed, entries)
			if err != nil {
				return err
			}
			head.Number, head.Hash = sealed.Number, sealed.Hash
		}
		head.Seal, err = l.headSeal(head)
		if err != nil {
			return err
		}
		return tx.Audit().SaveHead(ctx, head)
	})
	if err == nil && sealed.Number != 0 {
		// A copy of the log keeps what the chain must lead to, whatever becomes of the database.
		l.options.Log.InfoContext(ctx, "audit log sealed", "batch", sealed.Number, "entries", sealed.Entries, "hash", hex.EncodeToString(sealed.Hash))
	}
	return full, err
}

// newBatch returns the batch that follows a head.
func (l *Log) newBatch(head store.AuditHead, entries []store.AuditEntry) (store.AuditBatch, error) {
	b := store.AuditBatch{Number: head.Number + 1, Entries: int64(len(entries)), SealedAt: head.SealedAt}
	lines := make([][]byte, len(entries))
	for i, e := range entries {
		var err error
		lines[i], err = line(e)
		if err != nil {
			return b, err
		}
		if e.At.After(b.NewestAt) {
			b.NewestAt = e.At
		}
	}
	b.Hash = chained(head.Hash, b, lines)
	var err error
	b.Seal, err = l.sealOf(b)
	return b, err
}

// checkHead refuses a head that does not fit its seal.
func (l *Log) checkHead(head store.AuditHead) error {
	fits, err := l.fits(head.Seal, sealedOfHead(head))
	if err == nil && !fits {
		err = fmt.Errorf("%w: the head of the chain was changed", ErrBroken)
	}
	return err
}

// Sweep drops the batches whose entries are all older than the retention. Their hashes stay.
func (l *Log) Sweep(ctx context.Context) error {
	if l == nil || l.options.Retention <= 0 {
		return nil
	}
	for {
		more, err := l.drop(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// dropAtOnce bounds the batches that one transaction drops.
const dropAtOnce = 5

// drop drops some batches from the beginning of the chain. The head and an entry tell which.
func (l *Log) drop(ctx context.Context) (more bool, err error) {
	before := l.options.Now().Add(-l.options.Retention)
	head, err := l.reader().Head(ctx)
	if err != nil {
		return false, err
	}
	next, err := l.reader().Batches(ctx, head.Dropped+1, 1)
	if err != nil || len(next) == 0 || !next[0].NewestAt.Before(before) {
		return false, err
	}
	err = l.options.DB.WriteSoon(ctx, func(tx *store.Tx) error {
		more = false // the transaction may be repeated
		head, err := tx.Audit().LockHead(ctx)
		if err != nil {
			return err
		}
		err = l.checkHead(head)
		if err != nil {
			return err
		}
		batches, err := store.AuditOf(tx.Read()).Batches(ctx, head.Dropped+1, dropAtOnce)
		if err != nil {
			return err
		}
		first := head.Dropped + 1
		for _, b := range batches {
			if b.Number != head.Dropped+1 || b.Number > head.Number || !b.NewestAt.Before(before) {
				break
			}
			err := tx.Audit().DropBatch(ctx, b.Number)
			if err != nil {
				return err
			}
			head.Dropped = b.Number
		}
		if head.Dropped < first {
			return nil
		}
		more = true
		head.Seal, err = l.headSeal(head)
		if err != nil {
			return err
		}
		err = tx.Audit().SaveHead(ctx, head)
		if err != nil {
			return err
		}
		return l.Record(ctx, tx, Entry{Action: Dropped, Details: Details{
			First: strconv.FormatInt(first, 10), Last: strconv.FormatInt(head.Dropped, 10),
		}})
	})
	return more, err
}

// Run stores noted entries every second and seals every minute, until ctx ends. Close stores
// the last ones.
func (l *Log) Run(ctx context.Context) {
	// The machine's time: no moment that is stored depends on when this runs.
	flush, seal := time.NewTicker(time.Second), time.NewTicker(sealEvery)
	defer flush.Stop()
	defer seal.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-flush.C:
			err = l.Flush(ctx)
		case <-l.queue.wake:
			err = l.Flush(ctx)
		case <-seal.C:
			err = l.Seal(ctx, false)
		}
		if err != nil && ctx.Err() == nil && !store.Unreachable(err) {
			l.options.Log.ErrorContext(ctx, "the audit log is not stored or sealed", "error", err)
		}
	}
}

// Close stores and seals the last entries. Nothing may be noted after it.
func (l *Log) Close(ctx context.Context) error {
	err := l.Flush(ctx)
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	err = l.Seal(ctx, true)
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	return nil
}
