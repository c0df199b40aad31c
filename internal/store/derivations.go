package store

import (
	"context"
	"fmt"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// Derivation returns the number of the derivation by which all rows of a connection were
// read from their sealed records, and the place that a newer one has reached.
func (r Reader) Derivation(ctx context.Context, id oxlin.ConnectionID) (number int, place oxlin.DerivationPlace, err error) {
	row, err := r.q.FindDerivation(ctx, id)
	row, err = found(row, err, "connection", func(row query.FindDerivationRow) query.FindDerivationRow { return row })
	return int(row.Derivation), row.Deriving.V, err
}

// SetDerivation stores what Derivation returns.
func (tx *Tx) SetDerivation(ctx context.Context, id oxlin.ConnectionID, number int, place oxlin.DerivationPlace) error {
	err := tx.q.SetDerivation(ctx, query.SetDerivationParams{ID: id, Derivation: int64(number), Deriving: query.AsJSON(place)})
	if err != nil {
		return fmt.Errorf("set derivation: %w", err)
	}
	return nil
}

// DerivedBefore lists at most so many connections whose rows were derived under a smaller
// number, by id from the given one on.
func (r Reader) DerivedBefore(ctx context.Context, number int, first oxlin.ConnectionID, most int) ([]oxlin.ConnectionID, error) {
	rows, err := r.q.ListConnectionsDerivedBefore(ctx, query.ListConnectionsDerivedBeforeParams{
		Derivation: int64(number), First: max(first, 1), Most: int64(most),
	})
	return each(rows, err, "connection", func(id oxlin.ConnectionID) oxlin.ConnectionID { return id })
}
