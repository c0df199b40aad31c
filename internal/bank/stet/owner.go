package stet

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// identity is a person as the bank names them.
type identity struct {
	FullName  psd2.Name `json:"fullName"`
	FirstName psd2.Name `json:"firstName"`
	LastName  psd2.Name `json:"lastName"`
}

func (i identity) name() string {
	if i.FullName != "" {
		return string(i.FullName)
	}
	return strings.TrimSpace(string(i.FirstName) + " " + string(i.LastName))
}

// Owner reads the customer's name: from /end-user-identity or an account's
// /owners, whichever the list of accounts offers (banks §1.1), else from the
// connectedPsu of the answer or of that list.
func (c *Connector) Owner(ctx context.Context, call bank.Call, page bank.AccountsPage) (oxlin.Owner, error) {
	listed := oxlin.Owner{Name: page.Customer}
	if page.OwnerLink == "" {
		return listed, nil
	}
	var body struct {
		Identity   json.RawMessage `json:"identity"`
		Identities json.RawMessage `json:"identities"`
		Connected  psd2.Name       `json:"connectedPsu"`
	}
	err := c.get(ctx, call, opIdentity, page.OwnerLink, "", &body)
	var failure *bank.Failure
	if errors.As(err, &failure) && (failure.Status == http.StatusForbidden || failure.Status == http.StatusNotFound) {
		// The bank does not offer the customer's name, or not to us.
		return listed, nil
	}
	if err != nil {
		return oxlin.Owner{}, err
	}
	for _, member := range []json.RawMessage{body.Identity, body.Identities} {
		people, _ := psd2.ReadRecords(member, "fullName", "firstName", "lastName")
		for _, raw := range people {
			var person psd2.Optional[identity]
			err := json.Unmarshal(raw, &person)
			if err == nil && person.Value.name() != "" {
				return oxlin.Owner{Name: person.Value.name()}, nil
			}
		}
	}
	if body.Connected != "" {
		return oxlin.Owner{Name: string(body.Connected)}, nil
	}
	return listed, nil
}
