package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/web"
)

// refusal is the error response of RFC 6749 §5.2. It is the only error of this
// package that a caller sees; all others are logged and shown as server_error.
type refusal struct {
	// Code is one of oxlin.Catalogue.
	Code        oxlin.Code `json:"error"`
	Description string     `json:"error_description"`

	status     int
	retryAfter time.Duration
}

// refusalf makes a refusal with the catalogue's status for its code. The description
// is for the developer of the client.
func refusalf(code oxlin.Code, format string, args ...any) refusal {
	return refusal{Code: code, Description: fmt.Sprintf(format, args...), status: oxlin.Catalogue[code].Status}
}

func (r refusal) Error() string { return string(r.Code) + ": " + r.Description }

// asRefusal returns what the caller may see of an error.
func asRefusal(err error) refusal {
	var refused refusal
	if errors.As(err, &refused) {
		return refused
	}
	// OAuth2 has no code for too many attempts; the status tells them apart.
	var limited *oxlin.Error
	switch {
	case !errors.As(store.Told(err), &limited):
	case limited.Code == oxlin.CodeTooManyRequests:
		return refusal{oxlin.CodeInvalidGrant, limited.Message, http.StatusTooManyRequests, limited.RetryAfter}
	case limited.Code == oxlin.CodeUnavailable:
		return refusal{oxlin.CodeUnavailable, limited.Message, http.StatusServiceUnavailable, limited.RetryAfter}
	}
	return refusalf(oxlin.CodeServerError, "%s", oxlin.Catalogue[oxlin.CodeServerError].Message)
}

// logged adds the code and the cause of a refusal to the request's log line.
func (s *Server) logged(r *http.Request, refused refusal, err error) {
	web.LineOf(r.Context()).Fail(refused.Code, err)
}

// refuse writes an error as JSON.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refused := asRefusal(err)
	s.logged(r, refused, err)
	if refused.status == http.StatusUnauthorized { // RFC 6749 §5.2
		w.Header().Set("WWW-Authenticate", `Basic realm="oxlin", charset="UTF-8"`)
	}
	web.SetRetryAfter(w.Header(), refused.retryAfter)
	writeJSON(w, refused.status, refused)
}

// writeJSON writes a response that no cache may keep (RFC 6749 §5.1).
func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // it fails when the connection is closed
}
