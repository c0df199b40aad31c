package stet

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// ForwardConsent sends a bank of the mixed consent model the accounts that the user
// allowed. They replace those sent before (banks §1.1). For other banks it does
// nothing.
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

// identifiers returns the accounts as the bank identifies them: by IBAN, or for a card,
// which has no IBAN, by its identifier in the bank's list.
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

// identifier returns the accountId of the record unchanged.
func (r accountRecord) identifier() json.RawMessage {
	var parts struct {
		Identifier json.RawMessage `json:"accountId"`
	}
	_ = json.Unmarshal(r.raw, &parts) // it was decoded before
	return parts.Identifier
}
