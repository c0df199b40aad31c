package oxlin

import (
	"errors"
	"fmt"
	"time"
)

// Code names a failure for programs. The codes are the catalogue that API,
// authorization server, widget and events share; each has its HTTP status and its
// sentence in Catalogue.
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

// The codes of OAuth2 and OpenID Connect, which the authorization server alone says
// (RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core §3.1.2.6).
const (
	CodeInvalidGrant             Code = "invalid_grant"
	CodeUnauthorizedClient       Code = "unauthorized_client"
	CodeUnsupportedGrantType     Code = "unsupported_grant_type"
	CodeUnsupportedResponseType  Code = "unsupported_response_type"
	CodeUnsupportedResponseMode  Code = "unsupported_response_mode"
	CodeRequestNotSupported      Code = "request_not_supported"
	CodeRequestURINotSupported   Code = "request_uri_not_supported"
	CodeRegistrationNotSupported Code = "registration_not_supported"
	CodeLoginRequired            Code = "login_required"
	CodeAccessDenied             Code = "access_denied"
	CodeServerError              Code = "server_error"
)

// CatalogueEntry is what is said about a code.
type CatalogueEntry struct {
	// Status is the HTTP status.
	Status int
	// Message is for the developer who reads it, where the error has no better one.
	Message string
	// Remedy says what the developer can do about it, in Markdown; links lead to the
	// portal. What the end user reads is in the language files of the widget's pages.
	Remedy string
}

// Catalogue has an entry for every code.
var Catalogue = map[Code]CatalogueEntry{
	CodeInvalidRequest: {
		400, "The request is not valid.",
		"Correct the request: `field` names the parameter or the member of the body, `message` says what is wrong with it; the authorization server says both in `error_description`. Sending it again unchanged does not help.",
	},
	CodeInvalidToken: {
		401, "The access token is missing, unknown or expired.",
		"Get a new access token: with the refresh token, or by the user's e-mail and password. Tokens live for an hour.",
	},
	CodeInvalidClient: {
		401, "The client is unknown or its secret is wrong.",
		"Check `client_id` and `client_secret`. After a rotation the former secret stays valid until the next one.",
	},
	CodeInvalidScope: {
		400, "A requested scope does not exist or is not open to this client.",
		"Ask only for [scopes that exist](/quickstart#scopes); `users_create` is for tokens of the client, `openid` for those of users. A refresh may ask for fewer than were granted, never for more.",
	},
	CodeInsufficientScope: {
		403, "The token does not carry the scope that this operation needs.",
		"Get a token with the scope that `message` names. The reference says for every operation which scopes let it pass.",
	},
	CodeTermsRequired: {
		401, "The user has to accept the terms and conditions first.",
		"Send the user to the widget: [terms](/reference#terms), or any flow that adds a connection. Clients with their own PSD2 agreement never get this.",
	},
	CodeAgreementRequired: {
		403, "Only a client with its own PSD2 agreement may do this; the widget does it for the others.",
		"Use the widget for this, or `authorize_url` with `widget_params`.",
	},
	CodeNotFound: {
		404, "There is no such resource.",
		"Check the id, and whose it is: what belongs to another user does not exist for this token. It may have been deleted.",
	},
	CodeMethodNotAllowed: {
		405, "The resource does not know this method.",
		"Use a method that the header `Allow` lists.",
	},
	CodeEmailTaken: {
		409, "A user with this e-mail exists already.",
		"Take the user that exists, with the password that you gave them then; or another e-mail. Deleting a user frees theirs.",
	},
	CodeConflict: {
		409, "The resource is in a state that does not allow this.",
		"Read the resource again and decide anew. For an answer to a challenge: nothing waits for it any more.",
	},
	CodePayloadTooLarge: {
		413, "The body is too large.",
		"Send less: a body has at most one MiB.",
	},
	CodeQuotaExhausted: {
		429, "The bank allows no further access without the user today.",
		"Wait for `Retry-After` seconds, or synchronise while the user is present and send their `PSU-IP-Address`. The daily synchronisation goes on by itself.",
	},
	CodeTooManyRequests: {
		429, "Too many requests; slow down.",
		"Wait for `Retry-After` seconds, then go on more slowly.",
	},
	CodeProviderUnavailable: {
		503, "The bank is not available at the moment.",
		"Try again after `Retry-After` seconds, or later. Synchronisations that were under way try again by themselves.",
	},
	CodeBankRefused: {
		400, "The bank refused.",
		"Begin again with a new `authorize_url`. The user may have said no, or have come back too late.",
	},
	CodeBankError: {
		502, "The bank gave an answer that makes no sense.",
		"Try again later. If it stays, tell us the `request_id`: the bank's interface may have changed.",
	},
	CodeUserActionRequired: {
		409, "The user has to act first.",
		"Bring the user: what they have to do is the [status of the channel](/docs/statuses#channel).",
	},
	CodeAuthorizationExpired: {
		400, "The authorisation is unknown, used or too old; begin again.",
		"Begin again with a new `authorize_url`: the way to the bank can be walked once, within an hour.",
	},
	CodeSessionExpired: {
		401, "The widget session is unknown or has expired; make a new one.",
		"Make a new [widget session](/reference#createWidgetSession). With a `refresh_token` it lives for up to a day.",
	},
	CodeHTTPSRequired: {
		403, "Only HTTPS is served here; nothing of this request was looked at.",
		"Use `https://`. What was sent in clear was seen by others on the way: change the secrets that were in it.",
	},
	CodeInternal: {
		500, "Something went wrong on our side.",
		"Try again once. If it stays, tell us the `request_id`: our log has the cause under it.",
	},
	CodeInvalidGrant: {
		400, "The user is unknown or the password wrong; or the code or refresh token is unknown, used, expired or another client's, or does not go with the redirect_uri or code_verifier.",
		"Sign the user in again; if they were deleted, create them again. **With the status 429** too many passwords were tried for this user: wait for `Retry-After` seconds.",
	},
	CodeUnauthorizedClient: {
		400, "The client may not use this grant, or the token to be revoked is another client's.",
		"A client without a secret signs its users in [with a code](/docs/tokens#a-code-from-the-sign-in-page); passwords and tokens of its own are for clients with a secret.",
	},
	CodeUnsupportedGrantType: {
		400, "There is no such grant.",
		"Use `client_credentials`, `password`, `authorization_code` or `refresh_token`.",
	},
	CodeUnsupportedResponseType: {
		400, "The sign-in page gives codes only.",
		"Send `response_type=code`.",
	},
	CodeUnsupportedResponseMode: {
		400, "The sign-in page sends its answer in the query only.",
		"Leave `response_mode` out, or send `query`.",
	},
	CodeRequestNotSupported: {
		400, "The sign-in page takes no request objects.",
		"Send what is in `request` as parameters of their own.",
	},
	CodeRequestURINotSupported: {
		400, "The sign-in page fetches no request objects.",
		"Send what is behind `request_uri` as parameters.",
	},
	CodeRegistrationNotSupported: {
		400, "Clients do not register themselves.",
		"Leave `registration` out; the operator makes clients.",
	},
	CodeLoginRequired: {
		400, "Nobody stays signed in, so nobody can be signed in without a page.",
		"Leave `prompt=none` out. To go on without the user, use their refresh token.",
	},
	CodeAccessDenied: {
		403, "The user has cancelled, or the form of the sign-in page came from another site.",
		"Let the user decide; ask again when they want to go on.",
	},
	CodeServerError: {
		500, "Something went wrong on our side.",
		"Try again once. If it stays, tell us when it was.",
	},
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
