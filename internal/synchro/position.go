package synchro

import (
	"context"
	"errors"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
)

// mostRestarts is how often one walk begins again because a page of it was lost.
const mostRestarts = 2

// errPageLost is why a walk ends at a bank that counts the pages itself.
var errPageLost = errors.New("the bank counts the pages itself, and the answer with one of them was lost")

// position is the part of a run that knows where at the bank the next call continues.
type position struct{ run *run }

// cursor opens the position of the next call; it is empty at the start of a walk.
func (p position) cursor() (string, error) {
	if len(p.run.sync.Progress.Position) == 0 {
		return p.run.sync.Progress.Cursor, nil
	}
	text, err := p.run.vault.Open(p.run.sync.Progress.Position, positionPlace(p.run.sync.ID))
	return string(text), err
}

// moveTo seals the position of the next call in the run's progress, which the caller stores.
func (p position) moveTo(cursor string, kept oxlin.PageKeeping) (err error) {
	p.run.sync.Progress.Position, p.run.sync.Progress.Cursor = nil, ""
	p.run.sync.Progress.Kept, p.run.sync.Progress.Asked = kept, false
	if cursor != "" {
		p.run.sync.Progress.Position, err = p.run.vault.Seal([]byte(cursor), positionPlace(p.run.sync.ID))
	}
	return err
}

// beforePage stores that the next page is asked for, if the bank could not give it a second
// time.
func (p position) beforePage(ctx context.Context) error {
	if p.run.sync.Progress.Kept == oxlin.PageAddressed || p.run.sync.Progress.Asked {
		return nil
	}
	p.run.sync.Progress.Asked = true
	return p.run.save(ctx)
}

// regain goes on after a job that has asked for a page and staged none: what the bank
// gives next may be the page after it. The walk over the list or an account begins again;
// where that is not possible, or has happened often enough, regain returns the failure
// that ends it.
func (p position) regain(ctx context.Context, account oxlin.AccountID) error {
	if !p.run.sync.Progress.Asked {
		return nil
	}
	if p.run.sync.Progress.Kept != oxlin.PageInSession || p.run.sync.Progress.Restarts >= mostRestarts {
		return &bank.Failure{Kind: bank.Nonsense, Err: errPageLost}
	}
	p.run.log.InfoContext(ctx, "a walk begins again: the bank counts the pages, and one was lost", "sync", p.run.sync.ID, "account", account, "page", p.run.sync.Progress.Page)
	restarts := p.run.sync.Progress.Restarts + 1
	p.run.sync.Progress = p.run.sync.Progress.AtStart()
	p.run.sync.Progress.Restarts = restarts
	return p.run.write(ctx, func(tx *store.Tx) error {
		err := answers(p).drop(ctx, tx, account)
		if err != nil {
			return err
		}
		return p.run.update(ctx, tx)
	})
}
