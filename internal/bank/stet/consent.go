package stet

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// ForwardConsent sends a bank of the mixed consent model the accounts that the user
// allowed. They replace those sent before (banks §1.1). For other banks it does
// nothing.
func (c *Connector) ForwardConsent(ctx context.Context, call bank.Call, accounts []bank.Account) error {
	if c.config.ConsentModel != "mixed" {
		return nil
	}
	identifiers, err := identifiersOf(accounts, c.config.ConsentAccounts == "account_id")
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
	for name, value := range c.config.ConsentBody {
		body[name] = value
		if value == nil {
			delete(body, name)
		}
	}
	return c.api.Send(ctx, call, psd2.Request{Op: opConsents, Method: http.MethodPut, Resource: c.path(opConsents), Body: body}, nil)
}

// identifiersOf returns the accounts as the bank identifies them: by IBAN, or for a card,
// which has no IBAN, by the accountId of its record, unchanged. With own, the bank wants that
// of each account.
func identifiersOf(accounts []bank.Account, own bool) ([]json.RawMessage, error) {
	identifiers := []json.RawMessage{}
	for _, account := range accounts {
		if account.IBAN != "" && !own {
			text, err := json.Marshal(map[string]string{"iban": account.IBAN})
			if err != nil {
				return nil, psd2.Nonsense(err)
			}
			identifiers = append(identifiers, text)
			continue
		}
		record := accountRecord{raw: account.Raw}
		err := json.Unmarshal(account.Raw, &record)
		if err == nil && record.Identifier.Value != (accountIdentifier{}) {
			identifiers = append(identifiers, record.identifier())
		} else if own {
			return nil, psd2.Nonsense(errors.New("an account has no accountId to consent to"))
		}
	}
	return identifiers, nil
}

// identifier returns the accountId of the record unchanged.
func (r accountRecord) identifier() json.RawMessage {
	var parts struct {
		Identifier json.RawMessage `json:"accountId"`
	}
	_ = json.Unmarshal(r.raw, &parts) // it was decoded before
	return parts.Identifier
}
