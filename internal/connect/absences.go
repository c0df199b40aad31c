package connect

import (
	"context"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
)

// Absences are an operator's use cases about answers of banks that lack too much to be
// believed (contract §12.4).
type Absences struct{ *core }

// List lists accounts in doubt by id, at most so many.
func (a *Absences) List(ctx context.Context, most int) ([]oxlin.Account, error) {
	return a.db.Read().AccountsInDoubt(ctx, most)
}

// Accept accepts the absence of the accounts' rows, or of the accounts in a list. The
// bank's next answer that lacks the same is believed. The accounts belong to one user and
// are as the operator has seen them: Accept changes nothing and fails with CodeConflict if
// the doubt about one of them has changed since.
func (a *Absences) Accept(ctx context.Context, seen ...oxlin.Account) error {
	if len(seen) == 0 {
		return nil
	}
	return a.db.WriteFor(ctx, seen[0].UserID, func(tx *store.Tx) error {
		for _, was := range seen {
			account, err := tx.Read().Account(ctx, was.ID)
			if err != nil {
				return err
			}
			doubt := &account.Coverage.Doubt
			if doubt.Since.IsZero() || *doubt != was.Coverage.Doubt {
				return oxlin.Errorf(oxlin.CodeConflict, "The bank has answered again.")
			}
			doubt.Accepted = true
			err = tx.UpdateAccount(ctx, account)
			if err != nil {
				return err
			}
			err = a.audit.Record(ctx, tx, audit.Entry{
				Action: audit.AbsenceAccepted, User: account.UserID, Connection: account.ConnectionID, Account: account.ID,
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
