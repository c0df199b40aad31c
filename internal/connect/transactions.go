package connect

import (
	"context"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// Transactions are the use cases about transactions.
type Transactions struct{ *core }

// List lists transactions of the caller's user in the order of the filter. It skips the
// first ones and returns at most limit.
func (t *Transactions) List(ctx context.Context, caller oxlin.Caller, filter store.TransactionFilter, skip, limit int) ([]oxlin.Transaction, error) {
	return t.db.Read().Transactions(ctx, caller.UserID, filter, skip, limit)
}

// Get finds a transaction of the caller's user.
func (t *Transactions) Get(ctx context.Context, caller oxlin.Caller, id oxlin.TransactionID) (oxlin.Transaction, error) {
	return t.db.Read().Transaction(ctx, caller.UserID, id)
}

// Explain explains a transaction of the caller's user.
func (t *Transactions) Explain(ctx context.Context, caller oxlin.Caller, id oxlin.TransactionID) (oxlin.Explanation, error) {
	return t.db.Read().Explanation(ctx, caller.UserID, id)
}
