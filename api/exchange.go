package api

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
)

// exchange is one request and what becomes known about it along the way.
type exchange struct {
	request *http.Request
	// id finds the request in the log.
	id string
	// operation is the document's operationId; empty for what is not in it.
	operation string
	caller    oxlin.Caller
	// code and err say why the request failed; err is for the log alone.
	code oxlin.Code
	err  error
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange { return ctx.Value(exchangeKey{}).(*exchange) }

var saneID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// requestID takes the client's id for the request if it can do no harm in a log.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-ID")
	if saneID.MatchString(id) {
		return id
	}
	return rand.Text()
}

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
	return &oxlin.PSU{IP: ip.String(), UserAgent: x.request.Header.Get("PSU-User-Agent")}, nil
}

// recorder remembers the status for the log.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(body []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(body)
}

// log writes the one line. Ids only: paths and queries may hold what nobody should read.
func (a *API) log(x *exchange, status int, took time.Duration) {
	level := slog.LevelInfo
	attributes := []slog.Attr{
		slog.String("request", x.id), slog.String("method", x.request.Method),
		slog.String("operation", x.operation), slog.Int("status", status), slog.Duration("took", took),
	}
	if x.caller.Client.ID != "" {
		attributes = append(attributes, slog.String("client", string(x.caller.Client.ID)))
	}
	if x.caller.UserID != 0 {
		attributes = append(attributes, slog.String("user", x.caller.UserID.String()))
	}
	if x.code != "" {
		attributes = append(attributes, slog.String("code", string(x.code)))
	}
	if x.err != nil && status >= http.StatusInternalServerError {
		level = slog.LevelError
		attributes = append(attributes, slog.String("error", x.err.Error()))
	}
	if x.request.Context().Err() != nil {
		level = slog.LevelInfo // the client has gone: what failed after that is no fault
	}
	a.Log.LogAttrs(context.WithoutCancel(x.request.Context()), level, "api", attributes...)
}
