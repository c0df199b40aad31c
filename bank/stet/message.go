package stet

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
	"github.com/oxlin/oxlin/bank/psd2"
)

// zone is the zone of the banks' days, and euro the currency of a bank that names
// none: STET is in use in the euro zone.
var zone = oxlin.Paris

const euro = "EUR"

// dialect is the envelope of the standard (banks §1.5).
var dialect = psd2.Dialect{
	Accept:     "application/hal+json; charset=utf-8",
	PSUAddress: "PSU-IP-Address",
	PSUAgent:   "PSU-User-Agent",
	RequestID:  "X-Request-ID",
	ErrorText:  errorText,
}

// errorText reads ErrorModel of STET, {errorMessage} of some gateways, and the error
// of OAuth2.
func errorText(body []byte) string {
	var e psd2.Optional[struct {
		Message      psd2.Text `json:"message"`
		ErrorMessage psd2.Text `json:"errorMessage"`
		Error        psd2.Text `json:"error"`
	}]
	_ = json.Unmarshal(body, &e) // often it is a page for people
	return string(psd2.First(e.Value.Message, e.Value.ErrorMessage, e.Value.Error))
}

// links are the hypermedia links that the connector uses. Others are ignored, so
// that "parentlist" for "parent-list" does no harm.
type links struct {
	Self            psd2.Link `json:"self"`
	Next            psd2.Link `json:"next"`
	Balances        psd2.Link `json:"balances"`
	Transactions    psd2.Link `json:"transactions"`
	Owners          psd2.Link `json:"owners"`
	EndUserIdentity psd2.Link `json:"endUserIdentity"`
}

// get reads a resource into a value.
func (c *Connector) get(ctx context.Context, call bank.Call, op, resource, query string, into any) error {
	return c.api.Send(ctx, call, psd2.Request{Op: op, Resource: resource, Query: query}, into)
}

// advance moves to the page after the one that query asked for.
func (c *Connector) advance(at *psd2.Position, resource, query string, l links, rows []json.RawMessage) (repeated bool, err error) {
	return at.Advance(query, rows, func() (next, self string, err error) {
		next, err = l.Next.QueryFor(c.api.Host(), resource)
		if err != nil {
			return "", "", err
		}
		// A self that cannot be read is ignored.
		self, err = l.Self.QueryFor(c.api.Host(), resource)
		if err != nil {
			self = ""
		}
		return next, self, nil
	})
}

// accountsResource is where a bank keeps the accounts, below its base URL.
const accountsResource = "/accounts"

// accountResource returns a resource of one account. We build it ourselves, because
// at too many banks the links in the list of accounts have other hosts and prefixes.
// The id is escaped: it may hold slashes.
func accountResource(id, name string) string {
	return accountsResource + "/" + url.PathEscape(id) + "/" + name
}
