package synchro

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
	"github.com/oxlin/oxlin/internal/synchro/wording"
	"github.com/oxlin/oxlin/internal/vault"
)

// matchMargin is how many days before a fetch a known row may lie and still match.
const matchMargin = 15

// planRows compares an account's fetch with the stored rows, and plans what differs.
func (s storing) planRows(ctx context.Context, reader store.Reader, account oxlin.Account, read reading) (*rowPlan, error) {
	r := s.run
	fetched := read.Fetched
	imported := make(map[oxlin.TransactionID]oxlin.Date)
	since := fetched.CoveredFrom
	for _, t := range fetched.Transactions {
		if day := t.Date(); !day.IsZero() && day.Before(since) {
			since = day
		}
	}
	if !since.IsZero() {
		since = since.AddDays(-matchMargin)
	}
	records, err := knownSince(ctx, reader, account.ID, since, fetched)
	if err != nil {
		return nil, err
	}
	known := make([]reconcile.Known, len(records))
	absences := absences{on: make(map[oxlin.TransactionID][]oxlin.Date), since: make(map[oxlin.TransactionID]oxlin.Date)}
	bankIDs := make(map[oxlin.TransactionID][]string)
	for i, record := range records {
		known[i] = knownOf(record)
		imported[record.ID], bankIDs[record.ID] = record.Date, record.BankIDs
		absences.on[record.ID], absences.since[record.ID] = record.AbsentOn, record.MissingSince
		if len(record.AbsentOn) == 0 {
			absences.on[record.ID] = []oxlin.Date{record.MissingSince} // older versions kept the first day only
		}
	}
	fetched.ReadFrom, fetched.ReadUntil = account.Coverage.Since, readUntil(account)
	fetched.DistinctIDs = account.Coverage.DistinctIDs == fetched.Channel
	fetched.AbsenceFrom = absenceFrom(account, fetched.Today)
	fetched.Accepted = accepted(account.Coverage.Doubt, read)
	result := reconcile.Transactions(known, fetched)
	lasting, err := r.lasting(ctx, reader, account.ID, read)
	if err != nil {
		return nil, err
	}
	if lasting {
		result = settle(result, known, fetched)
	}
	now := r.now()
	plan := &rowPlan{account: account, fetched: fetched, result: result, imported: imported, now: now}
	plan.writes = writesOf(result, bankIDs, absences, fetched.Today, r.sync.ID, now)
	return plan, nil
}

// storeTransactions writes the differences between an account's fetch and the stored rows, all
// in one transaction. It returns what reconciliation found.
func (r *run) storeTransactions(ctx context.Context, tx *store.Tx, account oxlin.Account, read reading) (reconcile.Result, error) {
	plan, err := storing{r}.planRows(ctx, tx.Read(), account, read)
	if err != nil {
		return reconcile.Result{}, err
	}
	for !plan.done() {
		err := plan.prepare(r)
		if err != nil {
			return plan.result, err
		}
		at, err := plan.write(ctx, tx)
		if err != nil {
			return plan.result, err
		}
		plan.moveTo(at)
	}
	return plan.result, store.ChangeRowsVersion(ctx, tx, account.ID)
}

// knownSince returns the stored rows that an answer may contain: those since a day, those from
// which an older pending row may come, and older ones that the answer names by the bank's ids.
func knownSince(ctx context.Context, reader store.Reader, account oxlin.AccountID, since oxlin.Date, fetched reconcile.Fetched) ([]store.TransactionRecord, error) {
	_, oldest, err := store.OldestPending(ctx, reader, account)
	if err != nil {
		return nil, err
	}
	if !oldest.IsZero() && oldest.Before(since) {
		// Its booked form may be as old.
		since = oldest.AddDays(-pendingMargin)
	}
	records, err := reader.KnownTransactions(ctx, account, since)
	if err != nil {
		return nil, err
	}
	older, err := reader.IdentifiedTransactions(ctx, account, since, unknownIDs(records, fetched))
	return append(records, older...), err
}

// absences holds the days of earlier absences of each known row, and the first of them.
type absences struct {
	on    map[oxlin.TransactionID][]oxlin.Date
	since map[oxlin.TransactionID]oxlin.Date
}

