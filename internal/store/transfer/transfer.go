// Package transfer copies a database of the platform into an empty one of the other kind, and
// compares every row and every sequence of ids afterwards. The copy goes on where it stopped when it is
// repeated, and nobody serves a database that it has not finished.
//
// It must never change a value on its way, nor the database that it reads. The jobs are copied by
// their engine (jobs.Transfer), because its two databases store them in different forms. Start
// reading at Run.
package transfer

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/oxlin/oxlin/internal/store"
)

// Options configure Run.
type Options struct {
	// From is up to date, and nobody writes to it.
	From *store.DB
	// To was opened with store.Options.Filling.
	To *store.DB
	// Jobs copies the jobs, and compares them.
	Jobs func(ctx context.Context) error
	// Copied and Compared are told how many rows of a table are in both.
	Copied, Compared func(table string, rows int)
}

// Run copies everything from one database to the other, which becomes a database that may be
// served once both are equal.
func Run(ctx context.Context, o Options) error {
	tables, err := schema(ctx)
	if err != nil {
		return err
	}
	c := &copying{options: o, from: open(o.From), to: open(o.To), tables: tables}
	defer c.close()
	return errors.Join(c.run(ctx), ctx.Err())
}

// side is one of the two databases.
type side struct {
	*sql.DB
	dialect store.Dialect
}

func open(db *store.DB) side {
	if db.Dialect() == store.SQLite {
		return side{db.SQLite(), store.SQLite}
	}
	return side{stdlib.OpenDBFromPool(db.Postgres()), store.Postgres}
}

type copying struct {
	options  Options
	from, to side
	tables   []table
}

// close gives PostgreSQL's connections back; SQLite's are the store's own.
func (c *copying) close() {
	for _, s := range []side{c.from, c.to} {
		if s.dialect == store.Postgres {
			_ = s.Close() // nothing is open in it
		}
	}
}

func (c *copying) run(ctx context.Context) error {
	err := c.options.To.BeginFilling(ctx, names(c.tables))
	if err != nil {
		return err
	}
	for _, t := range c.tables {
		err = c.copy(ctx, t)
		if err != nil {
			return fmt.Errorf("copy %s: %w", t.name, err)
		}
	}
	err = c.options.Jobs(ctx)
	if err != nil {
		return err
	}
	for _, t := range c.tables {
		err = c.copySequence(ctx, t)
		if err == nil {
			err = c.compare(ctx, t)
		}
		if err != nil {
			return fmt.Errorf("compare %s: %w", t.name, err)
		}
	}
	return c.options.To.EndFilling(ctx)
}

// The bounds of one transaction of the copy: PostgreSQL and SQLite take so many values in one
// statement, and bytes are held in memory.
const (
	mostValues = 30_000
	mostRows   = 500
	mostBytes  = 4 << 20
)

// copy appends the rows that follow the last one that is there: all of a table come in the order
// of their keys.
func (c *copying) copy(ctx context.Context, t table) error {
	last, err := c.lastKey(ctx, t)
	if err != nil {
		return err
	}
	rows, err := t.read(ctx, c.from, last)
	if err != nil {
		return err
	}
	defer rows.Close()
	var values []any
	var size, copied int
	flush := func() error {
		if len(values) == 0 {
			return nil
		}
		count := len(values) / len(t.columns)
		_, err := c.to.ExecContext(ctx, t.insert(c.to.dialect, count), values...)
		copied += count
		values, size = values[:0], 0
		return err
	}
	for rows.Next() {
		row, err := t.scan(rows)
		if err != nil {
			return err
		}
		for _, value := range row {
			size += weight(value)
		}
		values = append(values, row...)
		if len(values) >= min(mostValues, mostRows*len(t.columns))-len(t.columns) || size >= mostBytes {
			err = flush()
			if err != nil {
				return err
			}
		}
	}
	err = errors.Join(rows.Err(), flush())
	if err == nil && copied > 0 {
		c.options.Copied(t.name, copied)
	}
	return err
}

func weight(value any) int {
	switch value := value.(type) {
	case string:
		return len(value)
	case []byte:
		return len(value)
	}
	return 8
}

// lastKey returns the key of the last row that was copied, or nil.
func (c *copying) lastKey(ctx context.Context, t table) ([]any, error) {
	rows, err := c.to.QueryContext(ctx, "SELECT "+strings.Join(t.key, ", ")+" FROM "+t.name+
		" ORDER BY "+t.keys(c.to.dialect, " DESC")+" LIMIT 1")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if !rows.Next() {
		return nil, rows.Err()
	}
	key := make([]any, len(t.key))
	err = rows.Scan(pointers(key)...)
	return key, err
}

// compare reads both tables in the order of their keys and wants equal rows.
func (c *copying) compare(ctx context.Context, t table) error {
	ours, err := t.read(ctx, c.from, nil)
	if err != nil {
		return err
	}
	defer ours.Close()
	copied, err := t.read(ctx, c.to, nil)
	if err != nil {
		return err
	}
	defer copied.Close()
	for n := 0; ; n++ {
		more, moreCopied := ours.Next(), copied.Next()
		err = errors.Join(ours.Err(), copied.Err())
		switch {
		case err != nil:
			return err
		case more != moreCopied:
			return fmt.Errorf("%w: after %d rows one of the two has more", ErrDiffers, n)
		case !more:
			c.options.Compared(t.name, n)
			return nil
		}
		row, err := t.scan(ours)
		if err != nil {
			return err
		}
		copy, err := t.scan(copied)
		if err != nil {
			return err
		}
		for i, column := range t.columns {
			if !equal(row[i], copy[i]) {
				// The value may be a secret, and so may the key of the row.
				return fmt.Errorf("%w: the column %s of row %d", ErrDiffers, column.name, n+1)
			}
		}
	}
}

// ErrDiffers is the error of a copy that is not equal to its source: somebody has written to one
// of the two.
var ErrDiffers = errors.New("the copy differs")

func equal(a, b any) bool {
	if text, ok := a.([]byte); ok {
		other, ok := b.([]byte)
		return ok && bytes.Equal(text, other)
	}
	return a == b
}

// copySequence lets ids go on where those of the source do, which may be after its last row: an
// id never comes back.
func (c *copying) copySequence(ctx context.Context, t table) error {
	if !t.sequence {
		return nil
	}
	last, err := t.lastID(ctx, c.from)
	if err != nil || last == 0 {
		return err
	}
	err = t.setLastID(ctx, c.to, last)
	if err != nil {
		return err
	}
	copied, err := t.lastID(ctx, c.to)
	if err == nil && copied != last {
		err = fmt.Errorf("%w: its next id", ErrDiffers)
	}
	return err
}
