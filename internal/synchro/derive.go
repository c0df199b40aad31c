package synchro

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
	"github.com/oxlin/oxlin/internal/vault"
)

// derivation numbers the way from a bank's record to a stored row: decoding, Words and
// wording. A change of the outcome for any record raises it. Then the rows of each
// connection are read anew from their sealed records before the bank is asked again;
// else tomorrow's reading would take them for other rows.
const derivation = 9

// derivationBatch is the number of rows that one transaction reads anew.
const derivationBatch = 100

// derivationTime is how long one sweep reads rows anew; the next sweep continues.
const derivationTime = 20 * time.Second

// errRowsBehind ends a transaction that would compare an answer with rows of another
// derivation.
var errRowsBehind = errors.New("the stored rows are not derived")

// Rederived counts what another reading of the sealed records changes.
type Rederived struct {
	// Rows is the number of the stored rows.
	Rows int
	oxlin.DerivedRows
	// Members counts the changes by the API's name of the changed member.
	Members map[string]int
}

func (all *Rederived) add(more Rederived) {
	all.Rows += more.Rows
	all.Changed += more.Changed
	all.New += more.New
	for member, n := range more.Members {
		all.changed(member, n)
	}
}

func (all *Rederived) changed(member string, n int) {
	if all.Members == nil {
		all.Members = make(map[string]int)
	}
	all.Members[member] += n
}

// Rederive reads the rows of a connection anew, in batches. After an interruption, the
// next synchronisation, sweep or call continues. A dry run changes nothing; its number of
// new rows is the number of records that can be read now, some of which may be known.
// Rederive fails if a connector of the connection is not there.
func (e *Engine) Rederive(ctx context.Context, id oxlin.ConnectionID, dryRun bool) (Rederived, error) {
	connection, err := e.db.Read().Connection(ctx, id)
	if err != nil {
		return Rederived{}, err
	}
	err = e.hasConnectors(connection)
	if err != nil {
		return Rederived{}, err
	}
	if dryRun {
		return e.compare(ctx, connection)
	}
	err = e.db.WriteFor(ctx, connection.UserID, func(tx *store.Tx) error {
		err := e.audit.Record(ctx, tx, rederived(connection, audit.Details{audit.Kind: "asked"}))
		if err != nil {
			return err
		}
		number, _, err := tx.Read().Derivation(ctx, id)
		if err != nil || number < derivation {
			return err // it is due, or in the middle
		}
		return tx.SetDerivation(ctx, id, 0, oxlin.DerivationPlace{})
	})
	if err != nil {
		return Rederived{}, err
	}
	var all Rederived
	for done := false; !done; {
		var batch Rederived
		batch, done, err = e.deriveBatch(ctx, connection)
		if err != nil {
			return all, err
		}
		all.add(batch)
	}
	return all, nil
}

// rederived is the entry of the audit log about rows that are read anew.
func rederived(connection oxlin.Connection, details audit.Details) audit.Entry {
	return audit.Entry{Action: audit.RowsRederived, User: connection.UserID, Connection: connection.ID, Details: details}
}

// hasConnectors checks that the records of a connection can be decoded.
func (e *Engine) hasConnectors(connection oxlin.Connection) error {
	for _, channel := range connection.Channels {
		_, err := e.catalogue.Connector(connection.ProviderID, channel.DefinitionID)
		if err != nil {
			return fmt.Errorf("channel %s: %w", channel.DefinitionID, err)
		}
	}
	return nil
}

// compare returns what Rederive would change. It counts the records that can be read now
// as new, although reconciliation may know some of them.
func (e *Engine) compare(ctx context.Context, connection oxlin.Connection) (Rederived, error) {
	var all Rederived
	d := e.deriver(connection)
	accounts, err := e.db.Read().AccountsOfConnection(ctx, connection.ID)
	if err != nil {
		return all, err
	}
	for _, account := range accounts {
		var after time.Time
		for {
			rows, err := e.db.Read().KeptTransactions(ctx, account.ID, after, derivationBatch)
			if err != nil {
				return all, err
			}
			opened, err := openRows(d.vault, account.ID, rows)
			if err != nil {
				return all, err
			}
			for i, row := range rows {
				d.row(account, row, opened[i], &all)
			}
			if len(rows) < derivationBatch {
				break
			}
			after = rows[len(rows)-1].ImportedAt
		}
		records, err := e.db.Read().UnreadableRecords(ctx, account.ID)
		if err != nil {
			return all, err
		}
		opened, err := openUnreadable(d.vault, account.ID, records)
		if err != nil {
			return all, err
		}
		for i := range records {
			read, ok := d.decode(account.LastChannelDefinition, account, opened[i])
			if ok && read.Unread == "" && !read.Ignored {
				all.New++
			}
		}
	}
	return all, nil
}

