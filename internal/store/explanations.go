package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// keptChanges is the number of the last changes that are kept of a transaction.
const keptChanges = 50

// SaveChanges records changes of transactions, and drops the oldest ones of a transaction
// that has too many.
func (tx *Tx) SaveChanges(ctx context.Context, changes []oxlin.TransactionChange) error {
	for _, c := range changes {
		err := tx.q.SaveChange(ctx, query.SaveChangeParams{
			TransactionID: c.Transaction, At: query.At(c.At), SynchronisationID: c.Sync, Rule: c.Rule, FormerBankID: c.FormerBankID,
		})
		if err != nil {
			return fmt.Errorf("save change of a transaction: %w", err)
		}
		err = tx.q.DropChanges(ctx, query.DropChangesParams{TransactionID: c.Transaction, Most: keptChanges - 1})
		if err != nil {
			return fmt.Errorf("drop changes of a transaction: %w", err)
		}
	}
	return nil
}

// Explanation explains a transaction of a user.
func (r Reader) Explanation(ctx context.Context, user oxlin.UserID, id oxlin.TransactionID) (oxlin.Explanation, error) {
	row, err := r.q.FindExplanation(ctx, query.FindExplanationParams{ID: id, UserID: user})
	explanation, err := found(row, err, "transaction", func(row query.FindExplanationRow) oxlin.Explanation {
		return oxlin.Explanation{
			Provider: oxlin.ProviderID(row.ProviderID), ImportedAt: time.UnixMicro(row.ImportedAt).UTC(),
			Import: row.ImportSource.V, Derivation: row.Derivation.V, BankIDs: row.BankIds.V,
		}
	})
	if err != nil {
		return explanation, err
	}
	explanation.Changes, err = r.Changes(ctx, id)
	return explanation, err
}

// Changes lists the last changes of a transaction, the oldest first.
func (r Reader) Changes(ctx context.Context, id oxlin.TransactionID) ([]oxlin.TransactionChange, error) {
	rows, err := r.q.ListChanges(ctx, id)
	return each(rows, err, "change of a transaction", func(row query.TransactionChange) oxlin.TransactionChange {
		return oxlin.TransactionChange{
			Transaction: row.TransactionID, Sync: row.SynchronisationID, At: row.At.Time, Rule: row.Rule, FormerBankID: row.FormerBankID,
		}
	})
}
