package oxlin

import (
	"errors"
	"fmt"
	"time"
)

// Code names a failure for programs. The codes are the catalogue that API,
// widget and events share; each has its HTTP status and its sentence in Catalogue.
type Code string

// The catalogue's codes.
const (
	CodeInvalidRequest       Code = "invalid_request"
	CodeInvalidToken         Code = "invalid_token"
	CodeInvalidClient        Code = "invalid_client"
	CodeInvalidScope         Code = "invalid_scope"
	CodeInsufficientScope    Code = "insufficient_scope"
	CodeTermsRequired        Code = "ACCEPT_TERMS_AND_CONDITIONS_REQUIRED"
	CodeAgreementRequired    Code = "psd2_agreement_required"
	CodeNotFound             Code = "not_found"
	CodeMethodNotAllowed     Code = "method_not_allowed"
	CodeEmailTaken           Code = "email_taken"
	CodeConflict             Code = "conflict"
	CodePayloadTooLarge      Code = "payload_too_large"
	CodeQuotaExhausted       Code = "quota_exhausted"
	CodeTooManyRequests      Code = "too_many_requests"
	CodeProviderUnavailable  Code = "provider_unavailable"
	CodeBankRefused          Code = "bank_refused"
	CodeBankError            Code = "bank_error"
	CodeUserActionRequired   Code = "user_action_required"
	CodeAuthorizationExpired Code = "authorization_expired"
	CodeSessionExpired       Code = "session_expired"
	CodeHTTPSRequired        Code = "https_required"
	CodeInternal             Code = "internal"
)

// CatalogueEntry is what is said about a code.
type CatalogueEntry struct {
	// Status is the HTTP status.
	Status int
	// Message is for the developer who reads it, where the error has no better one.
	Message string
}

// Catalogue has an entry for every code.
var Catalogue = map[Code]CatalogueEntry{
	CodeInvalidRequest:       {400, "The request is not valid."},
	CodeInvalidToken:         {401, "The access token is missing, unknown or expired."},
	CodeInvalidClient:        {401, "The client is unknown or its secret is wrong."},
	CodeInvalidScope:         {400, "A requested scope does not exist or is not open to this client."},
	CodeInsufficientScope:    {403, "The token does not carry the scope that this operation needs."},
	CodeTermsRequired:        {401, "The user has to accept the terms and conditions first."},
	CodeAgreementRequired:    {403, "Only a client with its own PSD2 agreement may do this; the widget does it for the others."},
	CodeNotFound:             {404, "There is no such resource."},
	CodeMethodNotAllowed:     {405, "The resource does not know this method."},
	CodeEmailTaken:           {409, "A user with this e-mail exists already."},
	CodeConflict:             {409, "The resource is in a state that does not allow this."},
	CodePayloadTooLarge:      {413, "The body is too large."},
	CodeQuotaExhausted:       {429, "The bank allows no further access without the user today."},
	CodeTooManyRequests:      {429, "Too many requests; slow down."},
	CodeProviderUnavailable:  {503, "The bank is not available at the moment."},
	CodeBankRefused:          {400, "The bank refused."},
	CodeBankError:            {502, "The bank gave an answer that makes no sense."},
	CodeUserActionRequired:   {409, "The user has to act first."},
	CodeAuthorizationExpired: {400, "The authorisation is unknown, used or too old; begin again."},
	CodeSessionExpired:       {401, "The widget session is unknown or has expired; make a new one."},
	CodeHTTPSRequired:        {403, "Only HTTPS is served here; nothing of this request was looked at."},
	CodeInternal:             {500, "Something went wrong on our side."},
}

// Error is a failure that may be shown: Message never holds a secret or an
// inner detail. Err is the cause, for the log alone.
type Error struct {
	Code    Code
	Message string
	// Field is the parameter or member at fault.
	Field string
	// RetryAfter, where it is not zero, says how long to wait.
	RetryAfter time.Duration
	Err        error
}

// Errorf makes an Error with a message for the developer.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Invalid says that a field of the request is wrong.
func Invalid(field, format string, args ...any) *Error {
	return &Error{Code: CodeInvalidRequest, Field: field, Message: fmt.Sprintf(format, args...)}
}

// NotFound says that a resource does not exist, or is not the caller's.
func NotFound(noun string) *Error { return Errorf(CodeNotFound, "There is no such %s.", noun) }

func (e *Error) Error() string {
	text := string(e.Code)
	if e.Field != "" {
		text += " (" + e.Field + ")"
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// AsError finds the Error in a chain. What has none is internal: its cause is
// kept for the log and its text is not shown.
func AsError(err error) *Error {
	var shown *Error
	if errors.As(err, &shown) {
		return shown
	}
	return &Error{Code: CodeInternal, Message: Catalogue[CodeInternal].Message, Err: err}
}

// IsNotFound says whether an error is about something that does not exist.
func IsNotFound(err error) bool {
	var shown *Error
	return errors.As(err, &shown) && shown.Code == CodeNotFound
}
