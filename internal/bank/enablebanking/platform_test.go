package enablebanking_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/enablebanking"
	"github.com/oxlin/oxlin/internal/bank/enablebanking/enabletest"
	usecases "github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// catalogueOf is a catalogue with one bank: provider 1, definition 11.
type catalogueOf struct{ connector *enablebanking.Connector }

func (c *catalogueOf) Providers() []oxlin.Provider {
	return []oxlin.Provider{{ID: "1", Name: "Village Bank", CountryCode: "FRA", ChannelDefinitions: []oxlin.ChannelDefinition{
		{ID: "11", Mode: oxlin.ModeRedirect, AccountTypes: []oxlin.AccountType{oxlin.AccountCheckings, oxlin.AccountSavings, oxlin.AccountCreditCard}},
	}}}
}

func (c *catalogueOf) Provider(id oxlin.ProviderID) (oxlin.Provider, bool) {
	return c.Providers()[0], id == "1"
}

func (c *catalogueOf) Connector(oxlin.ProviderID, oxlin.ChannelDefinitionID) (bank.Connector, error) {
	return c.connector, nil
}

// home is a platform with the aggregator, and a user.
type home struct {
	*platformtest.World
	server *enabletest.Server
	caller oxlin.Caller
}

func newHome(t *testing.T, db *store.DB) *home {
	banks := &catalogueOf{}
	h := &home{World: platformtest.New(t, db, platformtest.Options{Catalogue: banks, Now: autumn, PublicURL: "https://oxlin.example"})}
	h.server = newServer(t, h.Clock.Now)
	h.server.Late = time.Hour
	// A second currency of the current account, and an account without any number.
	dollars := maps.Clone(h.server.Accounts[0].Members)
	dollars["currency"], dollars["details"] = "USD", "Dollars"
	spent := row("n-0", "2026-11-03", "2.00", "PIE")
	spent["transaction_amount"] = map[string]any{"currency": "USD", "amount": "2.00"}
	h.server.Accounts = append(h.server.Accounts,
		enabletest.Account{Members: dollars, Pages: [][]map[string]any{{spent}}},
		enabletest.Account{
			Members: map[string]any{
				"name": "ANN EXAMPLE", "details": "Wallet", "cash_account_type": "CACC", "currency": "EUR",
				"identification_hash": "hash-9", "identification_hashes": []string{"hash-9"},
			},
			Pages: [][]map[string]any{{row("w-1", "2026-11-04", "4.00", "GAME")}},
		})
	banks.connector = newConnector(t, configOf(h.server), over(t, h.server), h.Clock.Now)
	h.caller = h.LicensedCaller()
	h.caller.PSU = &present
	return h
}

// visit takes the user to the bank and back; connection is the one to renew, or zero.
func (h *home) visit(connection oxlin.ConnectionID) oxlin.ConnectionID {
	h.T.Helper()
	address, err := h.Service.Authorizations.Begin(h.T.Context(), h.caller, usecases.AuthorizeRequest{
		ProviderID: "1", DefinitionID: "11", ReturnURI: "https://client.example/return", ConnectionID: connection,
	})
	if err != nil {
		h.T.Fatal(err)
	}
	back, err := url.Parse(h.server.Approve(address))
	if err != nil {
		h.T.Fatal(err)
	}
	result, err := h.Service.Authorizations.Finish(h.T.Context(), usecases.Callback{
		State: back.Query().Get("state"), PSU: h.caller.PSU, Query: back.Query(),
	})
	if err != nil || result.ConnectionID == 0 {
		h.T.Fatalf("the way ends with %+v, %v", result, err)
	}
	h.Settle()
	return result.ConnectionID
}

// ids returns the ids of the user's accounts and rows.
func (h *home) ids() (accounts map[oxlin.AccountID]bool, rows map[oxlin.TransactionID]bool) {
	accounts, rows = map[oxlin.AccountID]bool{}, map[oxlin.TransactionID]bool{}
	for _, account := range h.Accounts(h.caller.UserID) {
		accounts[account.ID] = true
	}
	for _, row := range h.Transactions(h.caller.UserID) {
		rows[row.ID] = true
	}
	return accounts, rows
}