// writesOf lists the changes that an answer makes to known rows: first to those that it shows,
// then to those that it lacks.
func writesOf(result reconcile.Result, bankIDs map[oxlin.TransactionID][]string, absences absences, today oxlin.Date, sync oxlin.SyncID, now time.Time) []rowWrite {
	var writes []rowWrite
	explained := changesOf(result, bankIDs, sync, now)
	for i, match := range result.Found {
		if match.Change != 0 {
			writes = append(writes, rowWrite{found: i, changes: explained[match.ID]})
		}
	}
	lack := func(id oxlin.TransactionID, store func(ctx context.Context, tx *store.Tx) error) {
		writes = append(writes, rowWrite{found: -1, absent: store, changes: explained[id]})
	}
	for _, id := range result.Expired {
		lack(id, func(ctx context.Context, tx *store.Tx) error {
			return tx.SetTransactionStatus(ctx, id, oxlin.StatusExpired, now)
		})
	}
	for _, id := range result.Absent {
		days := append(absences.on[id], today)
		lack(id, func(ctx context.Context, tx *store.Tx) error {
			return tx.SetTransactionAbsent(ctx, id, absences.since[id], days)
		})
	}
	for _, id := range result.Cancelled {
		days := append(absences.on[id], today)
		lack(id, func(ctx context.Context, tx *store.Tx) error { return tx.CancelTransaction(ctx, id, days, now) })
	}
	for _, id := range result.Missing {
		lack(id, func(ctx context.Context, tx *store.Tx) error {
			return tx.SetTransactionAbsent(ctx, id, today, []oxlin.Date{today})
		})
	}
	return writes
}

// late is after how many days a bank has usually booked what happened.
const late = 4

// readUntil is the last day that earlier readings cover, with its rows or without any.
func readUntil(account oxlin.Account) oxlin.Date {
	until := account.CoveredUntil
	if at := account.Coverage.LastCompleteAt; !at.IsZero() {
		if day := today(at).AddDays(-late); until.Before(day) {
			until = day
		}
	}
	return until
}

// unknownIDs are the fetched ids that none of the stored rows has.
func unknownIDs(records []store.TransactionRecord, fetched reconcile.Fetched) []string {
	if fetched.IDs == bank.IDNone || fetched.IDs == bank.IDConstant || fetched.IDs == bank.IDPositional {
		return nil
	}
	held := make(map[string]bool)
	for _, record := range records {
		for _, id := range record.BankIDs {
			held[id] = true
		}
	}
	var unknown []string
	for _, t := range fetched.Transactions {
		id := strings.TrimSpace(t.BankID)
		if id != "" && !held[id] {
			held[id] = true
			unknown = append(unknown, id)
		}
	}
	return unknown
}

// statementDays is the least number of days from a card's debit to the next one.
const statementDays = 28

// absenceFrom is the first day of which a row of the account may be missing; zero for all.
// Some banks list only the current statement of a card: it begins after the last debit,
// or with the month if the bank names no debit.
func absenceFrom(account oxlin.Account, today oxlin.Date) oxlin.Date {
	if account.Type != oxlin.AccountCreditCard || today.IsZero() {
		return oxlin.Date{}
	}
	card := account.Details.CreditCard
	switch {
	case card == nil || card.NextDebitDate.IsZero():
		return firstOfMonth(today)
	case card.NextDebitDate.Before(firstOfMonth(today).AddDays(-1)):
		return firstOfMonth(today) // the bank has not told the next one
	case !today.Before(card.NextDebitDate):
		return card.NextDebitDate.AddDays(1)
	}
	return card.NextDebitDate.AddDays(1 - statementDays)
}

// firstOfMonth is the first day of a day's month.
func firstOfMonth(day oxlin.Date) oxlin.Date {
	return day.AddDays(1 - day.Midnight(time.UTC).Day())
}

// knownOf converts a stored transaction for reconciliation, which sees no day of a row
// to which the bank gave none.
func knownOf(t store.TransactionRecord) reconcile.Known {
	if t.Undated {
		t.Date = oxlin.Date{}
	}
	return reconcile.Known{
		ID: t.ID, BankIDs: t.BankIDs, ChannelsOfIDs: t.ChannelsOfIDs, Status: t.Status, Amount: t.Amount, Currency: t.Currency,
		BookingDate: t.BookingDate, TransactionDate: t.TransactionDate, ValueDate: t.ValueDate, Date: t.Date,
		Words: t.Words, Counterparty: t.Counterparty, EndToEndID: t.EndToEndID, MandateID: t.MandateID,
		CheckNumber: t.CheckNumber, BalanceAfter: t.BalanceAfter, Channel: t.Channel, MissingSince: t.MissingSince,
		AbsentOn: t.AbsentOn,
	}
}

