package stet

import (
	"context"
	"encoding/json"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// zone is the zone of the banks' days, and euro the currency of a bank that names none
// anywhere: STET is used in the euro zone.
var zone = oxlin.Paris

const euro = "EUR"

// convention is how the banks write amounts and dates: STET is French.
var convention = notation.Interface(notation.DayFirst)

// dialect holds the headers and errors of the standard (banks §1.5).
var dialect = psd2.Dialect{
	Accept:     "application/hal+json; charset=utf-8",
	PSUAddress: "PSU-IP-Address",
	PSUAgent:   "PSU-User-Agent",
	RequestID:  "X-Request-ID",
	ErrorText:  errorText,
}

// errorText reads STET's ErrorModel, the {errorMessage} of some gateways, and OAuth2's
// error.
func errorText(body []byte) string {
	var e psd2.Optional[struct {
		Message      psd2.Text `json:"message"`
		ErrorMessage psd2.Text `json:"errorMessage"`
		Error        psd2.Text `json:"error"`
	}]
	_ = json.Unmarshal(body, &e) // the body is often HTML
	return string(psd2.First(e.Value.Message, e.Value.ErrorMessage, e.Value.Error))
}

// The links that the connector uses. Others are ignored, so a misspelt one such as
// "parentlist" is harmless.
const (
	linkBalances        = "balances"
	linkTransactions    = "transactions"
	linkOwners          = "owners"
	linkEndUserIdentity = "endUserIdentity"
)

// get reads a resource into a value.
func (c *Connector) get(ctx context.Context, call bank.Call, op, resource, query string, into any) error {
	return c.api.Send(ctx, call, psd2.Request{Op: op, Resource: resource, Query: query}, into)
}

// recordMembers are, for each list, members that only its records have.
var recordMembers = map[string][]string{
	"accounts":     {"resourceId", "accountId", "cashAccountType", "psuStatus"},
	"balances":     {"balanceAmount", "balanceType"},
	"transactions": {"transactionAmount", "creditDebitIndicator", "entryReference"},
}

// resource returns a list of the interface.
func (c *Connector) resource(op, path, member string) psd2.Resource {
	return psd2.Resource{
		Op: op, Path: path, Member: member, RecordMembers: recordMembers[member], RepeatEnds: c.config.RepeatedPageEnds,
		PlainColons: c.config.History.Unescaped,
	}
}
