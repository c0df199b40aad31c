package audit

import (
	"bytes"
	"context"
	"fmt"

	"github.com/oxlin/oxlin/internal/store"
)

// Reseal makes the seals of batches and of the head anew that an older key of keyed hashes has
// made. What does not fit its seal is not sealed again: the error is ErrBroken, and Verify finds it.
// With looks it only counts.
func (l *Log) Reseal(ctx context.Context, looks bool) (store.Resealed, error) {
	var all store.Resealed
	for number := int64(1); ; {
		batches, err := l.reader().Batches(ctx, number, exportPage)
		if err != nil || len(batches) == 0 {
			if err == nil {
				err = l.resealHead(ctx, looks, &all)
			}
			return all, err
		}
		var fresh []store.AuditBatch
		for _, b := range batches {
			number = b.Number + 1
			seal, err := l.sealOf(b)
			if err != nil {
				return all, err
			}
			if bytes.Equal(seal, b.Seal) {
				continue
			}
			fits, err := l.fits(b.Seal, sealedOf(b))
			if err != nil {
				return all, err
			}
			if !fits {
				return all, fmt.Errorf("%w: batch %d does not fit its seal", ErrBroken, b.Number)
			}
			b.Seal = seal
			fresh = append(fresh, b)
		}
		all.Renewed += len(fresh)
		if looks || len(fresh) == 0 {
			continue
		}
		err = l.options.DB.WriteSoon(ctx, func(tx *store.Tx) error {
			for _, b := range fresh {
				err := tx.Audit().SetSeal(ctx, b.Number, b.Seal)
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return all, err
		}
	}
}

func (l *Log) resealHead(ctx context.Context, looks bool, all *store.Resealed) error {
	return l.options.DB.Write(ctx, func(tx *store.Tx) error {
		head, err := tx.Audit().LockHead(ctx)
		if err != nil || len(head.Seal) == 0 {
			return err
		}
		seal, err := l.headSeal(head)
		if err != nil || bytes.Equal(seal, head.Seal) {
			return err
		}
		err = l.checkHead(head)
		if err != nil {
			return err
		}
		all.Renewed++
		if looks {
			return nil
		}
		head.Seal = seal
		return tx.Audit().SaveHead(ctx, head)
	})
}