// deriveDue reads the rows of the connections that an older version has stored, for some
// time. Those whose connectors are not there wait for their next reading.
func (e *Engine) deriveDue(ctx context.Context) error {
	until := e.now().Add(derivationTime)
	var first oxlin.ConnectionID
	for {
		due, err := e.db.Read().DerivedBefore(ctx, derivation, first, sweepSize)
		if err != nil || len(due) == 0 {
			return err
		}
		for _, id := range due {
			err := e.deriveOne(ctx, id, until)
			switch {
			case errors.Is(err, errHandedOver):
				return nil
			case err != nil && !oxlin.IsNotFound(err):
				e.log.ErrorContext(ctx, "the rows of a connection were not read anew", "connection", id, "error", err)
			}
		}
		first = due[len(due)-1] + 1
	}
}

func (e *Engine) deriveOne(ctx context.Context, id oxlin.ConnectionID, until time.Time) error {
	connection, err := e.db.Read().Connection(ctx, id)
	if err != nil || e.hasConnectors(connection) != nil {
		return err
	}
	return e.derive(ctx, connection, func() error {
		if e.now().Before(until) {
			return ctx.Err()
		}
		return errHandedOver
	})
}

// derive reads the rows of a connection anew if an older version has stored them. Between
// two batches it calls pause, whose error ends it; the rows continue at that place.
func (e *Engine) derive(ctx context.Context, connection oxlin.Connection, pause func() error) error {
	number, _, err := e.db.Read().Derivation(ctx, connection.ID)
	for err == nil && number < derivation {
		var done bool
		_, done, err = e.deriveBatch(ctx, connection)
		if err != nil || done {
			return err
		}
		err = pause()
	}
	return err
}

// onDerivedRows is write for a transaction that compares an answer with the stored rows.
// An operator may have them read anew while the bank answers: then they come first.
func (r *run) onDerivedRows(ctx context.Context, change func(tx *store.Tx) error) error {
	for {
		err := r.write(store.Long(ctx), func(tx *store.Tx) error {
			number, _, err := tx.Read().Derivation(ctx, r.connection.ID)
			if err != nil {
				return err
			}
			if number < derivation {
				return errRowsBehind
			}
			return change(tx)
		})
		if !errors.Is(err, errRowsBehind) {
			return err
		}
		err = r.engine.derive(ctx, r.connection, ctx.Err)
		if err != nil {
			return err
		}
	}
}

// deriveBatch reads the next rows of a connection anew, in one transaction with the place
// that they reach. With the last of them it raises the connection's number, and records
// one event if anything has changed.
func (e *Engine) deriveBatch(ctx context.Context, connection oxlin.Connection) (batch Rederived, done bool, err error) {
	err = e.db.WriteFor(store.Long(ctx), connection.UserID, func(tx *store.Tx) error {
		if e.queue != nil {
			err := e.queue.Guard(ctx, tx)
			if err != nil {
				return err
			}
		}
		number, place, err := tx.Read().Derivation(ctx, connection.ID)
		if err != nil || number >= derivation {
			done = true // another process was faster
			return err
		}
		connection, err = tx.Read().Connection(ctx, connection.ID)
		if err != nil {
			return err
		}
		batch = Rederived{}
		done, err = e.deriver(connection).batch(ctx, tx, &place, &batch)
		if err != nil {
			return err
		}
		place.Rows.Changed += batch.Changed
		place.Rows.New += batch.New
		if !done {
			return tx.SetDerivation(ctx, connection.ID, number, place)
		}
		err = tx.SetDerivation(ctx, connection.ID, derivation, oxlin.DerivationPlace{})
		if err != nil || place.Rows == (oxlin.DerivedRows{}) {
			return err
		}
		err = e.audit.Record(ctx, tx, rederived(connection, audit.Details{audit.Count: strconv.Itoa(place.Rows.Changed + place.Rows.New)}))
		if err != nil {
			return err
		}
		e.log.InfoContext(ctx, "stored rows were read anew", "connection", connection.ID, "changed", place.Rows.Changed, "new", place.Rows.New)
		_, err = e.events.Record(ctx, tx, e.now(), connection.ID, oxlin.EventConnectionUpdated, "", oxlin.EventPayload{Derived: &place.Rows})
		return err
	})
	return batch, done, err
}