// wantSame fails if accounts or rows are others than before.
func (h *home) wantSame(accounts map[oxlin.AccountID]bool, rows map[oxlin.TransactionID]bool) {
	h.T.Helper()
	nowAccounts, nowRows := h.ids()
	if len(nowAccounts) != len(accounts) || len(nowRows) != len(rows) {
		h.T.Errorf("%d accounts and %d rows, want %d and %d", len(nowAccounts), len(nowRows), len(accounts), len(rows))
	}
	for id := range accounts {
		if !nowAccounts[id] {
			h.T.Errorf("account %d is gone", id)
		}
	}
	for id := range rows {
		if !nowRows[id] {
			h.T.Errorf("row %d is gone", id)
		}
	}
}

// reads returns how often the rows were asked for with and without the user.
func reads(requests []*http.Request) (attended, alone int) {
	for _, request := range requests {
		if !strings.HasSuffix(request.URL.Path, "/transactions") {
			continue
		}
		if request.Header.Get("Psu-Ip-Address") == "" {
			alone++
		} else {
			attended++
		}
	}
	return attended, alone
}

// The whole platform connects a bank behind the aggregator, reads it twice, has the access
// renewed with other ids of the accounts, and ends the session.
func TestThePlatformReadsABankBehindTheAggregator(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHome(t, db)
		id := h.visit(0)
		accounts, rows := h.ids()
		if len(accounts) != 5 || len(rows) != 43 {
			t.Fatalf("%d accounts and %d rows, want 5 and 43", len(accounts), len(rows))
		}
		for _, account := range h.Accounts(h.caller.UserID) {
			switch account.Name {
			case "My account":
				if account.Balance == nil || account.Balance.String() != "-10" || account.IBAN != "FR7630006000011234567890189" {
					t.Errorf("the current account is %+v", account)
				}
			case "Old account":
				if account.Balance != nil || account.Status != oxlin.AccountError {
					t.Errorf("the account without access is %+v", account)
				}
			}
		}
		attended, alone := reads(h.server.Requests())
		if attended != 6 || alone != 0 {
			t.Errorf("%d pages were read with the user, and %d without", attended, alone)
		}
		until := h.Connection(h.caller, id).Channels[0].ConsentUntil
		if want := h.server.Sessions()[0].Until; !until.Equal(want) {
			t.Errorf("the consent ends at %s, the session at %s", until, want)
		}

		h.Clock.Advance(26 * time.Hour)
		h.Synchronize(h.caller, id)
		h.wantSame(accounts, rows)

		first := h.server.Sessions()[0]
		h.Clock.Advance(24 * time.Hour)
		renewed := h.visit(id)
		second := h.server.Sessions()[1]
		if renewed != id || first.UIDs[0] == second.UIDs[0] {
			t.Fatalf("the renewal is connection %d, with the ids %v after %v", renewed, second.UIDs, first.UIDs)
		}
		h.Revoke()
		if first.Status != "CLOSED" || second.Status == "CLOSED" {
			t.Errorf("after the renewal the sessions are %s and %s", first.Status, second.Status)
		}
		h.wantSame(accounts, rows)

		h.server.Accounts[0].Pages[0] = append([]map[string]any{row("n-new", "2026-12-01", "7.00", "CHEESE")}, h.server.Accounts[0].Pages[0]...)
		h.Clock.Advance(24 * time.Hour)
		h.Synchronize(h.caller, id)
		if _, now := h.ids(); len(now) != len(rows)+1 {
			t.Errorf("%d rows, want %d", len(now), len(rows)+1)
		}

		err := h.Service.Connections.Delete(t.Context(), h.caller, id)
		if err != nil {
			t.Fatal(err)
		}
		h.Settle()
		h.Revoke()
		if second.Status != "CLOSED" {
			t.Errorf("the session is %s", second.Status)
		}
	})
}

func TestASessionThatIsOverWaitsForTheUser(t *testing.T) {
	for _, status := range []string{"EXPIRED", "REVOKED", "CLOSED"} {
		t.Run(status, func(t *testing.T) {
			db, _ := storetest.SQLite(t)
			h := newHome(t, db)
			id := h.visit(0)
			h.server.Sessions()[0].Status = status
			h.Clock.Advance(26 * time.Hour)
			h.Synchronize(h.caller, id)
			if channel := h.Connection(h.caller, id).Channels[0]; channel.Status != oxlin.ChannelTokenExpired {
				t.Errorf("the channel is %s", channel.Status)
			}
			h.visit(id)
			if channel := h.Connection(h.caller, id).Channels[0]; channel.Status != oxlin.ChannelSuccess {
				t.Errorf("after the renewal the channel is %s", channel.Status)
			}
		})
	}
}
