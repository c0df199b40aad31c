package synchro_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/stet"
)

// readdressing is a bank that gives its accounts other addresses in each list: those of the list
// before, each to another account. Its ids do not last.
type readdressing struct {
	*stet.Connector
	at *addresses
}

// addresses are the knowledge of a readdressing bank about its accounts.
type addresses struct {
	t *testing.T
	// lists counts the lists. at is where the accounts of the last one are.
	lists int
	at    map[string]string
	// sign replaces what the list tells of the n-th account.
	sign func(n int, a *bank.Account)
	// closed are the accounts that the bank lists without an address.
	closed map[string]bool
}

func (r readdressing) Accounts(ctx context.Context, call bank.Call, cursor string) (bank.AccountsPage, error) {
	page, err := r.Connector.Accounts(ctx, call, cursor)
	if err != nil {
		return page, err
	}
	r.at.lists++
	r.at.at = map[string]string{}
	var all []string
	for _, a := range page.Accounts {
		all = append(all, a.Address)
	}
	for n := range page.Accounts {
		a := &page.Accounts[n]
		theirs := a.Address
		a.Address, a.BankID = all[(n+r.at.lists)%len(all)], ""
		r.at.at[a.Address] = theirs
		if r.at.closed[theirs] {
			a.Address = ""
		}
		r.at.sign(n, a)
	}
	return page, nil
}

func (r readdressing) Balances(ctx context.Context, call bank.Call, account bank.AccountRef, cursor string) (bank.Balances, error) {
	return r.Connector.Balances(ctx, call, r.real(account), cursor)
}

func (r readdressing) Transactions(ctx context.Context, call bank.Call, account bank.AccountRef, from oxlin.Date, cursor string) (bank.TransactionsPage, error) {
	return r.Connector.Transactions(ctx, call, r.real(account), from, cursor)
}

func (r readdressing) TransactionsUntil(ctx context.Context, call bank.Call, account bank.AccountRef, from, until oxlin.Date, cursor string) (bank.TransactionsPage, error) {
	return r.Connector.TransactionsUntil(ctx, call, r.real(account), from, until, cursor)
}

func (r readdressing) real(account bank.AccountRef) bank.AccountRef {
	theirs, known := r.at.at[account.Address]
	if !known {
		r.at.t.Errorf("the bank is asked for %q, which its last list does not have", account.Address)
	}
	account.Address = theirs
	return account
}

// ibans are valid, and belong to nobody.
var ibans = []string{"FR7630006000011234567890189", "DE89370400440532013000", "GB29NWBK60161331926819"}

// signs are ways in which banks tell accounts apart for ever.
var signs = map[string]func(n int, a *bank.Account){
	"IBAN":   func(n int, a *bank.Account) { a.Number, a.IBAN = "", ibans[n] },
	"number": func(int, *bank.Account) {},
	"one IBAN, several currencies": func(n int, a *bank.Account) {
		a.Number, a.IBAN, a.Currency = "", ibans[0], []string{"EUR", "USD", "GBP"}[n]
	},
	"card number": func(n int, a *bank.Account) {
		a.Number, a.MaskedNumber, a.Type = "", fmt.Sprintf("4970********%04d", n), oxlin.AccountCreditCard
	},
	"hash": func(n int, a *bank.Account) {
		a.Number, a.Identities = "", []oxlin.AccountIdentity{{Kind: oxlin.IdentityHash, Value: fmt.Sprint("hash", n)}}
	},
	"one of several hashes": func(n int, a *bank.Account) {
		a.Number, a.Identities = "", []oxlin.AccountIdentity{
			{Kind: oxlin.IdentityHash, Value: fmt.Sprint("hash", n)}, {Kind: oxlin.IdentityHash, Value: fmt.Sprint("another of ", n)},
		}
	},
	"name": func(_ int, a *bank.Account) { a.Number = "" },
}