// deriver reads the records of one connection.
type deriver struct {
	*Engine
	connection oxlin.Connection
	connectors map[oxlin.ChannelDefinitionID]bank.Connector
}

func (e *Engine) deriver(connection oxlin.Connection) deriver {
	return deriver{e, connection, make(map[oxlin.ChannelDefinitionID]bank.Connector)}
}

// connector returns nil if the bank has no such channel any more.
func (d deriver) connector(definition oxlin.ChannelDefinitionID) bank.Connector {
	connector, known := d.connectors[definition]
	if !known {
		var err error
		connector, err = d.catalogue.Connector(d.connection.ProviderID, definition)
		if err != nil {
			connector = nil
		}
		d.connectors[definition] = connector
	}
	return connector
}

// openRecords opens the records of an account at once.
func openRecords(v *vault.Vault, records [][]byte, place vault.Place) ([]vault.Opened, error) {
	sealed := make([]vault.Sealed, len(records))
	for i, record := range records {
		sealed[i] = vault.Sealed{Value: record, Place: place}
	}
	return v.OpenAll(sealed)
}

// decode reads an opened record. It returns false if nobody can: the row stays.
func (d deriver) decode(definition oxlin.ChannelDefinitionID, account oxlin.Account, opened vault.Opened) (bank.Decoded, bool) {
	if definition.IsFile() && opened.Err == nil {
		return decodeFile(opened.Plain)
	}
	decoder, ok := d.connector(definition).(bank.Decoder)
	if !ok || opened.Err != nil {
		return bank.Decoded{}, false
	}
	return decoder.Decode(opened.Plain, refOf(account))
}

// openRows opens the records of rows.
func openRows(v *vault.Vault, account oxlin.AccountID, rows []store.TransactionRecord) ([]vault.Opened, error) {
	records := make([][]byte, len(rows))
	for i, row := range rows {
		records[i] = row.Raw
	}
	return openRecords(v, records, rawPlace(account))
}

// openUnreadable opens records that could not be read.
func openUnreadable(v *vault.Vault, account oxlin.AccountID, stored []store.UnreadableRecord) ([]vault.Opened, error) {
	records := make([][]byte, len(stored))
	for i, record := range stored {
		records[i] = record.Raw
	}
	return openRecords(v, records, unreadablePlace(account))
}

// batch reads some rows of the account at the place anew, and moves the place. It returns
// true after the last row of the last account.
func (d deriver) batch(ctx context.Context, tx *store.Tx, place *oxlin.DerivationPlace, all *Rederived) (done bool, err error) {
	accounts, err := tx.Read().AccountsOfConnection(ctx, d.connection.ID)
	if err != nil {
		return false, err
	}
	at := slices.IndexFunc(accounts, func(a oxlin.Account) bool { return a.ID >= place.Account })
	if at < 0 {
		return true, nil
	}
	account := accounts[at]
	if account.ID != place.Account {
		place.Account, place.After = account.ID, time.Time{}
	}
	rows, err := tx.Read().KeptTransactions(ctx, account.ID, place.After, derivationBatch)
	if err != nil {
		return false, err
	}
	err = store.ChangeRowsVersion(ctx, tx, account.ID)
	if err != nil {
		return false, err
	}
	opened, err := openRows(d.vault, account.ID, rows)
	if err != nil {
		return false, err
	}
	for i, row := range rows {
		err := d.store(ctx, tx, account, row, opened[i], all)
		if err != nil {
			return false, err
		}
		place.After = row.ImportedAt
	}
	if len(rows) == derivationBatch {
		return false, nil
	}
	err = d.readRecords(ctx, tx, account, all)
	if err != nil {
		return false, err
	}
	place.Account, place.After = account.ID+1, time.Time{}
	return at == len(accounts)-1, nil
}

