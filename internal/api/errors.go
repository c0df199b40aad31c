package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/ogen-go/ogen/ogenerrors"
	"github.com/ogen-go/ogen/validate"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api/oas"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/web"
)

// NewError is the one place where a failure becomes an answer (contract §11,
// "Errors"). The cause goes to the log alone.
func (a *API) NewError(ctx context.Context, err error) *oas.ErrorStatusCodeWithHeaders {
	shown := explain(store.Told(err))
	entry, known := oxlin.Catalogue[shown.Code]
	if !known {
		entry = oxlin.Catalogue[oxlin.CodeInternal]
	}
	line := web.LineOf(ctx)
	line.Fail(shown.Code, err)
	message := shown.Message
	if message == "" {
		message = entry.Message
	}
	answer := &oas.ErrorStatusCodeWithHeaders{
		StatusCode: entry.Status,
		Response: oas.Error{
			Error: string(shown.Code), ErrorDescription: string(shown.Code), Message: message,
			Field: text(shown.Field), RequestID: line.RequestID,
		},
	}
	answer.Response.Question = question(err)
	if shown.RetryAfter > 0 {
		answer.RetryAfter.SetTo(int64(math.Ceil(shown.RetryAfter.Seconds())))
	}
	switch shown.Code {
	case oxlin.CodeInvalidToken, oxlin.CodeInsufficientScope:
		answer.WWWAuthenticate.SetTo(fmt.Sprintf(`Bearer error="%s"`, shown.Code))
	case oxlin.CodeTermsRequired:
		answer.WWWAuthenticate.SetTo("Bearer")
	}
	if errors.Is(err, ogenerrors.ErrSecurityRequirementIsNotSatisfied) {
		answer.WWWAuthenticate.SetTo("Bearer") // RFC 6750 §3.1: a request without a token gets a challenge without an error code
	}
	return answer
}

// fail writes an error answer where the generated code does not.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	answer := a.NewError(r.Context(), err)
	body, err := answer.Response.MarshalJSON()
	if err != nil {
		panic(err) // an answer of strings always marshals
	}
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	if value, ok := answer.WWWAuthenticate.Get(); ok {
		header.Set("WWW-Authenticate", value)
	}
	if seconds, ok := answer.RetryAfter.Get(); ok {
		header.Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(body) // a client that has disconnected needs no answer
}

var errNoPath = oxlin.Errorf(oxlin.CodeNotFound, "The API has no such path.")

func (a *API) notFound(w http.ResponseWriter, r *http.Request) { a.fail(w, r, errNoPath) }

// methodNotAllowed also answers OPTIONS, which asks for the allowed methods.
func (a *API) methodNotAllowed(w http.ResponseWriter, r *http.Request, allowed string) {
	methods := strings.ReplaceAll(strings.Replace(allowed, "GET", "GET,HEAD", 1), ",", ", ")
	w.Header().Set("Allow", methods)
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	a.fail(w, r, oxlin.Errorf(oxlin.CodeMethodNotAllowed, "This path takes %s.", methods))
}

// explain returns the public part of an error: the domain's own error, or the generated
// code's reason why it cannot read a request.
func explain(err error) *oxlin.Error {
	var shown *oxlin.Error
	if errors.As(err, &shown) {
		return shown
	}
	if errors.Is(err, ogenerrors.ErrSecurityRequirementIsNotSatisfied) {
		return oxlin.Errorf(oxlin.CodeInvalidToken, "The header Authorization has to hold a Bearer token.")
	}
	var parameter *ogenerrors.DecodeParamError
	if errors.As(err, &parameter) {
		return oxlin.Invalid(parameter.Name, "The %s parameter %s %s.", parameter.In, parameter.Name, fault(parameter.Err))
	}
	var request *ogenerrors.DecodeRequestError
	if errors.As(err, &request) {
		field := member(request.Err)
		if field == "" {
			return oxlin.Errorf(oxlin.CodeInvalidRequest, "The body %s.", fault(request.Err))
		}
		return oxlin.Invalid(field, "The member %s of the body %s.", field, fault(request.Err))
	}
	return oxlin.AsError(err)
}

// fieldWords matches the positions in errors of the generated decoders.
var fieldWords = regexp.MustCompile(`decode field "([^"]+)"`)

// member returns the path of the member that an error is about.
func member(err error) string {
	var path strings.Builder
	add := func(name string) {
		if path.Len() > 0 && !strings.HasPrefix(name, "[") {
			path.WriteByte('.')
		}
		path.WriteString(name)
	}
	words, _, _ := strings.Cut(err.Error(), "invalid:")
	for _, match := range fieldWords.FindAllStringSubmatch(words, -1) {
		add(match[1])
	}
	var invalid *validate.Error
	for errors.As(err, &invalid) && len(invalid.Fields) > 0 {
		add(invalid.Fields[0].Name)
		err = invalid.Fields[0].Error
	}
	return path.String()
}

// fault describes the error of a parameter or a member.
func fault(err error) string {
	innermost := reason(err)
	if innermost == validate.ErrFieldRequired.Error() {
		return "is required"
	}
	if strings.Contains(innermost, "unexpected byte") || strings.Contains(innermost, strconv.ErrSyntax.Error()) {
		return "has the wrong type"
	}
	return "is not valid: " + innermost
}

// reason returns the innermost message of an error, without the path.
func reason(err error) string {
	for {
		var invalid *validate.Error
		if errors.As(err, &invalid) && len(invalid.Fields) > 0 {
			err = invalid.Fields[0].Error
			continue
		}
		inner := errors.Unwrap(err)
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			inner = joined.Unwrap()[0]
		}
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
