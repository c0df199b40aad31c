package psd2

import (
	"context"
	"strings"

	"github.com/oxlin/oxlin/internal/bank"
)

// Grant is a token request of which the caller knows more than the bank's data of OAuth:
// another address, such as a discovered one, or a form of the bank's own.
type Grant struct {
	// Op is the operation, as Answer.On names it.
	Op string
	// Address is that of the token endpoint; empty for TokenURL.
	Address string
	// Form is the whole form in the bank's order. Its values may hold the names of values,
	// such as {code}, see Values. After a question mark it is the query of the address, and
	// the request has no body. Empty writes the usual form for Type with Fields.
	Form string
	// Type is the grant_type, and Fields are the other fields of the usual form, in order.
	Type   string
	Fields [][2]string
	// Values are the values of the names in Form. {client_id}, {client_secret} and {scopes} are
	// those of the bank's data.
	Values map[string]string
	// Scopes replace those of the data.
	Scopes string
}

// OpClient is the token request with our own credentials alone (RFC 6749 §4.4).
const OpClient = "client token"

// Grant sends a token request and reads the answer (RFC 6749 §5.1).
func (a Authorizer) Grant(ctx context.Context, g Grant) (bank.Access, error) {
	oauth := a.client.config.OAuth
	scopes := First(g.Scopes, oauth.Scopes)
	fields := form{{"grant_type", g.Type}}
	if oauth.ScopeOnToken || g.Op == OpClient && scopes != "" {
		fields = append(fields, field{"scope", scopes})
	}
	for _, one := range g.Fields {
		fields = append(fields, field{one[0], one[1]})
	}
	if g.Form != "" {
		fields = nil
		names := []string{"{client_id}", oauth.ClientID, "{client_secret}", oauth.ClientSecret, "{scopes}", scopes}
		for name, value := range g.Values {
			names = append(names, "{"+name+"}", value)
		}
		values := strings.NewReplacer(names...)
		for _, pair := range strings.Split(strings.TrimPrefix(g.Form, "?"), "&") {
			name, value, _ := strings.Cut(pair, "=")
			fields = append(fields, field{name, values.Replace(value)})
		}
	}
	address := First(g.Address, oauth.TokenURL)
	if strings.HasPrefix(g.Form, "?") {
		address += "?" + fields.encode()
		fields = nil
	}
	reply, err := a.postForm(ctx, g.Op, address, fields, g.Form == "")
	if err != nil {
		return bank.Access{}, err
	}
	return a.readToken(g.Op, reply)
}
