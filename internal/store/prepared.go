package store

import (
	"context"
	"database/sql"
	"slices"
	"sync"
)

// prepared caches the prepared statements of SQLite's readers. The driver has no cache,
// and preparing takes half the time of a small read. PostgreSQL's driver has a cache.
type prepared struct {
	*sql.DB
	mu    sync.RWMutex
	known map[string]*sql.Stmt
}

// maxPrepared bounds the cache: a filter of transactions has many texts.
const maxPrepared = 200

// statement returns the cached statement of a query, or nil if the query should run
// unprepared.
func (p *prepared) statement(ctx context.Context, query string) *sql.Stmt {
	p.mu.RLock()
	statement, full := p.known[query], len(p.known) >= maxPrepared
	p.mu.RUnlock()
	if statement != nil || full {
		return statement
	}
	statement, err := p.DB.PrepareContext(ctx, query)
	if err != nil {
		return nil // running the query returns a better error
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if other := p.known[query]; other != nil {
		statement.Close()
		return other
	}
	p.known[query] = statement
	return statement
}

func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if statement := p.statement(ctx, query); statement != nil {
		return statement.QueryContext(ctx, args...)
	}
	return p.DB.QueryContext(ctx, query, args...)
}

// QueryRowContext runs a query of one row to its end: the look-out for the end of a context
// takes as long as most such queries. It begins none for a context that has ended.
func (p *prepared) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if ctx.Err() == nil {
		ctx = context.WithoutCancel(ctx)
	}
	if statement := p.statement(ctx, query); statement != nil {
		return statement.QueryRowContext(ctx, args...)
	}
	return p.DB.QueryRowContext(ctx, query, args...)
}

// kept are the prepared statements of SQLite's writer. Only the caller with the turn touches them.
type kept struct {
	known map[string]*sql.Stmt
	// wanted are the texts that ran unprepared. Preparing takes the writer's connection, which
	// a transaction holds until it ends.
	wanted []string
}

// of returns the prepared statement of a text, or nil.
func (k *kept) of(query string) *sql.Stmt {
	statement := k.known[query]
	if statement == nil && len(k.known)+len(k.wanted) < maxPrepared && !slices.Contains(k.wanted, query) {
		k.wanted = append(k.wanted, query)
	}
	return statement
}

// prepare prepares the wanted statements.
func (k *kept) prepare(db *sql.DB) {
	for _, query := range k.wanted {
		statement, err := db.PrepareContext(context.Background(), query)
		if err != nil {
			continue // it runs unprepared, which returns a better error
		}
		if k.known == nil {
			k.known = map[string]*sql.Stmt{}
		}
		k.known[query] = statement
	}
	k.wanted = nil
}

// unbroken runs the statements of a transaction of several callers. The end of a caller's
// context prevents the next statement and interrupts none: SQLite answers an interrupted write
// by rolling back the whole transaction.
type unbroken struct {
	tx   *sql.Tx
	kept *kept
}

func (u unbroken) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	err := ctx.Err()
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	if statement := u.kept.of(query); statement != nil {
		return u.tx.StmtContext(ctx, statement).ExecContext(ctx, args...)
	}
	return u.tx.ExecContext(ctx, query, args...)
}

func (u unbroken) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return u.tx.PrepareContext(ctx, query)
}

func (u unbroken) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	err := ctx.Err()
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	if statement := u.kept.of(query); statement != nil {
		return u.tx.StmtContext(ctx, statement).QueryContext(ctx, args...)
	}
	return u.tx.QueryContext(ctx, query, args...)
}

func (u unbroken) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if ctx.Err() != nil {
		return u.tx.QueryRowContext(ctx, query, args...) // returns the context's error
	}
	ctx = context.WithoutCancel(ctx)
	if statement := u.kept.of(query); statement != nil {
		return u.tx.StmtContext(ctx, statement).QueryRowContext(ctx, args...)
	}
	return u.tx.QueryRowContext(ctx, query, args...)
}
