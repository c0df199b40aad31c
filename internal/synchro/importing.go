package synchro

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/statement"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// A file is compared with the stored rows like an answer of a bank, and written in the same
// pieces. The differences: within the days that a channel has read completely it
// changes nothing, it makes no row missing, and it moves a balance only to a later day. Channels
// ask for the same days as without it.

// ImportedFile holds the rows and balances of a file about one account.
type ImportedFile struct {
	// Source is oxlin.FileSource of its format.
	Source oxlin.ChannelDefinitionID
	Rows   []bank.Transaction
	// Balances are those of its last day; Shown is the one that accounts show, nil without one.
	Balances []oxlin.Balance
	Shown    *oxlin.Balance
	// AddDifferences adds rows that no known one explains within the days of a channel, too.
	AddDifferences bool
}

// FileOutcome tells the news of a file about an account. A known row keeps the values
// from a channel, or from a file of another format.
type FileOutcome struct {
	Added, Known int
	// Different are the rows that no known one explains and that were not added.
	Different []bank.Transaction
	// Changed counts the known rows that it changed, as a booked one does to a pending one.
	Changed int
	// BalanceMoved reports whether the account shows the balance of the file.
	BalanceMoved bool
}

// Import adds the rows of a file to an account. It may end between two pieces: then the next
// import of the file adds the rest.
func Import(ctx context.Context, e *Engine, id oxlin.AccountID, file ImportedFile) (FileOutcome, error) {
	size := int64(0)
	for _, row := range file.Rows {
		size += int64(len(row.Raw))
	}
	size = min(size*joiningFactor, joiningBytes)
	err := e.joining.Acquire(ctx, size)
	if err != nil {
		return FileOutcome{}, fmt.Errorf("wait for memory: %w", err)
	}
	defer e.joining.Release(size)
	for {
		outcome, err := filing{e, file}.try(ctx, id)
		if !errors.Is(err, errRowsChanged) {
			return outcome, err
		}
		e.log.InfoContext(ctx, "rows have changed while a file was compared with them", "account", id)
	}
}

// filing is the import of a file.
type filing struct {
	*Engine
	file ImportedFile
}

// try compares a file with the stored rows of an account, and writes what differs.
func (f filing) try(ctx context.Context, id oxlin.AccountID) (FileOutcome, error) {
	reader := f.db.Read()
	account, err := reader.Account(ctx, id)
	if err != nil {
		return FileOutcome{}, err
	}
	connection, err := reader.Connection(ctx, account.ConnectionID)
	if err != nil {
		return FileOutcome{}, err
	}
	err = f.derive(ctx, connection, ctx.Err)
	if err != nil {
		return FileOutcome{}, err
	}
	version, err := store.RowsVersion(ctx, reader, id)
	if err != nil {
		return FileOutcome{}, err
	}
	account, err = reader.Account(ctx, id)
	if err != nil {
		return FileOutcome{}, err
	}
	r := &run{core: f.core, engine: f.Engine, connection: connection}
	plan, outcome, err := f.plan(ctx, r, reader, account)
	if err != nil {
		return FileOutcome{}, err
	}
	plan.version = version
	for last := false; !last; {
		last, err = f.piece(ctx, r, plan, account, &outcome)
		if err != nil {
			return FileOutcome{}, err
		}
	}
	return outcome, nil
}

// piece writes the next piece of a plan, and reports whether it was the last one.
func (f filing) piece(ctx context.Context, r *run, plan *rowPlan, found oxlin.Account, outcome *FileOutcome) (last bool, err error) {
	err = plan.prepare(r)
	if err != nil {
		return false, err
	}
	var at progress
	err = f.db.WriteFor(store.Long(ctx), found.UserID, func(tx *store.Tx) error {
		number, _, err := tx.Read().Derivation(ctx, found.ConnectionID)
		if err != nil {
			return err
		}
		account, err := tx.Read().Account(ctx, found.ID)
		if err != nil {
			return err
		}
		same, err := store.MoveRowsVersion(ctx, tx, found.ID, plan.version)
		if err != nil {
			return err
		}
		if number < derivation || !same || account.ConnectionID != found.ConnectionID || !reflect.DeepEqual(basis(account), basis(found)) {
			return errRowsChanged
		}
		at, err = plan.write(ctx, tx)
		if err != nil {
			return err
		}
		last = at.inserted == len(plan.result.New) && at.written == len(plan.writes)
		if !last {
			return nil
		}
		return f.end(ctx, tx, account, plan, outcome)
	})
	if err == nil {
		plan.moveTo(at)
	}
	return last, err
}