// toRecord returns the stored form of a bank's transaction, with its record sealed.
func (e *Engine) toRecord(account oxlin.Account, t bank.Transaction, held reconcile.Known, imported oxlin.Date) (store.TransactionRecord, error) {
	raw, err := e.vault.Seal(t.Raw, rawPlace(account.ID))
	if err != nil {
		return store.TransactionRecord{}, err
	}
	return recordOf(account, t, held, imported, raw), nil
}

// recordOf is the only conversion from a bank's transaction to a stored one. It joins
// the bank's row, what reconciliation knows of it, and what wording reads in it. A row to
// which the bank gives no day has the day of its import. A change of the outcome for a
// record raises the constant derivation.
func recordOf(account oxlin.Account, t bank.Transaction, held reconcile.Known, imported oxlin.Date, raw []byte) store.TransactionRecord {
	reading := wording.Read(t, account.Type)
	bankIDs := held.BankIDs
	if bankIDs == nil {
		bankIDs = []string{}
	}
	channelsOfIDs := held.ChannelsOfIDs
	if channelsOfIDs == nil {
		channelsOfIDs = [][]oxlin.ChannelDefinitionID{}
	}
	currency := held.Currency
	if currency == "" {
		currency = account.Currency
	}
	absentOn := held.AbsentOn
	if absentOn == nil {
		absentOn = []oxlin.Date{}
	}
	day, undated := held.Date, held.Date.IsZero()
	if undated {
		day = imported
	}
	return store.TransactionRecord{
		Transaction: oxlin.Transaction{
			ID: held.ID, AccountID: account.ID, Amount: held.Amount, Currency: currency, Type: reading.Type,
			Status: held.Status, Origin: oxlin.OriginTransaction, Category: reading.Category,
			Date: day, Undated: undated, BookingDate: held.BookingDate, ValueDate: held.ValueDate, TransactionDate: held.TransactionDate,
			Label: reading.Label, Notes: reading.Notes, SourceLabel: reading.SourceLabel, Remittance: t.Remittance,
			CheckNumber: held.CheckNumber, Counterparty: held.Counterparty, MissingSince: held.MissingSince,
		},
		BankIDs: bankIDs, ChannelsOfIDs: channelsOfIDs, Words: held.Words, EndToEndID: held.EndToEndID, MandateID: held.MandateID,
		BalanceAfter: held.BalanceAfter, Channel: held.Channel, AbsentOn: absentOn, Raw: raw,
		ImportSource: oxlin.ImportSource{CategoryRule: string(reading.CategoryRule)},
		Derivation:   derivationOf(t, reading),
	}
}

// withCheckNumber adds the number of a cheque that the bank's lines contain: reconciliation
// distinguishes cheques of the same amount by their numbers.
func withCheckNumber(t bank.Transaction, kind oxlin.AccountType) bank.Transaction {
	if t.CheckNumber == "" {
		t.CheckNumber = wording.CheckNumber(t, kind)
	}
	return t
}

// proves returns the first day that a reading has to cover to prove by its silence that a
// bank has corrected a row: without the row's day, that of the reading that showed it.
func proves(row bank.Unreadable, read reading) oxlin.Date {
	const margin = 3 // banks cut by other days than the shown one
	day := row.Day.AddDays(-margin)
	if row.Day.IsZero() || day.Before(read.CoveredFrom) {
		return read.CoveredFrom
	}
	return day
}

// contents are the keyed hashes by which an unreadable record is known, that of the newest key
// first. A record that was staged has no blanks and other escapes.
func contents(v *vault.Vault, raw json.RawMessage) ([][]byte, error) {
	written, err := json.Marshal(raw)
	if err != nil {
		return nil, fmt.Errorf("unreadable row: %w", err)
	}
	return v.MACs(written)
}

// content returns the one of contents under which a record of an account is stored, or the
// newest one.
func (c *core) content(stored []store.UnreadableRecord, raw json.RawMessage) ([]byte, error) {
	all, err := contents(c.vault, raw)
	if err != nil {
		return nil, err
	}
	for _, record := range stored {
		for _, one := range all[1:] {
			if bytes.Equal(record.Content, one) {
				return one, nil
			}
		}
	}
	return all[0], nil
}

