package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func TestAccountsComeBackAsTheyWere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		rate, left := oxlin.Amount(1_25000), 17
		balance, nothing := oxlin.Amount(-1_234_567_890_123_45678), oxlin.Amount(0)
		account := oxlin.Account{
			UserID: w.user, ConnectionID: w.connection, Name: "Prêt", Type: oxlin.AccountLoan, Status: oxlin.AccountPendingConsent,
			Usage: oxlin.UsageProfessional, Currency: "EUR", Balance: &balance, BalanceAt: now, BalanceExpected: true, IBAN: "FR76", Number: "123",
			MaskedNumber: "XX12", OwnerName: "Marie", LastChannelDefinition: "8701", BankID: "bank", CoveredUntil: oxlin.NewDate(2026, 10, 31),
			Details:   oxlin.AccountDetails{Loan: &oxlin.LoanDetails{Rate: &rate, InstalmentsLeft: &left, EndDate: oxlin.NewDate(2030, 1, 1)}},
			Balances:  []oxlin.Balance{{Type: oxlin.BalanceBooked, Amount: balance, Currency: "EUR", Date: oxlin.NewDate(2026, 10, 30)}},
			Coverage:  oxlin.Coverage{From: oxlin.NewDate(2026, 8, 1), Gap: oxlin.GapBroken, UnreadableRows: 3, LastCompleteAt: now},
			CreatedAt: now,
		}
		write(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
			account.ID, err = tx.InsertAccount(ctx, account)
			return err
		})
		if diff := difference(account, must[oxlin.Account](t)(db.Read().Account(t.Context(), account.ID))); diff != "" {
			t.Error(diff)
		}
		account.Status, account.Balance, account.BalanceAt = oxlin.AccountActive, &nothing, now.Add(time.Hour)
		account.BalanceExpected = false
		account.Type, account.Details = oxlin.AccountSavings, oxlin.AccountDetails{}
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateAccount(ctx, account) })
		if diff := difference(account, must[oxlin.Account](t)(db.Read().Account(t.Context(), account.ID))); diff != "" {
			t.Error(diff)
		}
		account.Balance, account.BalanceAt, account.Balances, account.Coverage = nil, time.Time{}, nil, oxlin.Coverage{}
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateAccount(ctx, account) })
		list := must[[]oxlin.Account](t)(db.Read().AccountsOfConnection(t.Context(), w.connection))
		if len(list) != 2 {
			t.Fatalf("%d accounts; want 2", len(list))
		}
		if diff := difference(account, list[1]); diff != "" {
			t.Error(diff)
		}
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			account := w.record(1)
			account.AccountID = list[1].ID
			return errors.Join(tx.InsertTransactions(ctx, w.user, []store.TransactionRecord{account}, now), tx.DeleteAccount(ctx, list[1].ID))
		})
		if left := must[[]oxlin.Transaction](t)(db.Read().Transactions(t.Context(), w.user, store.TransactionFilter{}, 0, 10)); len(left) != 0 {
			t.Errorf("the deleted account's transactions are left: %v", left)
		}
	})
}

func TestForgottenAccounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(tx.ForgetAccount(ctx, w.connection, []byte{0, 1}), tx.ForgetAccount(ctx, w.connection, []byte{0, 1}))
		})
		if got := must[[][]byte](t)(db.Read().ForgottenAccounts(t.Context(), w.connection)); len(got) != 1 || string(got[0]) != "\x00\x01" {
			t.Errorf("forgotten %v; want one", got)
		}
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.ClearForgottenAccounts(ctx, w.connection) })
		if got := must[[][]byte](t)(db.Read().ForgottenAccounts(t.Context(), w.connection)); len(got) != 0 {
			t.Errorf("forgotten %v; want none", got)
		}
	})
}
