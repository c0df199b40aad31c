package oxlin

import (
	"errors"
	"fmt"
	"time"
)

// Code identifies a failure for programs. The API, the authorization server, the
// widget and events share the codes. Catalogue has the HTTP status and the default
// message of each.
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
	CodePositionExpired      Code = "position_expired"
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
	CodeHostRefused          Code = "host_refused"
	CodeUnavailable          Code = "unavailable"
	CodeInternal             Code = "internal"
)

// The codes of OAuth2 and OpenID Connect, which only the authorization server uses
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

// CatalogueEntry describes a code.
type CatalogueEntry struct {
	// Status is the HTTP status.
	Status int
	// Message is the default message for developers, used if an error has no more
	// specific one.
	Message string
	// Remedy tells developers what to do, in Markdown with links to the portal. Texts
	// for end users are in the widget's language files.
	Remedy string
}

// Catalogue has an entry for every code.
var Catalogue = map[Code]CatalogueEntry{
	CodeInvalidRequest: {
		400, "The request is not valid.",
		"Correct the request: `field` names the parameter or the member of the body, and `message` describes the error; the authorization server puts both into `error_description`. Sending the same request again does not help.",
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
		"Request only [existing scopes](/quickstart#scopes); `users_create` is for tokens of the client, `openid` for tokens of users. A refresh may request fewer scopes than were granted, but not more.",
	},
	CodeInsufficientScope: {
		403, "The token does not include the scope that this operation needs.",
		"Get a token with the scope that `message` names. The reference lists the accepted scopes of every operation.",
	},
	CodeTermsRequired: {
		401, "The user has to accept the terms and conditions first.",
		"Send the user to the widget: [terms](/reference#terms), or any flow that adds a connection. Clients with their own PSD2 agreement never get this error.",
	},
	CodeAgreementRequired: {
		403, "This operation requires a PSD2 agreement of the client's own; other clients use the widget.",
		"Use the widget for this, or `authorize_url` with `widget_params`.",
	},
	CodeNotFound: {
		404, "There is no such resource.",
		"Check the id and its owner: resources of other users do not exist for this token. The resource may have been deleted.",
	},
	CodeMethodNotAllowed: {
		405, "The resource does not support this method.",
		"Use a method that the header `Allow` lists.",
	},
	CodeEmailTaken: {
		409, "A user with this e-mail exists already.",
		"Use the existing user with the password that you chose for them, or another e-mail. Deleting a user makes their e-mail available again.",
	},
	CodeConflict: {
		409, "The resource is in a state that does not allow this.",
		"Read the resource again before the next attempt. For an answer to a challenge: the challenge is no longer open.",
	},
	CodePositionExpired: {
		410, "The events after this position are no longer kept.",
		"Read connections, accounts and transactions again, and subscribe to a new queue; or continue with `after` and the number that `message` names. Events are kept for 90 days unless the operator sets another time.",
	},
	CodePayloadTooLarge: {
		413, "The body is too large.",
		"Send a smaller body: the limit is one MiB, and 16 MiB for a file that is imported.",
	},
	CodeQuotaExhausted: {
		429, "The bank allows no further access without the user today.",
		"Wait for `Retry-After` seconds, or synchronise while the user is present and send their `PSU-IP-Address`. The daily synchronisation continues automatically.",
	},
	CodeTooManyRequests: {
		429, "Too many requests were sent.",
		"Wait for `Retry-After` seconds, then send requests more slowly.",
	},
	CodeProviderUnavailable: {
		503, "The bank is not available at the moment.",
		"Try again after `Retry-After` seconds, or later. Running synchronisations are retried automatically.",
	},
	CodeBankRefused: {
		400, "The bank refused the request.",
		"Begin again with a new `authorize_url`. The user may have refused, or returned after the bank's time limit.",
	},
	CodeBankError: {
		502, "The bank sent an invalid response.",
		"Try again later. If the error persists, send us the `request_id`: the bank's interface may have changed.",
	},
	CodeUserActionRequired: {
		409, "The user has to act first.",
		"Ask the user to act: the [status of the channel](/docs/statuses#channel) describes what is needed.",
	},
	CodeAuthorizationExpired: {
		400, "The authorisation is unknown, used or expired.",
		"Begin again with a new `authorize_url`: each can be used once, within an hour.",
	},
	CodeSessionExpired: {
		401, "The widget session is unknown or has expired.",
		"Create a new [widget session](/reference#createWidgetSession). With a `refresh_token` it is valid for up to a day.",
	},
	CodeHTTPSRequired: {
		403, "HTTPS is required. The request was rejected without being read.",
		"Use `https://`. Others may have read the unencrypted request: replace all secrets that it contained.",
	},
	CodeHostRefused: {
		421, "The platform does not answer under this host name. Its operator allows a name by --public-url or --allowed-host.",
		"Use the public address of the platform. Other names are refused because the page of another site could be behind them.",
	},
	CodeUnavailable: {
		503, "The platform cannot serve this at the moment.",
		"Send the same request again after `Retry-After` seconds. What it has begun continues meanwhile and is not done twice.",
	},
	CodeInternal: {
		500, "An internal error occurred.",
		"Try again once. If the error persists, send us the `request_id`: our log has the cause.",
	},
	CodeInvalidGrant: {
		400, "The user is unknown or the password is wrong; or the code or refresh token is unknown, used, expired, issued to another client, or does not match the redirect_uri or code_verifier.",
		"Sign the user in again; if they were deleted, create them again. **With the status 429** too many passwords were tried for this user: wait for `Retry-After` seconds.",
	},
	CodeUnauthorizedClient: {
		400, "The client may not use this grant, or the token to be revoked was issued to another client.",
		"A client without a secret signs its users in [with a code](/docs/tokens#a-code-from-the-sign-in-page); passwords and tokens of its own are for clients with a secret.",
	},
	CodeUnsupportedGrantType: {
		400, "The grant type is not supported.",
		"Use `client_credentials`, `password`, `authorization_code` or `refresh_token`.",
	},
	CodeUnsupportedResponseType: {
		400, "The sign-in page supports only codes.",
		"Send `response_type=code`.",
	},
	CodeUnsupportedResponseMode: {
		400, "The sign-in page supports only responses in the query.",
		"Omit `response_mode`, or send `query`.",
	},
	CodeRequestNotSupported: {
		400, "The sign-in page does not support request objects.",
		"Send the content of `request` as separate parameters.",
	},
	CodeRequestURINotSupported: {
		400, "The sign-in page does not fetch request objects.",
		"Send the content of `request_uri` as separate parameters.",
	},
	CodeRegistrationNotSupported: {
		400, "Dynamic registration is not supported.",
		"Omit `registration`; the operator registers clients.",
	},
	CodeLoginRequired: {
		400, "Users do not stay signed in, so the sign-in page is always needed.",
		"Omit `prompt=none`. To continue without the user, use their refresh token.",
	},
	CodeAccessDenied: {
		403, "The user has cancelled, or the form of the sign-in page came from another site.",
		"Respect the user's decision; start again when they want to continue.",
	},
	CodeServerError: {
		500, "An internal error occurred.",
		"Try again once. If the error persists, send us the time of the request.",
	},
}

