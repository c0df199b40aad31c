package stet

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// standardPaths are the resources of the standard below the base URL, as Config.Paths names them.
var standardPaths = map[string]string{
	opAccounts: "/accounts", opBalances: "/accounts/{id}/balances", opTransactions: "/accounts/{id}/transactions",
	opOwners: "/accounts/{id}/owners", opIdentity: "/end-user-identity", opConsents: "/consents",
}

// opOwners names the path of an account's holders; as an operation it is opIdentity.
const opOwners = "owners"

// path returns a resource that is not an account's.
func (c *Connector) path(op string) string {
	own, ok := c.config.Paths[op]
	if ok {
		return own
	}
	return standardPaths[op]
}

// accountPath returns a resource of an account. We build it ourselves, because the
// links in many banks' lists of accounts have other hosts and prefixes. The id is
// escaped: it may contain slashes.
func (c *Connector) accountPath(op, id string) string {
	return strings.ReplaceAll(c.path(op), "{id}", url.PathEscape(id))
}

// address is an account's address: its id, and where the data say so the bank's own links. Without
// links it is written as the id alone.
type address struct {
	ID           string `json:"id"`
	Balances     string `json:"balances,omitempty"`
	Transactions string `json:"transactions,omitempty"`
}

func (a address) String() string {
	if a == (address{ID: a.ID}) && !strings.HasPrefix(a.ID, "{") {
		return a.ID
	}
	text, err := json.Marshal(a)
	if err != nil {
		panic(err) // texts always marshal
	}
	return string(text)
}

// readAddress reads the address of an account.
func readAddress(text string) address {
	var read address
	if strings.HasPrefix(text, "{") && json.Unmarshal([]byte(text), &read) == nil && read.ID != "" {
		return read
	}
	return address{ID: text}
}

// addressOf returns the address of a listed account.
func (c *Connector) addressOf(r accountRecord) address {
	a := address{ID: r.id()}
	if c.config.AccountLinks != "" {
		a.Balances, a.Transactions = c.follow(r.Links.To(linkBalances)), c.follow(r.Links.To(linkTransactions))
	}
	return a
}

// follow returns the resource and the query to which an account's link leads; empty without one that
// can be followed. The host is the bank's, whatever the link has.
func (c *Connector) follow(link psd2.Link) string {
	path, query, ok := link.Path()
	if !ok || path == "" {
		return ""
	}
	escaped, ok := psd2.EscapePath("/" + strings.TrimPrefix(path, "/"))
	if !ok {
		return ""
	}
	written, err := url.Parse(link.Href)
	if err == nil && written.Path == path {
		escaped = "/" + strings.TrimPrefix(written.EscapedPath(), "/") // the bank compares it with what it wrote
	}
	if c.config.AccountLinks == "host" {
		escaped = "/" + escaped
	}
	if query != "" {
		escaped += "?" + query
	}
	return escaped
}

// split returns the path and the query of a resource.
func split(resource string) (path, query string) {
	path, query, _ = strings.Cut(resource, "?")
	return path, query
}

// ofAccount returns the resource of an account and a query that belongs to it: the bank's link, else the
// path of the data.
func (c *Connector) ofAccount(op string, a address) (path, query string) {
	link := map[string]string{opBalances: a.Balances, opTransactions: a.Transactions}[op]
	if link != "" {
		return split(link)
	}
	return split(c.accountPath(op, a.ID))
}

// joined returns two queries as one.
func joined(first, second string) string { return strings.Trim(first+"&"+second, "&") }
