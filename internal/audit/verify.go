package audit

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/oxlin/oxlin/internal/store"
)

// ErrBroken is the error of Verify for a log that was changed.
var ErrBroken = errors.New("the audit log was changed")

// Verified counts the parts of a log that Verify has read.
type Verified struct {
	// Batches counts the batches of the chain, and Dropped those without their entries,
	// because the retention was over.
	Batches, Dropped int64
	// Entries counts the sealed entries, and Unsealed those of the last minute.
	Entries, Unsealed int64
	// Head is the hash of the newest batch in hexadecimal.
	Head string
}

// Anchor is a batch with its hash, as an older run of Verify or a line of the log has it.
// Zero is no anchor.
type Anchor struct {
	Batch int64
	Hash  []byte
}

// Verify reads all batches and checks that no sealed entry was changed, removed, inserted or
// moved. With an anchor, the chain must lead through it: so even a copy of an older database
// in place of this one is found. The error is ErrBroken with the first fault.
func (l *Log) Verify(ctx context.Context, anchor Anchor) (Verified, error) {
	// Batches are sealed meanwhile: those after this head are not looked at.
	reader := l.reader()
	head, err := reader.Head(ctx)
	if err != nil {
		return Verified{}, err
	}
	found := Verified{Batches: head.Number, Dropped: head.Dropped, Head: hex.EncodeToString(head.Hash)}
	fits, err := l.fits(head.Seal, sealedOfHead(head))
	if err != nil {
		return found, err
	}
	if !fits {
		if len(head.Seal) == 0 && head.Number == 0 {
			return found, fmt.Errorf("%w: no process has sealed it, or all of it was removed", ErrBroken)
		}
		return found, fmt.Errorf("%w: the head of the chain does not fit its seal", ErrBroken)
	}
	if anchor.Batch > head.Number {
		return found, fmt.Errorf("%w: it ends with batch %d, and batch %d is missing", ErrBroken, head.Number, anchor.Batch)
	}
	hash, err := l.verifyBatches(ctx, head, anchor, &found)
	if err != nil {
		return found, err
	}
	if !bytes.Equal(hash, head.Hash) {
		return found, fmt.Errorf("%w: its last batch is not the one of the head", ErrBroken)
	}
	return found, l.verifyRest(ctx, &found)
}

// verifyBatches checks the batches up to a head, and returns the hash of the last one.
func (l *Log) verifyBatches(ctx context.Context, head store.AuditHead, anchor Anchor, found *Verified) ([]byte, error) {
	reader := l.reader()
	var hash []byte
	for number := int64(1); number <= head.Number; {
		batches, err := reader.Batches(ctx, number, 500)
		if err != nil {
			return nil, err
		}
		if len(batches) == 0 {
			return nil, fmt.Errorf("%w: batch %d is missing", ErrBroken, number)
		}
		for _, b := range batches {
			if b.Number > head.Number {
				break
			}
			if b.Number != number {
				return nil, fmt.Errorf("%w: batch %d is missing", ErrBroken, number)
			}
			err := l.verifyBatch(ctx, b, hash, found)
			if err != nil {
				return nil, err
			}
			if b.Number == anchor.Batch && !bytes.Equal(b.Hash, anchor.Hash) {
				return nil, fmt.Errorf("%w: batch %d is not the one that was noted", ErrBroken, b.Number)
			}
			hash = b.Hash
			number++
		}
	}
	return hash, nil
}

// verifyBatch checks one batch, which follows a hash.
func (l *Log) verifyBatch(ctx context.Context, b store.AuditBatch, before []byte, found *Verified) error {
	fits, err := l.fits(b.Seal, sealedOf(b))
	if err != nil {
		return err
	}
	if !fits {
		return fmt.Errorf("%w: batch %d does not fit its seal", ErrBroken, b.Number)
	}
	entries, err := l.reader().EntriesOf(ctx, b)
	if err != nil {
		return err
	}
	if len(entries) == 0 && b.Number > found.Dropped {
		// The retention may have ended since the head was read.
		head, err := l.reader().Head(ctx)
		if err != nil {
			return err
		}
		fits, err := l.fits(head.Seal, sealedOfHead(head))
		if err != nil {
			return err
		}
		if fits {
			found.Dropped = max(found.Dropped, head.Dropped)
		}
	}
	if b.Number <= found.Dropped {
		if len(entries) > 0 {
			return fmt.Errorf("%w: batch %d was dropped, and has entries", ErrBroken, b.Number)
		}
		return nil
	}
	lines := make([][]byte, len(entries))
	for i, e := range entries {
		lines[i], err = line(e)
		if err != nil {
			return fmt.Errorf("%w: batch %d: %w", ErrBroken, b.Number, err)
		}
	}
	if int64(len(entries)) != b.Entries {
		return fmt.Errorf("%w: batch %d has another number of entries than the %d that were sealed", ErrBroken, b.Number, b.Entries)
	}
	if !bytes.Equal(chained(before, b, lines), b.Hash) {
		return fmt.Errorf("%w: an entry of batch %d was changed, exchanged or moved", ErrBroken, b.Number)
	}
	found.Entries += b.Entries
	return nil
}

// verifyRest checks that no entries are outside the batches, and counts those of the last
// minute.
func (l *Log) verifyRest(ctx context.Context, found *Verified) error {
	reader := l.reader()
	head, err := reader.Head(ctx)
	if err != nil {
		return err
	}
	stray, err := reader.Stray(ctx, head.Dropped, max(head.Number, found.Batches))
	if err != nil {
		return err
	}
	if stray != 0 {
		return fmt.Errorf("%w: entries claim batch %d, which does not exist or was dropped", ErrBroken, stray)
	}
	found.Unsealed, err = reader.CountUnsealed(ctx)
	return err
}