// storeUnreadable keeps the rows that cannot be read, each content once, and forgets those
// that a reading of their days no longer shows, or one of all days that the bank gives, and
// those of which a row that can be read has the id. It returns the number of those that stay.
func (r *run) storeUnreadable(ctx context.Context, tx *store.Tx, account oxlin.Account, read reading) (int, error) {
	id, shown, readable := account.ID, make(map[string]bool), idsOf(read)
	var before []store.UnreadableRecord
	if len(read.unreadable) > 0 {
		var err error
		before, err = tx.Read().UnreadableRecords(ctx, id)
		if err != nil {
			return 0, err
		}
	}
	for _, row := range read.unreadable {
		content, err := r.content(before, row.Raw)
		if err != nil {
			return 0, err
		}
		if shown[string(content)] {
			continue
		}
		shown[string(content)] = true
		sealed, err := r.vault.Seal(row.Raw, unreadablePlace(id))
		if err != nil {
			return 0, err
		}
		err = tx.SaveUnreadable(ctx, id, store.UnreadableRecord{
			Content: content, Reason: string(row.Reason), SeenAt: r.now(), CoveredFrom: proves(row, read), Raw: sealed,
		})
		if err != nil {
			return 0, err
		}
	}
	records, err := tx.Read().UnreadableRecords(ctx, id)
	if err != nil {
		return 0, err
	}
	left := 0
	for _, record := range records {
		since := record.CoveredFrom
		if since.IsZero() {
			since = today(record.SeenAt).AddDays(-r.connector.Profile().HistoryDays)
		}
		// Nobody knows on which day an unreadable row is: a walk with an end may leave it out.
		covered := read.CoveredUntil.IsZero() && (!since.Before(read.CoveredFrom) || !historyStart(r).Before(read.asked))
		stays := shown[string(record.Content)]
		if !stays && !(read.ended() && covered) {
			bankID, err := idOfUnreadable(r, account, record)
			if err != nil {
				return 0, err
			}
			stays = !readable[bankID]
		}
		if stays {
			left++
			continue
		}
		err := tx.DropUnreadable(ctx, id, record.Content)
		if err != nil {
			return 0, err
		}
	}
	return left, nil
}

// idsOf returns the bank's ids in a reading that name one row.
func idsOf(read reading) map[string]bool {
	ids := make(map[string]bool)
	switch read.IDs {
	case bank.IDStable, bank.IDLasting, bank.IDPerConsent:
	default:
		return ids
	}
	for _, row := range read.Transactions {
		_, twice := ids[row.BankID]
		ids[row.BankID] = row.BankID != "" && !twice
	}
	return ids
}

// idOfUnreadable returns the bank's id of a record that cannot be read; empty without one.
func idOfUnreadable(r *run, account oxlin.Account, record store.UnreadableRecord) (string, error) {
	decoder, ok := r.connector.(bank.Decoder)
	if !ok {
		return "", nil
	}
	raw, err := r.vault.Open(record.Raw, unreadablePlace(account.ID))
	if errors.Is(err, vault.ErrUnopened) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	decoded, _ := decoder.Decode(raw, refOf(account))
	return decoded.BankID, nil
}

// withBalances updates an account's balances. If no balance of the bank can be read, the
// last one stays, with its own day. A balance in another currency than the account's is
// only listed.
func withBalances(account oxlin.Account, told bank.Balances, now time.Time) oxlin.Account {
	if told.Shown != nil && told.Shown.Currency != "" && account.Currency == "" {
		account.Currency = told.Shown.Currency
	}
	told.All = slices.Clone(told.All)
	for i := range told.All {
		told.All[i].Currency = cmp.Or(told.All[i].Currency, account.Currency)
	}
	if told.Shown != nil && told.Shown.Currency != "" && told.Shown.Currency != account.Currency {
		if account.Balance == nil {
			account.Balances = told.All
		}
		told.Shown = nil
	}
	if told.Shown != nil {
		amount := told.Shown.Amount
		account.Balance, account.BalanceAt, account.Balances = &amount, now, told.All
		account.BalanceExpected = told.Shown.Type == oxlin.BalanceExpected || told.Shown.Type == oxlin.BalanceAvailable
	}
	if card := account.Details.CreditCard; card != nil && !told.NextDebitDate.IsZero() {
		due := *card
		due.DebitType, due.NextDebitDate, due.NextDebitAmount = "DEFERRED", told.NextDebitDate, told.NextDebitAmount
		account.Details.CreditCard = &due
	}
	return account
}
