package synchro_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/stet"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/synchro"
	"github.com/oxlin/oxlin/internal/vault"
)

// kept are all stored rows of an account, with every field.
func (w *world) kept(id oxlin.AccountID) []store.TransactionRecord {
	w.T.Helper()
	rows, err := w.DB.Read().KeptTransactions(w.T.Context(), id, time.Time{}, 100_000)
	if err != nil {
		w.T.Fatal(err)
	}
	return rows
}

// storedRows are the kept rows of all accounts without their sealed records and the times
// of their changes.
func (w *world) storedRows() []store.TransactionRecord {
	w.T.Helper()
	var all []store.TransactionRecord
	for _, account := range w.accounts() {
		for _, row := range w.kept(account.ID) {
			row.Raw, row.UpdatedAt = nil, time.Time{}
			all = append(all, row)
		}
	}
	return all
}

var sameRows = cmp.Comparer(func(a, b oxlin.Date) bool { return a == b })

// misreadings are the mistakes of an older decoder with a row.
var misreadings = map[string]func(*store.TransactionRecord){
	"sign":     func(r *store.TransactionRecord) { r.Amount = -r.Amount },
	"amount":   func(r *store.TransactionRecord) { r.Amount *= 100 },
	"currency": func(r *store.TransactionRecord) { r.Currency = "XXX" },
	"day":      func(r *store.TransactionRecord) { r.BookingDate, r.Date = r.Date.AddDays(-3), r.Date.AddDays(-3) },
	"year":     func(r *store.TransactionRecord) { r.Date = r.Date.AddDays(-400) },
	"sentinel": func(r *store.TransactionRecord) { r.TransactionDate = oxlin.NewDate(1, 1, 1) },
	"no day": func(r *store.TransactionRecord) {
		r.BookingDate, r.ValueDate, r.Undated = oxlin.Date{}, oxlin.Date{}, true
	},
	"status":         func(r *store.TransactionRecord) { r.Status = oxlin.StatusOther },
	"words":          func(r *store.TransactionRecord) { r.Words, r.Label, r.Notes = "X", "caf&eacute;", "" },
	"lines":          func(r *store.TransactionRecord) { r.Remittance, r.SourceLabel = []string{"CafÃ©"}, "?" },
	"type":           func(r *store.TransactionRecord) { r.Type = oxlin.TypeOther },
	"other party":    func(r *store.TransactionRecord) { r.Counterparty = "NULL" },
	"references":     func(r *store.TransactionRecord) { r.EndToEndID, r.CheckNumber = "NOTPROVIDED", "00" },
	"everything":     func(r *store.TransactionRecord) { r.Amount, r.Currency, r.Words, r.Label, r.Type = 1, "", "", "?", "" },
	"sign and words": func(r *store.TransactionRecord) { r.Amount, r.Words = -r.Amount, "" },
}

// misread stores rows as an older version would have, which knew no derivations. It returns
// the number of the changed rows.
func (w *world) misread(id oxlin.ConnectionID, names ...string) int {
	w.T.Helper()
	changed := 0
	w.Write(func(tx *store.Tx) error {
		for _, account := range w.accounts() {
			for i, row := range w.kept(account.ID) {
				if name := names[i%len(names)]; name != "" {
					misreadings[name](&row)
					changed++
				}
				err := tx.UpdateTransaction(w.T.Context(), row)
				if err != nil {
					return err
				}
			}
		}
		return tx.SetDerivation(w.T.Context(), id, 0, oxlin.DerivationPlace{})
	})
	return changed
}

// derived are the counts of the events about rows that were read anew.
func (w *world) derived() []oxlin.DerivedRows {
	w.T.Helper()
	var told []oxlin.DerivedRows
	for _, e := range w.EventLog(w.caller.UserID) {
		if e.Payload.Derived != nil {
			if e.Type != oxlin.EventConnectionUpdated || e.ChannelDefinition != "" {
				w.T.Errorf("the event is %s of channel %q", e.Type, e.ChannelDefinition)
			}
			told = append(told, *e.Payload.Derived)
		}
	}
	return told
}