// store reads one row anew and writes what differs.
func (d deriver) store(ctx context.Context, tx *store.Tx, account oxlin.Account, row store.TransactionRecord, record vault.Opened, all *Rederived) error {
	after, read, differs := d.row(account, row, record, all)
	if !differs {
		return nil
	}
	err := tx.UpdateTransaction(ctx, after)
	if err != nil {
		return err
	}
	err = tx.SaveChanges(ctx, []oxlin.TransactionChange{{Transaction: row.ID, At: d.now(), Rule: string(reconcile.RuleRederived)}})
	if err != nil {
		return err
	}
	records, err := tx.Read().UnreadableRecords(ctx, account.ID)
	if err != nil {
		return err
	}
	content, err := d.content(records, read.Raw)
	if err != nil {
		return err
	}
	switch {
	case read.Unread != "":
		sealed, err := d.vault.Seal(read.Raw, unreadablePlace(account.ID))
		if err != nil {
			return err
		}
		return tx.SaveUnreadable(ctx, account.ID, store.UnreadableRecord{
			Content: content, Reason: string(read.Unread), SeenAt: row.ImportedAt, Raw: sealed,
			CoveredFrom: proves(bank.Unreadable{Day: read.Date()}, reading{}),
		})
	case row.Status == oxlin.StatusCancelled:
		// It was kept apart by a derivation that could not read it.
		return tx.DropUnreadable(ctx, account.ID, content)
	}
	return nil
}

// row returns a row as its record is read today, and reports whether it differs. A row
// whose record cannot be read, or is no movement, is CANCELLED: its value was made up, and
// its id stays for the day on which the record can be read.
func (d deriver) row(account oxlin.Account, before store.TransactionRecord, record vault.Opened, all *Rederived) (after store.TransactionRecord, read bank.Decoded, differs bool) {
	all.Rows++
	read, ok := d.decode(before.Channel, account, record)
	if !ok {
		return before, read, false
	}
	if read.Unread != "" || read.Ignored {
		after = before
		if before.Status != oxlin.StatusExpired && before.Status != oxlin.StatusCancelled {
			after.Status, after.MissingSince, after.AbsentOn = oxlin.StatusCancelled, oxlin.Date{}, []oxlin.Date{}
		}
	} else {
		t := withCheckNumber(read.Transaction, account.Type)
		held := reconcile.Derive(knownOf(before), t, before.Merged)
		imported := oxlin.DateIn(before.ImportedAt, oxlin.Paris)
		if before.Undated {
			imported = before.Date
		}
		after = recordOf(account, t, held, imported, before.Raw)
		after.Merged = before.Merged && reconcile.Merged(held, t)
		after.ImportedAt, after.UpdatedAt, after.Origin, after.Category = before.ImportedAt, before.UpdatedAt, before.Origin, before.Category
	}
	shown, others := differences(before, after)
	for _, member := range shown {
		all.changed(member, 1)
	}
	if len(shown) > 0 {
		all.Changed++
		after.UpdatedAt = d.now()
	}
	return after, read, len(shown) > 0 || others
}

// differences lists the API's members by which two forms of a row differ, and reports
// whether anything differs that only reconciliation sees.
func differences(before, after store.TransactionRecord) (shown []string, others bool) {
	for _, member := range []struct {
		name string
		same bool
	}{
		{"amount", before.Amount == after.Amount},
		{"currency", before.Currency == after.Currency},
		{"type", before.Type == after.Type},
		{"status", before.Status == after.Status},
		{"date", before.Date == after.Date},
		{"booking_date", before.BookingDate == after.BookingDate},
		{"value_date", before.ValueDate == after.ValueDate},
		{"transaction_date", before.TransactionDate == after.TransactionDate},
		{"label", before.Label == after.Label},
		{"notes", before.Notes == after.Notes},
		{"source_label", before.SourceLabel == after.SourceLabel},
		{"remittance_information", slices.Equal(before.Remittance, after.Remittance)},
		{"check_number", before.CheckNumber == after.CheckNumber},
		{"counterparty", before.Counterparty == after.Counterparty},
	} {
		if !member.same {
			shown = append(shown, member.name)
		}
	}
	others = before.Undated != after.Undated || before.Words != after.Words || before.EndToEndID != after.EndToEndID ||
		before.MandateID != after.MandateID || len(before.BankIDs) != len(after.BankIDs) ||
		(before.BalanceAfter == nil) != (after.BalanceAfter == nil) ||
		before.BalanceAfter != nil && after.BalanceAfter != nil && *before.BalanceAfter != *after.BalanceAfter
	return shown, others
}

