package api_test

import (
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// connection stores a connection at the test bank, whose REDIRECT channel has
// been synchronised.
func (w *world) connection(t *testing.T, user oxlin.UserID, adjust ...func(*oxlin.Connection)) oxlin.Connection {
	t.Helper()
	c := oxlin.Connection{
		UserID: user, ProviderID: "87", Name: "Linxo Test Bank", AutoSync: true, Owner: oxlin.Owner{Name: "JO DOE"},
		CreatedAt: time.Unix(1639500100, 0),
		Channels: []oxlin.Channel{{
			DefinitionID: "8701", Mode: oxlin.ModeRedirect, Status: oxlin.ChannelSuccess, ConsentUntil: time.Unix(1647276100, 0),
			LastSuccessAt: time.Unix(1639500110, 0), LastEndAt: time.Unix(1639500110, 0),
		}},
	}
	for _, f := range adjust {
		f(&c)
	}
	w.Write(func(tx *store.Tx) error {
		id, err := tx.InsertConnection(t.Context(), c)
		if err != nil {
			return err
		}
		for _, channel := range c.Channels {
			channel.ConnectionID = id
			_, err := tx.InsertChannel(t.Context(), channel)
			if err != nil {
				return err
			}
		}
		c, err = tx.Read().Connection(t.Context(), id)
		return err
	})
	return c
}

// account stores a current account of a connection.
func (w *world) account(t *testing.T, c oxlin.Connection, adjust ...func(*oxlin.Account)) oxlin.AccountID {
	t.Helper()
	a := oxlin.Account{
		UserID: c.UserID, ConnectionID: c.ID, Name: "COMPTE COURANT", Type: oxlin.AccountCheckings, Status: oxlin.AccountActive,
		Usage: oxlin.UsagePersonal, Currency: "EUR", Balance: amountPointer(t, "1234.5"), BalanceAt: time.Unix(1639500110, 0),
		IBAN: "FR7630004000031234567890143", Number: "00012345678", OwnerName: "JO DOE", LastChannelDefinition: "8701",
		CreatedAt: time.Unix(1639500105, 0),
	}
	for _, f := range adjust {
		f(&a)
	}
	var id oxlin.AccountID
	w.Write(func(tx *store.Tx) error {
		var err error
		id, err = tx.InsertAccount(t.Context(), a)
		return err
	})
	return id
}

// transactions stores transactions of an account in one import, at a moment.
func (w *world) transactions(t *testing.T, user oxlin.UserID, at time.Time, list ...oxlin.Transaction) {
	t.Helper()
	var records []store.TransactionRecord
	for _, transaction := range list {
		records = append(records, store.TransactionRecord{Transaction: transaction, Raw: []byte{}})
	}
	w.Write(func(tx *store.Tx) error { return tx.InsertTransactions(t.Context(), user, records, at) })
}

func amount(t testing.TB, s string) oxlin.Amount {
	t.Helper()
	a, err := oxlin.ParseAmount(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func amountPointer(t testing.TB, s string) *oxlin.Amount {
	a := amount(t, s)
	return &a
}