// What an older decoder made of the records is read anew before the bank is asked again:
// the reading finds exactly the rows that it shows, with the ids that they had.
func TestRowsOfAnOlderDecoderAreReadAnew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		want := w.storedRows()
		all := slices.Sorted(maps.Keys(misreadings))
		for i, names := range append([][]string{append(all, "", "")}, chunks(all)...) {
			changed := w.misread(id, names...)
			before := len(w.derived())
			w.Clock.Advance(time.Minute)
			w.synchronize(id)
			if diff := cmp.Diff(want, w.storedRows(), sameRows); diff != "" {
				t.Fatalf("%q: rows (-want +got):\n%s", names, diff)
			}
			told := w.derived()[before:]
			if len(told) != 1 || told[0].Changed > changed || told[0].Changed == 0 && i == 0 || told[0].New > 0 {
				t.Errorf("%q: the events tell %+v of %d changed rows", names, told, changed)
			}
			w.synchronize(id)
			if again := w.derived()[before:]; len(again) != len(told) {
				t.Errorf("%q: another reading tells %+v", names, again)
			}
		}
		for _, row := range w.storedRows() {
			if row.Status == oxlin.StatusBooked && !row.MissingSince.IsZero() {
				t.Errorf("%s is called missing", row.Label)
			}
		}
	})
}

// The command reads rows anew with an engine that runs no jobs, beside a platform or without one.
func TestACommandReadsRowsAnewWithoutAQueue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		want, changed := w.storedRows(), w.misread(id, "amount", "words")
		engine := synchro.New(synchro.Options{
			DB: db, Vault: w.Vault, Catalogue: w.Catalogue, Events: event.Log{}, Audit: w.Audit, Now: w.Clock.Now, Log: w.Log.Logger(),
		})
		counted := strconv.Itoa(changed)
		for _, dry := range []bool{true, false, false} {
			got, err := engine.Rederive(t.Context(), id, dry)
			if err != nil || got.Rows != len(want) || got.Changed != changed {
				t.Fatalf("%+v, %v, want %d changed", got, err, changed)
			}
			if !dry {
				changed = 0
			}
		}
		if diff := cmp.Diff(want, w.storedRows(), sameRows); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		if told := w.derived(); len(told) != 1 {
			t.Errorf("the events tell %+v", told)
		}
		lines, err := w.Audit.Find(t.Context(), audit.Filter{Action: audit.RowsRederived}, 10)
		if err != nil {
			t.Fatal(err)
		}
		var trail []string
		for _, line := range lines {
			trail = append(trail, line.Details[string(audit.Kind)]+line.Details[string(audit.Count)])
		}
		if !slices.Equal(trail, []string{"asked", counted, "asked"}) {
			t.Errorf("the audit log tells %q", trail)
		}
	})
}

// chunks returns each name alone; rows of which nobody sees the difference make no event.
func chunks(names []string) [][]string {
	var alone [][]string
	for _, name := range names {
		if name == "references" {
			continue
		}
		alone = append(alone, []string{name, "", ""})
	}
	return alone
}

// A reading during which the derivation runs compares nothing with rows of another one.
func TestRowsAreReadAnewDuringAReading(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		want := w.storedRows()
		w.during("/transactions", func() { w.misread(id, "sign and words", "day") })
		w.synchronize(id)
		if diff := cmp.Diff(want, w.storedRows(), sameRows); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
	})
}

// Rows that this version has stored are read from their records as they are, whatever has
// become of them, and through both channels.
func TestRowsOfThisVersionDoNotChange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		one := w.connect(connect.AuthorizeRequest{}, "dev")
		both := w.bothChannels(w.typed("dev", "dev"))
		for day := range 4 {
			for _, id := range []oxlin.ConnectionID{one, both} {
				found, err := w.Engine.Rederive(t.Context(), id, true)
				if err != nil || found.Changed+found.New > 0 || len(found.Members) > 0 || found.Rows == 0 {
					t.Fatalf("on day %d: %+v, %v", day, found, err)
				}
			}
			w.Clock.Advance(3 * 24 * time.Hour)
			w.synchronize(one)
			w.synchronize(both)
		}
		if told := w.derived(); len(told) > 0 {
			t.Errorf("events tell %+v", told)
		}
	})
}

