package stet

import (
	"context"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
)

// identity is a person as the bank names them.
type identity struct {
	FullName  text `json:"fullName"`
	FirstName text `json:"firstName"`
	LastName  text `json:"lastName"`
}

func (i identity) name() string {
	if i.FullName != "" {
		return string(i.FullName)
	}
	return strings.TrimSpace(string(i.FirstName) + " " + string(i.LastName))
}

// Owner reads the customer's name: from /end-user-identity or an account's
// /owners, whichever the list of accounts offers (banks §1.1), else from the
// connectedPsu of that list.
func (c *Connector) Owner(ctx context.Context, call bank.Call, page bank.AccountsPage) (oxlin.Owner, error) {
	listed := oxlin.Owner{Name: page.Customer}
	if page.OwnerLink == "" {
		return listed, nil
	}
	var body struct {
		Identity   optional[identity]   `json:"identity"`
		Identities optional[[]identity] `json:"identities"`
	}
	err := c.get(ctx, call, opIdentity, page.OwnerLink, "", &body)
	if err != nil {
		return oxlin.Owner{}, err
	}
	for _, person := range append([]identity{body.Identity.Value}, body.Identities.Value...) {
		if person.name() != "" {
			return oxlin.Owner{Name: person.name()}, nil
		}
	}
	return listed, nil
}