// Error is a failure whose Message may be shown: it contains no secret and no
// internal detail. Err is the cause, which only the log shows.
type Error struct {
	Code    Code
	Message string
	// Field is the parameter or member at fault.
	Field string
	// RetryAfter is how long to wait before the next attempt; zero if unknown.
	RetryAfter time.Duration
	Err        error
}

// DefaultError returns an Error with the default message of its code.
func DefaultError(code Code) *Error {
	return &Error{Code: code, Message: Catalogue[code].Message}
}

// Errorf returns an Error with a message for developers.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Invalid returns a CodeInvalidRequest for one field of the request.
func Invalid(field, format string, args ...any) *Error {
	return &Error{Code: CodeInvalidRequest, Field: field, Message: fmt.Sprintf(format, args...)}
}

// NotFound returns a CodeNotFound, also used for resources of other users.
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

// AsError returns the Error in a chain. Any other error becomes CodeInternal: it is
// kept as the cause for the log, and its text is not shown.
func AsError(err error) *Error {
	var shown *Error
	if errors.As(err, &shown) {
		return shown
	}
	internal := DefaultError(CodeInternal)
	internal.Err = err
	return internal
}

// IsNotFound reports whether an error is a CodeNotFound.
func IsNotFound(err error) bool {
	var shown *Error
	return errors.As(err, &shown) && shown.Code == CodeNotFound
}
