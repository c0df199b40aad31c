package synchro_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// TestChannelsTakeTurnsAndDoubleNothing is the property of contract §11, "Two
// channels, one account". Consents end and are renewed, and channels are read, in any
// order, while the bank renumbers and relabels. No account and no transaction changes its
// id. At the end the user has the same rows as a user who connects for the first time.
func TestChannelsTakeTurnsAndDoubleNothing(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			db, _ := storetest.SQLite(t)
			w := newWorld(t, db)
			random := rand.New(rand.NewPCG(seed, 0))
			// OpenPGP libraries read the machine's clock, so the test encrypts before it moves
			// its own clock.
			first, credentials := w.caller.UserID, w.typed("dev", "dev")
			w.Write(func(tx *store.Tx) (err error) {
				w.caller.UserID, err = tx.InsertUser(t.Context(), oxlin.User{ClientID: w.caller.Client.ID, Email: "new@example.test"})
				return err
			})
			second, later := w.caller.UserID, w.typed("dev", "dev")
			w.caller.UserID = first
			id := w.bothChannels(credentials)
			accounts, known := map[oxlin.AccountID]string{}, map[oxlin.TransactionID]oxlin.Transaction{}
			// The bank has one back-dated row: switched on again, it would move.
			backdated := random.IntN(12)
			for step := range 12 {
				if step == backdated {
					w.Scenario("dev", "backdated")
				}
				w.anything(random, id)
				w.keptIDs(accounts, known, step)
			}
			w.heal(id)
			w.synchronize(id)
			w.keptIDs(accounts, known, 12)

			mine := w.recent()
			w.caller.UserID = second
			w.bothChannels(later)
			if diff := cmp.Diff(w.recent(), mine); diff != "" {
				t.Errorf("a user who connects for the first time has other rows (-new +old):\n%s", diff)
			}
		})
	}
}

// anything performs a random event in the life of a connection.
func (w *world) anything(random *rand.Rand, id oxlin.ConnectionID) {
	w.T.Helper()
	w.Clock.Advance(time.Duration(1+random.IntN(2)) * 24 * time.Hour)
	switch random.IntN(5) {
	case 0:
		w.Scenario("dev", "consent_expired")
	case 1:
		w.heal(id)
	case 2:
		w.Scenario("dev", "renumbered")
	case 3:
		w.Scenario("dev", "relabelled")
	}
	w.synchronize(id)
}

// heal renews the consent of the REDIRECT channel if it has ended.
func (w *world) heal(id oxlin.ConnectionID) {
	w.T.Helper()
	w.EndScenario("login=dev&scenario=consent_expired")
	if w.channel(id).Status == oxlin.ChannelTokenExpired {
		w.connect(connect.AuthorizeRequest{ConnectionID: id, AutoSync: true}, "dev")
	}
}

// keptIDs compares accounts and transactions with what they were before, and
// remembers those that are new.
func (w *world) keptIDs(accounts map[oxlin.AccountID]string, known map[oxlin.TransactionID]oxlin.Transaction, step int) {
	w.T.Helper()
	numbers := map[string]bool{}
	for _, account := range w.accounts() {
		number := account.IBAN + account.MaskedNumber + account.Number
		if numbers[number] {
			w.T.Fatalf("step %d: account %s exists twice", step, number)
		}
		numbers[number] = true
		accounts[account.ID] = number
	}
	if len(accounts) != len(numbers) {
		w.T.Fatalf("step %d: %d accounts have had %d ids", step, len(numbers), len(accounts))
	}
	now := map[oxlin.TransactionID]oxlin.Transaction{}
	for _, x := range w.transactions() {
		now[x.ID] = x
	}
	for id, was := range known {
		is, there := now[id]
		if !there || is.AccountID != was.AccountID || is.Amount != was.Amount || was.Status == oxlin.StatusBooked && is.Status != oxlin.StatusBooked {
			w.T.Fatalf("step %d: transaction %+v is %+v", step, was, is)
		}
	}
	for id, x := range now {
		known[id] = x
	}
}

// recent returns the booked rows of the last weeks by account, day and amount. A user
// with a long history and a new user both have them.
func (w *world) recent() []string {
	w.T.Helper()
	since := oxlin.DateIn(w.Clock.Now(), oxlin.Paris).AddDays(-60)
	names := map[oxlin.AccountID]string{}
	for _, account := range w.accounts() {
		names[account.ID] = string(account.Type) + " " + account.Name
	}
	var rows []string
	for _, x := range w.transactions() {
		if x.Status == oxlin.StatusBooked && since.Before(x.BookingDate) {
			rows = append(rows, fmt.Sprintf("%s %s %s", names[x.AccountID], x.BookingDate, x.Amount))
		}
	}
	slices.Sort(rows)
	return rows
}
