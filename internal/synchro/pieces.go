package synchro

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// An answer is compared with the stored rows before any transaction, and what differs is written
// in pieces, so that nobody waits long for the writer. Each piece checks that the rows are still
// the ones of the comparison. New rows come first, in their order, then changed ones, then those
// that the answer lacks. With the last piece come the balance, the coverage and the progress.
//
// If a process ends between two pieces, the next one compares again: it recognises the rows of
// the former pieces by their content, and writes the rest.

// errRowsChanged means that an account or its rows are no longer those of the plan.
var errRowsChanged = errors.New("the account's rows have changed")

// mostReady is how many rows are made ready for a piece, before its transaction.
const mostReady = 512

// rowWrite is a change of a stored row, with what explains it.
type rowWrite struct {
	// found is the index of a row in the result's Found; -1 for a row that the answer lacks.
	found   int
	absent  func(ctx context.Context, tx *store.Tx) error
	changes []oxlin.TransactionChange
}

// rowPlan holds the changes that an answer makes to the stored rows of an account.
type rowPlan struct {
	account oxlin.Account
	// version is the version of the rows with which the answer was compared.
	version int64
	fetched reconcile.Fetched
	result  reconcile.Result
	// imported has the day of each known row.
	imported map[oxlin.TransactionID]oxlin.Date
	now      time.Time
	writes   []rowWrite

	// inserted and written count the new and the other rows that are on disk.
	inserted, written int
	// ready are the next rows in their stored form: new ones, or else changed ones.
	ready []store.TransactionRecord
}

// done reports whether all rows are on disk.
func (p *rowPlan) done() bool { return p.inserted == len(p.result.New) && p.written == len(p.writes) }

// prepare makes the next rows ready: the most expensive part of a piece needs no transaction.
func (p *rowPlan) prepare(r *run) error {
	if len(p.ready) > 0 {
		return nil
	}
	for _, row := range p.result.New[p.inserted:min(p.inserted+mostReady, len(p.result.New))] {
		t := p.fetched.Transactions[row]
		record, err := r.engine.toRecord(p.account, t, reconcile.Hold(t, p.result.BankIDs[row], p.fetched.Channel), p.fetched.Today)
		if err != nil {
			return err
		}
		record.ImportSource.Sync, record.ImportSource.Channel = r.sync.ID, p.fetched.Channel
		p.ready = append(p.ready, record)
	}
	if len(p.ready) > 0 {
		return nil
	}
	for _, write := range p.writes[p.written:min(p.written+mostReady, len(p.writes))] {
		if write.found < 0 {
			break
		}
		match := p.result.Found[write.found]
		t := p.fetched.Transactions[match.Row]
		record, err := r.engine.toRecord(p.account, t, match.Held, p.imported[match.ID])
		if err != nil {
			return err
		}
		record.Merged = reconcile.Merged(match.Held, t)
		if match.Change.Visible() {
			record.UpdatedAt = p.now
		}
		p.ready = append(p.ready, record)
	}
	return nil
}

// progress is how far a piece has come.
type progress struct{ inserted, written int }

// write stores the rows that are ready, and those that the answer lacks, until the transaction
// is spent. It changes nothing in the plan: the transaction may be repeated.
func (p *rowPlan) write(ctx context.Context, tx *store.Tx) (progress, error) {
	at, ready := progress{p.inserted, p.written}, p.ready
	spent := func() bool { return at != (progress{p.inserted, p.written}) && store.Spent(tx) }
	for at.inserted < len(p.result.New) && len(ready) > 0 && !spent() {
		batch := ready[:min(store.InsertBatch(tx), len(ready))]
		err := tx.InsertTransactions(ctx, p.account.UserID, batch, p.now)
		if err != nil {
			return at, err
		}
		at.inserted, ready = at.inserted+len(batch), ready[len(batch):]
	}
	for at.inserted == len(p.result.New) && at.written < len(p.writes) && !spent() {
		next := p.writes[at.written]
		var err error
		switch {
		case next.found < 0:
			err = next.absent(ctx, tx)
		case len(ready) == 0 || at.inserted > p.inserted:
			return at, nil // not ready yet
		default:
			err = tx.UpdateTransaction(ctx, ready[0])
			ready = ready[1:]
		}
		if err != nil {
			return at, err
		}
		err = tx.SaveChanges(ctx, next.changes)
		if err != nil {
			return at, err
		}
		at.written++
	}
	return at, nil
}

