package jobs

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/oxlin/oxlin/internal/store"
)

// ResealedColumn names what Reseal walks: the accesses in the jobs that revoke them at a bank.
const ResealedColumn = "river_job.args"

const (
	unfinished = "state IN ('available', 'pending', 'retryable', 'running', 'scheduled')"
	// The engine keeps its arguments as JSON, in a type of its own in each database.
	resealOnly   = "UPDATE river_job SET args = jsonb_set(args, '$.sealed', ?1) WHERE id = ?2 AND json_extract(args, '$.sealed') = ?3"
	resealShared = `UPDATE river_job SET args = jsonb_set(args, '{sealed}', to_jsonb($1::text))
		WHERE id IN (SELECT id FROM river_job WHERE id = $2 AND args->>'sealed' = $3 FOR NO KEY UPDATE SKIP LOCKED)`
)

// Reseal brings the sealed accesses of jobs that are not done under the newest key: renew returns
// one under that key, nil for one that stays, or store.ErrLost. With looks it only counts.
func Reseal(ctx context.Context, db *store.DB, renew func([]byte) ([]byte, error), looks bool) (store.Resealed, error) {
	var all store.Resealed
	stored, err := sealedArgs(ctx, db)
	if err != nil {
		return all, fmt.Errorf("reseal %s: %w", ResealedColumn, err)
	}
	for id, text := range stored {
		sealed, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			continue
		}
		again, err := renew(sealed)
		if errors.Is(err, store.ErrLost) {
			all.Lost++
			continue
		}
		if err != nil {
			return all, fmt.Errorf("reseal %s: %w", ResealedColumn, err)
		}
		if again == nil {
			continue
		}
		written := int64(1)
		if !looks {
			written, err = replaceArgs(ctx, db, id, text, base64.StdEncoding.EncodeToString(again))
			if err != nil {
				return all, fmt.Errorf("reseal %s: %w", ResealedColumn, err)
			}
		}
		all.Renewed += int(written)
		all.Passed += 1 - int(written)
	}
	return all, nil
}

// sealedArgs returns the sealed accesses by the number of their job.
func sealedArgs(ctx context.Context, db *store.DB) (map[int64]string, error) {
	found := map[int64]string{}
	if db.Dialect() == store.Postgres {
		rows, err := db.Postgres().Query(ctx, "SELECT id, args->>'sealed' FROM river_job WHERE kind = $1 AND "+unfinished, revokeKind)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		for rows.Next() {
			var id int64
			var text string
			err = rows.Scan(&id, &text)
			if err != nil {
				return nil, err
			}
			found[id] = text
		}
		return found, rows.Err()
	}
	rows, err := db.SQLite().QueryContext(ctx, "SELECT id, json_extract(args, '$.sealed') FROM river_job WHERE kind = ?1 AND "+unfinished, revokeKind)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var text string
		err = rows.Scan(&id, &text)
		if err != nil {
			return nil, err
		}
		found[id] = text
	}
	return found, rows.Err()
}

func replaceArgs(ctx context.Context, db *store.DB, id int64, before, after string) (written int64, err error) {
	err = db.Write(ctx, func(tx *store.Tx) error {
		if db.Dialect() == store.Postgres {
			done, err := tx.Postgres().Exec(ctx, resealShared, after, id, before)
			written = done.RowsAffected()
			return err
		}
		done, err := tx.SQLite().ExecContext(ctx, resealOnly, after, id, before)
		if err != nil {
			return err
		}
		written, err = done.RowsAffected()
		return err
	})
	return written, err
}