// end writes what the last piece brings beside its rows.
func (f filing) end(ctx context.Context, tx *store.Tx, account oxlin.Account, plan *rowPlan, outcome *FileOutcome) error {
	shown, balances := f.file.Shown, slices.Clone(f.file.Balances)
	if shown != nil && shown.Currency == "" {
		named := *shown
		named.Currency, shown = account.Currency, &named
	}
	for i := range balances {
		balances[i].Currency = cmp.Or(balances[i].Currency, account.Currency)
	}
	outcome.BalanceMoved = shown != nil && shown.Currency == account.Currency && !shown.Date.IsZero() && !plan.fetched.Today.Before(shown.Date) &&
		(account.Balance == nil || today(account.BalanceAt).Before(shown.Date))
	if outcome.BalanceMoved {
		amount := shown.Amount
		account.Balance, account.BalanceAt, account.Balances = &amount, shown.Date.Midnight(oxlin.Paris), balances
		account.BalanceExpected = shown.Type == oxlin.BalanceExpected || shown.Type == oxlin.BalanceAvailable
		err := tx.UpdateAccount(ctx, account)
		if err != nil {
			return err
		}
	}
	entry := audit.Entry{
		Action: audit.FileImported, User: account.UserID, Connection: account.ConnectionID, Account: account.ID,
		Details: audit.Details{audit.Channel: string(f.file.Source), audit.Count: fmt.Sprint(outcome.Added)},
	}
	err := f.audit.Record(ctx, tx, entry)
	if err != nil || outcome.Added+outcome.Changed == 0 && !outcome.BalanceMoved {
		return err
	}
	payload := oxlin.EventPayload{Derived: &oxlin.DerivedRows{New: outcome.Added, Changed: outcome.Changed}}
	_, err = f.events.Record(ctx, tx, f.now(), account.ConnectionID, oxlin.EventConnectionUpdated, "", payload)
	return err
}

// plan compares the rows of a file with the stored ones. Of what reconciliation finds it keeps
// what a file may change.
func (f filing) plan(ctx context.Context, r *run, reader store.Reader, account oxlin.Account) (*rowPlan, FileOutcome, error) {
	rows := slices.Clone(f.file.Rows)
	fetched := reconcile.Fetched{Complete: true, IDs: bank.IDStable, Channel: f.file.Source, Today: today(f.now())}
	for i, t := range rows {
		if t.Currency == "" {
			rows[i].Currency = account.Currency
		}
		rows[i] = withCheckNumber(rows[i], account.Type)
		day := t.Date()
		if day.IsZero() {
			day = fetched.Today
		}
		if fetched.CoveredFrom.IsZero() || day.Before(fetched.CoveredFrom) {
			fetched.CoveredFrom = day
		}
		if fetched.CoveredUntil.Before(day.AddDays(1)) {
			fetched.CoveredUntil = day.AddDays(1)
		}
	}
	fetched.Transactions, fetched.AskedFrom = rows, fetched.CoveredFrom
	oldest, err := store.OldestOfChannels(ctx, reader, account.ID)
	if err != nil {
		return nil, FileOutcome{}, err
	}
	own := readDaysOf(account, oldest)
	records, err := reader.KnownTransactions(ctx, account.ID, fetched.CoveredFrom.AddDays(-matchMargin))
	if err != nil {
		return nil, FileOutcome{}, err
	}
	var known []reconcile.Known
	imported, bankIDs := make(map[oxlin.TransactionID]oxlin.Date), make(map[oxlin.TransactionID][]string)
	before := make(map[oxlin.TransactionID]reconcile.Known)
	for _, record := range records {
		k := knownOf(record)
		if !mayShow(fetched, own, k) {
			continue
		}
		known = append(known, k)
		before[k.ID], imported[k.ID], bankIDs[k.ID] = k, record.Date, record.BankIDs
	}
	result := reconcile.Transactions(known, fetched)
	kept := reconcile.Result{BankIDs: result.BankIDs}
	outcome := FileOutcome{Known: len(result.Found)}
	for _, row := range result.New {
		if own.has(rows[row].Date()) && !f.file.AddDifferences {
			outcome.Different = append(outcome.Different, rows[row])
			continue
		}
		kept.New = append(kept.New, row)
	}
	for _, row := range result.Waiting {
		// The file lacks so much that it is an extract: a known row may be this one in other words.
		switch {
		case own.has(rows[row].Date()):
			outcome.Known++
		case f.file.AddDifferences:
			kept.New = append(kept.New, row)
		default:
			outcome.Different = append(outcome.Different, rows[row])
		}
	}
	for _, match := range result.Found {
		if k := before[match.ID]; match.Change != 0 && !own.has(rows[match.Row].Date()) && (k.Channel == f.file.Source || booksOpen(k, match.Held)) {
			kept.Found = append(kept.Found, match)
		}
	}
	outcome.Added, outcome.Changed = len(kept.New), len(kept.Found)
	now := f.now()
	plan := &rowPlan{account: account, fetched: fetched, result: kept, imported: imported, now: now}
	plan.writes = writesOf(kept, bankIDs, absences{}, fetched.Today, 0, now)
	return plan, outcome, nil
}