// A dry run tells what would change, and changes nothing.
func TestADryRunChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		changed := w.misread(id, "sign", "", "lines")
		before, events := w.storedRows(), len(w.eventTypes())
		found, err := w.Engine.Rederive(t.Context(), id, true)
		if err != nil || found.Changed != changed || found.Members["amount"] == 0 || found.Members["remittance_information"] == 0 || found.Rows != len(before) {
			t.Errorf("%+v, %v; want %d changed rows", found, err, changed)
		}
		if diff := cmp.Diff(before, w.storedRows(), sameRows); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		number, place, err := db.Read().Derivation(t.Context(), id)
		if err != nil || number != 0 || place != (oxlin.DerivationPlace{}) || len(w.eventTypes()) != events {
			t.Errorf("derivation %d at %+v, %v; events %v", number, place, err, w.eventTypes()[events:])
		}
		again, err := w.Engine.Rederive(t.Context(), id, false)
		if diff := cmp.Diff(found, again); err != nil || diff != "" {
			t.Errorf("the run differs from the dry run: %v\n%s", err, diff)
		}
	})
}

// dying is a bank whose decoder ends the process after some records.
type dying struct {
	*stet.Connector
	left *int
	die  context.CancelFunc
}

func (d dying) Decode(raw json.RawMessage, account bank.AccountRef) (bank.Decoded, bool) {
	*d.left--
	if *d.left == 0 {
		d.die()
	}
	return d.Connector.Decode(raw, account)
}

// A process that dies in the middle leaves a place, from which the next one continues. The
// one event counts the rows of both.
func TestACrashInTheMiddleContinues(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		want := w.storedRows()
		changed := w.misread(id, "sign")
		whole := w.Catalogue.Catalogue
		deaths := 0
		for after := 1; ; after += 90 {
			ctx, die := context.WithCancel(t.Context())
			left := after
			w.Catalogue.Catalogue = whole
			w.bankIs(func(c *stet.Connector) bank.Connector { return dying{c, &left, die} })
			_, err := w.Engine.Rederive(ctx, id, false)
			die()
			if err == nil {
				break
			}
			deaths++
			number, _, err := db.Read().Derivation(t.Context(), id)
			if err != nil || number != 0 {
				t.Fatalf("after death %d the number is %d, %v", deaths, number, err)
			}
		}
		w.Catalogue.Catalogue = whole
		if diff := cmp.Diff(want, w.storedRows(), sameRows); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]oxlin.DerivedRows{{Changed: changed}}, w.derived()); diff != "" || deaths < 2 {
			t.Errorf("%d deaths, events (-want +got):\n%s", deaths, diff)
		}
		w.synchronize(id)
		if diff := cmp.Diff(want, w.storedRows(), sameRows); diff != "" {
			t.Errorf("rows after the next reading (-want +got):\n%s", diff)
		}
	})
}

// The first sweep of a new version reads the rows of all connections anew, also of those
// that are never read again. Nobody's server is told.
func TestASweepReadsAllConnectionsAnew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ids := []oxlin.ConnectionID{w.connect(connect.AuthorizeRequest{}, "dev"), w.login("dev", "dev")}
		w.answer(ids[1], sendSMS)
		w.answer(ids[1], rightCode)
		want := w.storedRows()
		w.misread(ids[0], "sign", "")
		w.misread(ids[1], "", "sign")
		err := w.Engine.Sweep(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, w.storedRows(), sameRows); diff != "" || len(w.derived()) != 2 {
			t.Errorf("events %+v, rows (-want +got):\n%s", w.derived(), diff)
		}
		due, err := db.Read().DerivedBefore(t.Context(), 1, 0, 10)
		if err != nil || len(due) > 0 {
			t.Errorf("still due: %v, %v", due, err)
		}
	})
}

