package testbank

import (
	"testing"
)

// TestSynchronisation is the way of an aggregator on its first day, in both
// versions: accounts, balances, a year of transactions, owners.
func TestSynchronisation(t *testing.T) {
	for _, v := range []version{v14, v15} {
		t.Run(string(v), func(t *testing.T) {
			r := start(t, Options{})
			tok := r.connect("dev")
			s := r.attended(v, tok)
			accounts := s.accounts()
			if len(accounts) != 3 {
				t.Fatalf("%d accounts, want two current accounts and a card", len(accounts))
			}
			for _, a := range accounts {
				for _, resource := range []string{"balances", "transactions"} {
					if a.Links[resource].Href == "" {
						t.Errorf("%s has no link to its %s", a.Name, resource)
					}
				}
				if got := s.get("/accounts/" + a.ResourceID + "/balances"); got.status != 200 {
					t.Errorf("balances: %d %s", got.status, got.body)
				}
				year := s.all(a.ResourceID, "?dateFrom=2025-11-01T00:00:00%2B01:00")
				if a.CashAccountType == "CACC" && len(year) < 100 {
					t.Errorf("%s has %d transactions in a year, want at least 100", a.Name, len(year))
				}
				seen := map[string]bool{}
				for _, tx := range year {
					if tx.EntryReference == "" && tx.Status == "BOOK" || seen[tx.ResourceID] {
						t.Errorf("reference missing or twice: %v", tx)
					}
					seen[tx.ResourceID] = true
				}
			}
		})
	}
}
