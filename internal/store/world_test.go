package store_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// now has whole microseconds, which both databases store exactly.
var now = time.Date(2026, 11, 3, 10, 11, 12, 345_678_000, time.UTC)

// world is one user with one connection, channel and account. It is no platformtest.World,
// although an external test package could use one without a circle: the tests of the store
// write any rows that the tables take, in orders that no use case has, and need no vault,
// queue or bank. With one, a fault of any room above would fail them too.
type world struct {
	client     oxlin.ClientID
	user       oxlin.UserID
	connection oxlin.ConnectionID
	channel    oxlin.ChannelID
	account    oxlin.AccountID
}

// write runs f in a transaction that must commit.
func write(t *testing.T, db *store.DB, f func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *store.Tx) error { return f(t.Context(), tx) })
	if err != nil {
		t.Fatal(err)
	}
}

// must fails the test if a read fails.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// newWorld stores a world; each call stores another user.
func newWorld(t *testing.T, db *store.DB) world {
	t.Helper()
	w := world{client: "client"}
	write(t, db, func(ctx context.Context, tx *store.Tx) error {
		err := tx.SaveClient(ctx, oxlin.Client{ID: w.client, Name: "Client", CreatedAt: now})
		if err != nil {
			return err
		}
		// Try numbers until an e-mail is free.
		for n := 0; ; n++ {
			email := "user" + strconv.Itoa(n) + "@example.org"
			_, err := tx.Read().UserByEmail(ctx, w.client, email)
			if !oxlin.IsNotFound(err) {
				if err != nil {
					return err
				}
				continue
			}
			w.user, err = tx.InsertUser(ctx, oxlin.User{ClientID: w.client, Email: email, CreatedAt: now})
			if err != nil {
				return err
			}
			break
		}
		w.connection, err = tx.InsertConnection(ctx, oxlin.Connection{UserID: w.user, ProviderID: "87", Name: "Bank", CreatedAt: now})
		if err != nil {
			return err
		}
		w.channel, err = tx.InsertChannel(ctx, oxlin.Channel{
			ConnectionID: w.connection, DefinitionID: "8701", Mode: oxlin.ModeRedirect, Status: oxlin.ChannelNever,
		})
		if err != nil {
			return err
		}
		w.account, err = tx.InsertAccount(ctx, w.newAccount(oxlin.AccountCheckings))
		return err
	})
	return w
}

func (w world) newAccount(kind oxlin.AccountType) oxlin.Account {
	return oxlin.Account{
		CurrencyWord: oxlin.CurrencyOfBalance,
		UserID:       w.user, ConnectionID: w.connection, Name: "Account", Type: kind, Status: oxlin.AccountActive,
		Usage: oxlin.UsagePersonal, Currency: "EUR", CreatedAt: now,
	}
}

// record is a transaction that differs from the others by its amount.
func (w world) record(n int) store.TransactionRecord {
	return store.TransactionRecord{
		Transaction: oxlin.Transaction{
			AccountID: w.account, Amount: oxlin.Amount(n), Currency: "EUR", Type: oxlin.TypeDebit,
			Status: oxlin.StatusBooked, Origin: oxlin.OriginTransaction, Category: oxlin.Uncategorized,
			Date: oxlin.NewDate(2026, 10, 1), Label: "Transaction " + strconv.Itoa(n),
		},
		Raw: []byte("sealed"),
	}
}

func (w world) records(n int) []store.TransactionRecord {
	list := []store.TransactionRecord{}
	for i := range n {
		list = append(list, w.record(i+1))
	}
	return list
}

func (w world) synchronisation() oxlin.Synchronisation {
	return oxlin.Synchronisation{ChannelID: w.channel, Kind: oxlin.SyncAll, State: oxlin.SyncRunning, StartedAt: now}
}

func (w world) event() oxlin.Event {
	return oxlin.Event{UserID: w.user, Type: oxlin.EventConnectionCreated, At: now, Connection: oxlin.Connection{ID: w.connection}}
}

// difference returns "" if a value was read as it was stored.
func difference(want, got any) string {
	return cmp.Diff(want, got, cmpopts.EquateComparable(oxlin.Date{}))
}