// readRecords makes rows of an account's unreadable records that can be read now, as an
// incomplete answer would: a record of a known row changes that row, and a record that may
// be either waits for the bank's next answer.
func (d deriver) readRecords(ctx context.Context, tx *store.Tx, account oxlin.Account, all *Rederived) error {
	records, err := tx.Read().UnreadableRecords(ctx, account.ID)
	if err != nil {
		return err
	}
	fetched := reconcile.Fetched{Channel: account.LastChannelDefinition, Today: today(d.now())}
	opened, err := openUnreadable(d.vault, account.ID, records)
	if err != nil {
		return err
	}
	var contents [][]byte
	for i, record := range records {
		read, ok := d.decode(account.LastChannelDefinition, account, opened[i])
		switch {
		case !ok || read.Unread != "":
		case read.Ignored:
			err := tx.DropUnreadable(ctx, account.ID, record.Content)
			if err != nil {
				return err
			}
		default:
			fetched.Transactions = append(fetched.Transactions, withCheckNumber(read.Transaction, account.Type))
			contents = append(contents, record.Content)
			day := read.Date()
			if len(contents) == 1 || day.Before(fetched.CoveredFrom) {
				fetched.CoveredFrom = day
			}
		}
	}
	if len(contents) > 0 {
		fetched.IDs = d.connector(account.LastChannelDefinition).Profile().IDs
		r := &run{core: d.core, engine: d.Engine, connection: d.connection}
		result, err := r.storeTransactions(ctx, tx, account, reading{Fetched: fetched})
		if err != nil {
			return err
		}
		all.New += len(result.New)
		for i, content := range contents {
			if slices.Contains(result.Waiting, i) {
				continue
			}
			err := tx.DropUnreadable(ctx, account.ID, content)
			if err != nil {
				return err
			}
		}
	}
	return d.countRecords(ctx, tx, account)
}

// countRecords brings the account's number of unreadable rows up to date. Only the bank's
// next answer can make it complete again.
func (d deriver) countRecords(ctx context.Context, tx *store.Tx, account oxlin.Account) error {
	records, err := tx.Read().UnreadableRecords(ctx, account.ID)
	if err != nil || len(records) == account.Coverage.UnreadableRows {
		return err
	}
	account.Coverage.UnreadableRows = len(records)
	if len(records) > 0 && account.Coverage.Complete {
		account.Coverage.Complete, account.Coverage.Gap = false, oxlin.GapUnreadable
	}
	return tx.UpdateAccount(ctx, account)
}

// stagedPage is a page that waits for those after it.
type stagedPage struct {
	bank.TransactionsPage
	// Derivation is the number under which its rows were decoded.
	Derivation int `json:"Derivation,omitempty"`
}

// today returns the page as the connector reads its records today.
func (page stagedPage) today(connector bank.Connector, account bank.AccountRef) bank.TransactionsPage {
	decoder, ok := connector.(bank.Decoder)
	if page.Derivation == derivation || !ok {
		return page.TransactionsPage
	}
	again := page.TransactionsPage
	again.Transactions, again.Unreadable = nil, nil
	for _, t := range page.Transactions {
		read, whole := decoder.Decode(t.Raw, account)
		switch {
		case !whole:
			again.Transactions = append(again.Transactions, t)
		case read.Unread != "":
			again.Unreadable = append(again.Unreadable, bank.Unreadable{Reason: read.Unread, Day: read.Date(), Raw: t.Raw})
		case !read.Ignored:
			again.Transactions = append(again.Transactions, read.Transaction)
		}
	}
	for _, record := range page.Unreadable {
		read, whole := decoder.Decode(record.Raw, account)
		switch {
		case !whole || read.Unread != "":
			again.Unreadable = append(again.Unreadable, record)
		case !read.Ignored:
			again.Transactions = append(again.Transactions, read.Transaction)
		}
	}
	return again
}