// TestAddressesNeverRecogniseAnAccount gives each account the address of another one at each
// list, under one name where the bank has better signs. No account is doubled, none goes on with
// the rows of another, and each is asked for under its newest address.
func TestAddressesNeverRecogniseAnAccount(t *testing.T) {
	t.Parallel()
	for kind, sign := range signs {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := newScripted(t, "1", "2", "3")
			at := &addresses{t: t, sign: func(n int, a *bank.Account) {
				sign(n, a)
				if kind != "name" {
					a.Name = "COMPTE"
				}
			}}
			b.bankIs(func(c *stet.Connector) bank.Connector { return readdressing{c, at} })
			for _, account := range b.accounts {
				b.rows[account] = []map[string]any{scriptedRow(b.day(-2).String(), account+" first")}
			}
			id := b.begin()
			first := b.rowsByAccount()
			if len(first) != 3 {
				t.Fatalf("there are %d accounts, want 3: %v", len(first), first)
			}
			for n := range 4 {
				for _, account := range b.accounts {
					b.rows[account] = append(b.rows[account], scriptedRow(b.day(-1).String(), fmt.Sprint(account, " ", n)))
				}
				b.synchronize(id)
				b.work()
				now := b.rowsByAccount()
				for id, before := range first {
					if now[id] != before+strings.Repeat(before[:1], n+1) {
						t.Errorf("after %d more lists account %d has the rows %q, at first %q", n+1, id, now[id], before)
					}
				}
				if len(now) != len(first) {
					t.Fatalf("after %d more lists there are %d accounts", n+1, len(now))
				}
			}
			if at.lists < 5 {
				t.Errorf("the bank has given %d lists: nothing is tested", at.lists)
			}
		})
	}
}

// rowsByAccount returns the bank's accounts whose rows each of ours has, one letter a row.
func (b *scripted) rowsByAccount() map[oxlin.AccountID]string {
	b.t.Helper()
	found := map[oxlin.AccountID]string{}
	for _, account := range b.world.accounts() {
		if account.Status != oxlin.AccountActive || !account.Coverage.Complete {
			b.t.Errorf("account %d is %s with %+v", account.ID, account.Status, account.Coverage)
		}
		found[account.ID] = ""
	}
	for _, row := range b.transactions() {
		found[row.AccountID] += strings.Join(row.Remittance, "")[:1]
	}
	return found
}

// TestAnAccountWithoutAnAddress covers an account that the bank lists and lets nobody read, such
// as a closed one of an aggregator: it is known, told as not covered, and read again once the
// list has an address of it. A run that reads nothing else does not fail.
func TestAnAccountWithoutAnAddress(t *testing.T) {
	t.Parallel()
	for name, closed := range map[string][]string{"one": {"2"}, "all": {"1", "2", "3"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newScripted(t, "1", "2", "3")
			at := &addresses{t: t, sign: signs["number"], closed: map[string]bool{}}
			b.bankIs(func(c *stet.Connector) bank.Connector { return readdressing{c, at} })
			for _, account := range b.accounts {
				b.rows[account] = []map[string]any{scriptedRow(b.day(-2).String(), account)}
			}
			for _, account := range closed {
				at.closed[account] = true
			}
			id := b.begin()
			for range 3 {
				accounts := b.world.accounts()
				if len(accounts) != 3 {
					t.Fatalf("there are %d accounts, want 3", len(accounts))
				}
				for _, account := range accounts {
					covered, theirs := account.Coverage, strings.TrimLeft(account.Number, "0")
					unread := slices.Contains(closed, theirs)
					if covered.Complete == unread || (covered.Gap == oxlin.GapRefused) != unread || (account.Status == oxlin.AccountError) != unread ||
						account.Status == oxlin.AccountNotFound {
						t.Errorf("account %s is %s with %+v", theirs, account.Status, covered)
					}
				}
				if channel := b.channel(id); channel.Status != oxlin.ChannelSuccess {
					t.Errorf("the channel is %s", channel.Status)
				}
				log := b.EventLog(b.caller.UserID)
				var told []oxlin.AccountID
				for _, lacking := range log[len(log)-1].Payload.Incomplete {
					told = append(told, lacking.ID)
				}
				if len(told) != len(closed) {
					t.Errorf("the event tells of %d incomplete accounts, want %d", len(told), len(closed))
				}
				b.synchronize(id)
				b.work()
			}
			clear(at.closed)
			b.synchronize(id)
			b.work()
			for account, rows := range b.rowsByAccount() {
				if len(rows) != 1 {
					t.Errorf("account %d has the rows %q", account, rows)
				}
			}
		})
	}
}
