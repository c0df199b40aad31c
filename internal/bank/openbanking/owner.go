package openbanking

import (
	"context"
	"encoding/json"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// partyRecord is a person as the bank names them.
type partyRecord struct {
	Type psd2.Text `json:"PartyType"`
	Name psd2.Text `json:"Name"`
	Full psd2.Text `json:"FullLegalName"`
}

// ownerPath returns the resource with the customer's name, as the bank's data say; empty
// without one. Of the accounts, the first personal one that is no card counts: banks know
// the parties of cards more rarely.
func (c *Connector) ownerPath(accounts []bank.Account) string {
	switch c.config.Owner {
	case "", none:
		return ""
	case "party":
		return c.path("party", "")
	}
	for _, account := range accounts {
		if account.HeldByCustomer && account.Type != oxlin.AccountCreditCard {
			return c.path(c.config.Owner, account.Address)
		}
	}
	return ""
}

// Owner reads the customer's name from GET /party, or from a party of an account. Where an
// account has several, the bank does not say which of them logged in: then there is no owner.
func (c *Connector) Owner(ctx context.Context, call bank.Call, page bank.AccountsPage) (oxlin.Owner, error) {
	if page.OwnerLink == "" {
		return oxlin.Owner{}, nil
	}
	request := psd2.Request{Op: opParties, Resource: page.OwnerLink}
	list, err := c.api.SendList(ctx, call, request, "Data.Party", recordMembers["Data.Party"]...)
	if isRefusal(err) {
		return oxlin.Owner{}, nil // the bank does not name its customer, or not to us
	}
	if err != nil {
		return oxlin.Owner{}, err
	}
	var names []string
	for _, raw := range list.Records {
		var party psd2.Optional[partyRecord]
		_ = json.Unmarshal(raw, &party) // never fails
		name := string(psd2.First(party.Value.Full, party.Value.Name))
		if !notation.IsFiller(name) && party.Value.Type != "Delegate" {
			names = append(names, name)
		}
	}
	if len(names) != 1 {
		return oxlin.Owner{}, nil
	}
	return oxlin.Owner{Name: names[0]}, nil
}
