package store

import (
	"context"
	"database/sql"
	"sync"
)

// prepared keeps the statements of SQLite's readers: the driver keeps none, and
// half the time of a small read would go into preparing it. PostgreSQL's driver
// does this by itself.
type prepared struct {
	*sql.DB
	mu    sync.RWMutex
	known map[string]*sql.Stmt
}

// maxPrepared bounds what is kept: a filter of transactions has many texts.
const maxPrepared = 200

// statement gives the kept statement of a query; nil says that it is better run
// as it is.
func (p *prepared) statement(ctx context.Context, query string) *sql.Stmt {
	p.mu.RLock()
	statement, full := p.known[query], len(p.known) >= maxPrepared
	p.mu.RUnlock()
	if statement != nil || full {
		return statement
	}
	statement, err := p.DB.PrepareContext(ctx, query)
	if err != nil {
		return nil // running it tells the error better
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
