package testbank

import (
	"fmt"
	"sync"
)

// rowCache keeps computed ledgers, so that the two hundred pages of a large account
// cost one computation. Everything in it can be computed again.
type rowCache struct {
	mu    sync.Mutex
	held  map[string]cachedRows
	total int
}

type cachedRows struct {
	file  *File
	state string // the day and the scenarios
	rows  []row
}

// maxCached bounds the rows held for all customers together.
const maxCached = 200_000

func newRowCache() *rowCache { return &rowCache{held: map[string]cachedRows{}} }

// rows returns an account's rows; callers must not write to them.
func (c *rowCache) rows(b *book, a *Account) []row {
	if c == nil {
		return b.compute(a)
	}
	key := b.key + "\n" + a.UID
	state := fmt.Sprint(b.today, b.anchor, b.scenarios, len(b.syncs))
	c.mu.Lock()
	got, ok := c.held[key]
	c.mu.Unlock()
	if ok && got.file == b.file && got.state == state {
		return got.rows
	}
	rows := b.compute(a)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total += len(rows) - len(c.held[key].rows)
	c.held[key] = cachedRows{b.file, state, rows}
	if c.total > maxCached {
		clear(c.held)
		c.total = 0
	}
	return rows
}