// booksOpen reports whether a row that was pending is booked now.
func booksOpen(before, after reconcile.Known) bool {
	isOpen := before.Status == oxlin.StatusPending || before.Status == oxlin.StatusExpired
	return isOpen && after.Status == oxlin.StatusBooked
}

// mayShow reports whether a file may show a known row: one of its days, or a pending one from
// before them. Where its edge is within the days of a channel, whose days may be others, rows of
// the days around it count, too. Elsewhere they do not: a payment that recurs would be taken for
// one that has moved.
func mayShow(file reconcile.Fetched, own readDays, k reconcile.Known) bool {
	from, until := file.CoveredFrom, file.CoveredUntil.AddDays(-1)
	if k.Status == oxlin.StatusPending || k.Status == oxlin.StatusExpired {
		from = from.AddDays(-matchMargin)
	}
	const margin = 3
	if own.has(from) {
		from = from.AddDays(-margin)
	}
	if own.has(until) {
		until = until.AddDays(margin)
	}
	return k.Date.IsZero() || !k.Date.Before(from) && !until.Before(k.Date)
}

// readDays are the days that a channel has read completely; zero for none.
type readDays struct{ from, until oxlin.Date }

// readDaysOf returns the days of an account of which every row is known from its bank. They
// begin with the oldest row, because many banks give less than they are asked for and do not say so.
// The newest day counts once it was over when it was read.
func readDaysOf(account oxlin.Account, oldest oxlin.Date) readDays {
	days := readDays{account.Coverage.Since, account.CoveredUntil}
	if days.from.IsZero() {
		days.from = account.Coverage.From
	}
	if days.from.IsZero() || days.until.IsZero() || oldest.IsZero() {
		return readDays{}
	}
	if days.from.Before(oldest) {
		days.from = oldest
	}
	if last := account.Coverage.LastCompleteAt; last.IsZero() || !days.until.Before(today(last)) {
		days.until = days.until.AddDays(-1)
	}
	if silent := readUntil(account); account.CoveredUntil.Before(silent) {
		days.until = silent
	}
	return days
}

// has reports whether a day is among them. A row without a day may be of any.
func (d readDays) has(day oxlin.Date) bool {
	return !d.until.IsZero() && (day.IsZero() || !day.Before(d.from) && !d.until.Before(day))
}

// decodeFile reads the record of a row that came in a file.
func decodeFile(raw []byte) (bank.Decoded, bool) { return statement.Decode(raw, statement.Options{}) }