// keeps stores the bank's record of a row, as if an older decoder had made the row of it.
func (b *scripted) keeps(id oxlin.ConnectionID, account oxlin.Account, label string, record map[string]any) {
	b.t.Helper()
	b.Write(func(tx *store.Tx) error {
		for _, row := range b.kept(account.ID) {
			if row.Remittance[0] != label {
				continue
			}
			sealed, err := b.Vault.Seal(b.raw(record), vault.Place{Table: "transactions", Column: "raw", Row: account.ID.String()})
			if err != nil {
				return err
			}
			row.Raw = sealed
			err = tx.UpdateTransaction(b.t.Context(), row)
			if err != nil {
				return err
			}
		}
		return tx.SetDerivation(b.t.Context(), id, 0, oxlin.DerivationPlace{})
	})
}

func (b *scripted) raw(record map[string]any) []byte {
	text, err := json.Marshal(record)
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

// with returns a copy of a row with other members.
func with(row map[string]any, members map[string]any) map[string]any {
	row = maps.Clone(row)
	maps.Copy(row, members)
	return row
}

// A row whose record says nothing today is a value that nobody told: it is CANCELLED and
// counted as unreadable, as long as the bank shows it so. When the bank repents, or the
// platform can read the record, the row is back under its id.
func TestARowWhoseRecordSaysNothingIsCancelledAndComesBack(t *testing.T) {
	unreadable := map[string]map[string]any{
		"amount": {"transactionAmount": map[string]any{"currency": "EUR", "amount": "1,234"}},
		"sign":   {"creditDebitIndicator": "SIDEWAYS"},
		"day":    {"bookingDate": "the day after tomorrow"},
	}
	for name, members := range unreadable {
		for _, repents := range []string{"the bank", "the decoder"} {
			t.Run(name+", "+repents, func(t *testing.T) {
				b := newScripted(t, "a")
				b.history("a", 40)
				id := b.begin()
				account := b.account("a")
				good := b.rows["a"]
				label := good[5]["entryReference"].(string)
				ids := b.idsOf("a")
				bad := with(good[5], members)
				b.keeps(id, account, label, bad)
				b.rows["a"] = slices.Clone(good)
				b.rows["a"][5] = bad
				for range 2 {
					b.synchronize(id)
					row := b.named("a", label)
					if row.Status != oxlin.StatusCancelled || row.ID != ids[label] || len(b.idsOf("a")) != len(ids) {
						t.Fatalf("the row is %+v of %d", row, len(b.idsOf("a")))
					}
					if slices.Contains(b.labels("a"), label) {
						t.Error("lists show the row")
					}
					if covered := b.account("a").Coverage; covered.UnreadableRows != 1 || covered.Complete {
						t.Errorf("the coverage is %+v", covered)
					}
				}
				if repents == "the bank" {
					b.rows["a"] = good
				} else {
					b.keeps(id, account, label, good[5])
					record := store.UnreadableRecord{Content: hashOf(t, b.Vault, b.raw(good[5])), SeenAt: b.Clock.Now(), Raw: []byte("sealed")}
					b.Write(func(tx *store.Tx) error { return tx.SaveUnreadable(t.Context(), account.ID, record) })
					_, err := b.Engine.Rederive(t.Context(), id, false)
					if err != nil {
						t.Fatal(err)
					}
					if row := b.named("a", label); row.Status != oxlin.StatusBooked {
						t.Errorf("the row is still %s", row.Status)
					}
					b.rows["a"] = good
				}
				b.synchronize(id)
				row := b.named("a", label)
				if row.Status != oxlin.StatusBooked || row.Amount != -100_000 || row.Date.String() != good[5]["bookingDate"] {
					t.Errorf("the row is %+v", row)
				}
				if diff := cmp.Diff(ids, b.idsOf("a")); diff != "" {
					t.Errorf("ids (-want +got):\n%s", diff)
				}
				if covered := b.account("a").Coverage; covered.UnreadableRows != 0 || !covered.Complete {
					t.Errorf("the coverage is %+v", covered)
				}
			})
		}
	}
}

// idsOf are the ids of an account's rows by their labels, whatever became of them.
func (b *scripted) idsOf(bankID string) map[string]oxlin.TransactionID {
	b.t.Helper()
	ids := map[string]oxlin.TransactionID{}
	for _, row := range b.kept(b.account(bankID).ID) {
		label := strings.Join(row.Remittance, " ")
		for ids[label] != 0 {
			label += " again"
		}
		ids[label] = row.ID
	}
	return ids
}

func (b *scripted) named(bankID, label string) oxlin.Transaction {
	b.t.Helper()
	id := b.idsOf(bankID)[label]
	for _, row := range b.kept(b.account(bankID).ID) {
		if row.ID == id {
			return row.Transaction
		}
	}
	b.t.Fatalf("there is no row %s", label)
	return oxlin.Transaction{}
}

// A record that the bank calls rejected is no movement, whatever an older decoder made of
// it.
func TestARowThatIsNoMovementIsCancelled(t *testing.T) {
	b := newScripted(t, "a")
	b.history("a", 10)
	id := b.begin()
	ids, label := b.idsOf("a"), b.rows["a"][3]["entryReference"].(string)
	rejected := with(b.rows["a"][3], map[string]any{"status": "rejected"})
	b.keeps(id, b.account("a"), label, rejected)
	b.rows["a"][3] = rejected
	for range 2 {
		b.synchronize(id)
		if row := b.named("a", label); row.Status != oxlin.StatusCancelled || !row.MissingSince.IsZero() {
			t.Errorf("the row is %+v", row)
		}
		if covered := b.account("a").Coverage; !covered.Complete || covered.UnreadableRows != 0 {
			t.Errorf("the coverage is %+v", covered)
		}
	}
	if diff := cmp.Diff(ids, b.idsOf("a")); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

// Records that an older decoder could not read become rows, each once, within the days that
// are read again and before them.
func TestUnreadableRecordsOfAnOlderDecoderBecomeRowsOnce(t *testing.T) {
	for name, ago := range map[string]int{"a recent day": 3, "a day that is not read again": 300} {
		t.Run(name, func(t *testing.T) {
			b := newScripted(t, "a")
			b.history("a", 40)
			id := b.begin()
			account, rows := b.account("a"), b.rows["a"]
			day := b.day(-ago).String()
			late := scriptedRow(day, "LATE "+day)
			known := rows[7] // the older decoder read this record, and that of another form not
			b.Write(func(tx *store.Tx) error {
				for _, record := range []map[string]any{late, with(known, map[string]any{"x": 1})} {
					text := b.raw(record)
					sealed, err := b.Vault.Seal(text, vault.Place{Table: "unreadable_records", Column: "raw", Row: account.ID.String()})
					if err != nil {
						return err
					}
					err = tx.SaveUnreadable(t.Context(), account.ID, store.UnreadableRecord{
						Content: hashOf(t, b.Vault, text), Reason: "day", SeenAt: b.Clock.Now(), Raw: sealed,
					})
					if err != nil {
						return err
					}
				}
				return tx.SetDerivation(t.Context(), id, 0, oxlin.DerivationPlace{})
			})
			b.rows["a"] = append(slices.Clone(rows), late)
			for range 2 {
				b.synchronize(id)
				if diff := cmp.Diff(b.written("a"), b.labels("a")); diff != "" {
					t.Errorf("rows (-want +got):\n%s", diff)
				}
				if left, err := b.DB.Read().UnreadableRecords(t.Context(), account.ID); err != nil || len(left) > 0 {
					t.Errorf("%d records are still called unreadable: %v", len(left), err)
				}
				if diff := cmp.Diff([]oxlin.DerivedRows{{New: 1}}, b.derived()); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				b.Clock.Advance(24 * time.Hour)
			}
		})
	}
}
