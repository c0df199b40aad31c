package stet

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/oxlin/oxlin/bank"
	"github.com/oxlin/oxlin/bank/psd2"
)

// ForwardConsent tells a bank of the mixed consent model which accounts the user
// allowed; it replaces whatever was said before (banks §1.1). At other banks there
// is nothing to say.
func (c *Connector) ForwardConsent(ctx context.Context, call bank.Call, accounts []bank.AccountRef) error {
	if c.config.ConsentModel != "mixed" {
		return nil
	}
	identifiers, err := c.identifiers(ctx, call, accounts)
	if err != nil {
		return err
	}
	body := map[string]any{
		"balances":             identifiers,
		"transactions":         identifiers,
		"trustedBeneficiaries": false,
		"psuIdentity":          true,
	}
	if c.config.Version != "1.4" {
		body["owners"] = identifiers
	}
	return c.api.Send(ctx, call, psd2.Request{Op: opConsents, Method: http.MethodPut, Resource: "/consents", Body: body}, nil)
}

// identifiers are the accounts as the bank identifies them. An IBAN is enough; a
// card has none, and is looked up in the bank's list.
func (c *Connector) identifiers(ctx context.Context, call bank.Call, accounts []bank.AccountRef) ([]json.RawMessage, error) {
	identifiers := []json.RawMessage{}
	wanted := map[string]bool{}
	for _, account := range accounts {
		if account.IBAN == "" {
			wanted[account.BankID] = true
			continue
		}
		text, err := json.Marshal(map[string]string{"iban": account.IBAN})
		if err != nil {
			return nil, psd2.Nonsense(err)
		}
		identifiers = append(identifiers, text)
	}
	if len(wanted) == 0 {
		return identifiers, nil
	}
	err := c.walkAccounts(ctx, call, func(record accountRecord) (done bool) {
		if wanted[record.id()] && record.Identifier.Value != (accountIdentifier{}) {
			identifiers = append(identifiers, record.identifier())
		}
		delete(wanted, record.id())
		return len(wanted) == 0
	})
	return identifiers, err
}

// identifier is the accountId of the record, letter by letter.
func (r accountRecord) identifier() json.RawMessage {
	var parts struct {
		Identifier json.RawMessage `json:"accountId"`
	}
	_ = json.Unmarshal(r.raw, &parts) // it was read before
	return parts.Identifier
}
