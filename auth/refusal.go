package auth

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/ory/fosite"

	"github.com/oxlin/oxlin"
)

// refusal is the error of RFC 6749 §5.2. Its code is one of oxlin.Catalogue.
type refusal struct {
	Code        oxlin.Code `json:"error"`
	Description string     `json:"error_description"`

	status     int
	retryAfter time.Duration
}

// asRefusal says what may be shown of an error. fosite's errors are made to be
// shown, with their hint; of all others the cause is for the log alone.
func asRefusal(err error) refusal {
	var shown *oxlin.Error
	if errors.As(err, &shown) && shown.Code == oxlin.CodeTooManyRequests {
		return refusal{oxlin.CodeInvalidGrant, shown.Message, http.StatusTooManyRequests, shown.RetryAfter}
	}
	var known *fosite.RFC6749Error
	if !errors.As(err, &known) || known.CodeField >= http.StatusInternalServerError {
		return refusal{oxlin.CodeServerError, oxlin.Catalogue[oxlin.CodeServerError].Message, http.StatusInternalServerError, 0}
	}
	description := known.HintField
	if description == "" {
		description = known.DescriptionField
	}
	return refusal{oxlin.Code(known.ErrorField), description, known.CodeField, 0}
}

// logged keeps the cause of what is our own fault.
func (s *Server) logged(r *http.Request, refused refusal, err error) {
	if refused.status >= http.StatusInternalServerError {
		s.log.ErrorContext(r.Context(), "authorization server", "path", r.URL.Path, "error", cause(err))
	}
}

// cause is what lies behind fosite's errors, whose own texts hide it.
func cause(err error) error {
	for {
		var known *fosite.RFC6749Error
		if !errors.As(err, &known) || known.Unwrap() == nil {
			return err
		}
		err = known.Unwrap()
	}
}

// refuse writes an error as JSON.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refused := asRefusal(err)
	s.logged(r, refused, err)
	if refused.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="oxlin", charset="UTF-8"`)
	}
	setRetryAfter(w, refused)
	writeJSON(w, refused.status, refused)
}

func setRetryAfter(w http.ResponseWriter, refused refusal) {
	if refused.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(refused.retryAfter.Seconds()))))
	}
}

// writeJSON writes an answer that nobody may keep.
func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache") // RFC 6749 §5.1
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the connection is gone when it fails
}
