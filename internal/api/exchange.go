package api

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/web"
)

// exchange is one request and what becomes known about it along the way.
type exchange struct {
	request *http.Request
	line    *web.Line
	// operation is the document's operationId; empty for a path outside the document.
	operation string
	caller    oxlin.Caller
	// cosmetics are the parameters of a widget session that only the widget judges, because
	// it ignores those of some clients, valid or not (contract §12.6).
	cosmetics url.Values
	// file is the body of an import; nil for other operations.
	file *fileBody
	// bearer is the hash of the access token.
	bearer [sha256.Size]byte
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange { return ctx.Value(exchangeKey{}).(*exchange) }

// psu is the user whose presence the client states (contract §11, "Attended or not").
func (x *exchange) psu() (*oxlin.PSU, error) {
	address := strings.TrimSpace(x.request.Header.Get("PSU-IP-Address"))
	if address == "" {
		return nil, nil
	}
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Zone() != "" {
		return nil, oxlin.Invalid("PSU-IP-Address", "The header PSU-IP-Address has to hold an IP address.")
	}
	psu := oxlin.NewPSU(ip.String(), x.request.Header.Get("PSU-User-Agent"), func(name string) string { return x.request.Header.Get("PSU-" + name) })
	return &psu, nil
}

// describe adds to the log line the operation, the client and the user: ids only, because
// paths and queries may hold secrets.
func (x *exchange) describe() {
	x.line.Add(slog.String("operation", x.operation))
	if x.caller.Client.ID != "" {
		x.line.Add(slog.String("client", string(x.caller.Client.ID)))
	}
	if x.caller.UserID != 0 {
		x.line.Add(slog.String("user", x.caller.UserID.String()))
	}
}
