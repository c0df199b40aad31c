package store

import (
	"context"
	"database/sql"
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

func (p *prepared) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if statement := p.statement(ctx, query); statement != nil {
		return statement.QueryRowContext(ctx, args...)
	}
	return p.DB.QueryRowContext(ctx, query, args...)
}