// moveTo notes that a piece is on disk.
func (p *rowPlan) moveTo(at progress) {
	stored := at.inserted - p.inserted
	if stored == 0 {
		for _, write := range p.writes[p.written:at.written] {
			if write.found >= 0 {
				stored++
			}
		}
	}
	p.ready = p.ready[stored:]
	p.inserted, p.written = at.inserted, at.written
	p.version++
}

// basis returns the parts of an account from which a plan is made, beside its rows.
func basis(account oxlin.Account) oxlin.Account {
	return oxlin.Account{
		ID: account.ID, UserID: account.UserID, Type: account.Type, Currency: account.Currency, CurrencyWord: account.CurrencyWord,
		Coverage: account.Coverage, CoveredUntil: account.CoveredUntil, Details: account.Details,
	}
}

// storing is the part of a run that writes what it has read.
type storing struct{ run *run }

// storeRows writes what a reading changes in an account's rows, piece by piece, and calls end in
// the transaction of the last one. If the rows change meanwhile, it compares again.
func (s storing) storeRows(ctx context.Context, id oxlin.AccountID, read reading, end func(tx *store.Tx, account oxlin.Account, ours bool, result reconcile.Result) error) error {
	r := s.run
	for {
		found, plan, err := s.planAccount(ctx, id, read)
		if err != nil {
			return err
		}
		done := false
		for err == nil && !done {
			done, err = s.storePiece(ctx, found, plan, id, end)
		}
		if !errors.Is(err, errRowsChanged) {
			return err
		}
		r.log.InfoContext(ctx, "rows have changed while an answer was compared with them", "sync", r.sync.ID, "account", id)
	}
}

// planAccount compares a reading with the stored rows. The plan is nil if the run no longer reads
// the account.
func (s storing) planAccount(ctx context.Context, id oxlin.AccountID, read reading) (oxlin.Account, *rowPlan, error) {
	r := s.run
	reader := r.db.Read()
	version, err := store.RowsVersion(ctx, reader, id)
	if oxlin.IsNotFound(err) {
		return oxlin.Account{}, nil, nil
	}
	if err != nil {
		return oxlin.Account{}, nil, err
	}
	account, ours, err := r.stillOurs(ctx, reader, id)
	if err != nil || !ours {
		return account, nil, err
	}
	named, read := withCurrency(r.sync, account, read)
	plan, err := s.planRows(ctx, reader, named, read)
	if err == nil {
		plan.version = version
	}
	return account, plan, err
}

// storePiece writes the next piece of a plan, and reports whether it was the last one.
func (s storing) storePiece(ctx context.Context, found oxlin.Account, plan *rowPlan, id oxlin.AccountID, end func(tx *store.Tx, account oxlin.Account, ours bool, result reconcile.Result) error) (last bool, err error) {
	r := s.run
	if plan != nil {
		err := plan.prepare(r)
		if err != nil {
			return false, err
		}
	}
	var at progress
	err = r.onDerivedRows(ctx, func(tx *store.Tx) error {
		// Reload the account: a client may have renamed it meanwhile.
		account, ours, err := r.stillOurs(ctx, tx.Read(), id)
		if err != nil {
			return err
		}
		if ours != (plan != nil) || ours && !reflect.DeepEqual(basis(account), basis(found)) {
			return errRowsChanged
		}
		if !ours {
			last = true
			return end(tx, account, false, reconcile.Result{})
		}
		same, err := store.MoveRowsVersion(ctx, tx, id, plan.version)
		if err != nil {
			return err
		}
		if !same {
			return errRowsChanged
		}
		at, err = plan.write(ctx, tx)
		if err != nil {
			return err
		}
		r.sync.NewTransactions += at.inserted - plan.inserted
		last = at.inserted == len(plan.result.New) && at.written == len(plan.writes) && (at == progress{plan.inserted, plan.written} || !store.Spent(tx))
		if last {
			return end(tx, account, true, plan.result)
		}
		return r.fence(ctx, tx)
	})
	if err == nil && plan != nil {
		plan.moveTo(at)
	}
	return last, err
}
