package stet

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
)

// Config describes one bank: everything in which banks that speak STET differ.
// It is data of the catalogue; the zero value of an optional field is what the
// standard says.
type Config struct {
	// Version of the standard, "1.4" or "1.5". 1.5 stands for all that share its
	// shape: 1.4.2 to 1.6.
	Version string `json:"version"`
	// BaseURL holds the bank's own path prefix: https://host/stet/psd2/v1.4.2.
	BaseURL string `json:"base_url"`
	// Accept is application/hal+json in UTF-8 unless the bank wants another.
	Accept string `json:"accept,omitempty"`
	// TimeoutSeconds bounds one call; 30 by default.
	TimeoutSeconds int `json:"timeout_seconds,omitempty"`

	OAuth   OAuth    `json:"oauth"`
	Signing *Signing `json:"signing,omitempty"`
	// DateZone is the zone of the Date header for a bank that wants another than
	// GMT: "Europe/Paris" writes CET and CEST.
	DateZone string `json:"date_zone,omitempty"`

	// ConsentModel is "full", where the user chooses accounts at the bank or
	// nowhere, or "mixed", where we forward the choice with PUT /consents.
	ConsentModel string `json:"consent_model"`
	// ConsentDays is how long the bank's consent lives, at most 180.
	ConsentDays int `json:"consent_days"`
	// UnattendedPerDay is usually 4 (RTS Art. 36(5)(b)).
	UnattendedPerDay int `json:"unattended_per_day"`
	// RequestsPerMinute bounds the calls of all our users together; 0 for no limit.
	RequestsPerMinute int `json:"requests_per_minute,omitempty"`

	History History `json:"history"`

	// IDField is the member that holds a transaction's id: "entryReference",
	// "resourceId" or "none". IDs tells what it is worth.
	IDField string       `json:"id_field"`
	IDs     bank.IDClass `json:"ids"`
	// OtherStatus is what this bank means by the status OTHR on accounts, and
	// OtherCardStatus on cards; OTHER by default.
	OtherStatus     oxlin.TransactionStatus `json:"other_status,omitempty"`
	OtherCardStatus oxlin.TransactionStatus `json:"other_card_status,omitempty"`
	// BalancePriority orders the balance types, the one that the bank's customers
	// know first.
	BalancePriority []string `json:"balance_priority,omitempty"`

	// Answers are the bank's own ways to say something; the first that fits wins
	// over what its status means by itself.
	Answers []Answer `json:"answers,omitempty"`
}

// OAuth is the bank's authorization server (RFC 6749).
type OAuth struct {
	AuthorizeURL string `json:"authorize_url"`
	TokenURL     string `json:"token_url"`
	// RevokeURL is empty where the bank has none (RFC 7009).
	RevokeURL string `json:"revoke_url,omitempty"`
	ClientID  string `json:"client_id"`
	// ClientSecret comes from the operator's settings, never from a committed file.
	ClientSecret string `json:"client_secret,omitempty"`
	// ClientAuthentication at the token endpoint: "none" (mTLS identifies us),
	// "basic" or "form".
	ClientAuthentication string `json:"client_authentication"`
	// Scopes are asked for at the login, and at the token endpoint where the bank
	// wants them there, too.
	Scopes       string `json:"scopes"`
	ScopeOnToken bool   `json:"scope_on_token,omitempty"`
	PKCE         bool   `json:"pkce,omitempty"`
}

// Signing describes the signature of our messages (banks §1.6, Cavage draft).
type Signing struct {
	// Algorithm is rsa-sha256, the only one that banks take.
	Algorithm string `json:"algorithm"`
	// Headers are signed in this order; one that a request does not have, such
	// as psu-ip-address without a user, is left out. content-type is then sent
	// with every request.
	Headers []string `json:"headers"`
	// KeyID may hold {client_id} and {fingerprint}, the SHA-256 of our
	// certificate in hexadecimal digits.
	KeyID string `json:"key_id"`
	// DigestOnGet sends the digest of the empty body.
	DigestOnGet bool `json:"digest_on_get,omitempty"`
	// Spaced puts a space behind the commas of the Signature header.
	Spaced bool `json:"spaced,omitempty"`
}

// History describes how far back a bank goes, and how it wants to be asked.
type History struct {
	// Days are how far back from today the first access reaches; RefreshedDays, if
	// given, later ones.
	Days          int `json:"days"`
	RefreshedDays int `json:"refreshed_days,omitempty"`
	// WindowDays is the longest stretch that one call may ask for; longer ones
	// are read window by window. 0 for no limit.
	WindowDays int `json:"window_days,omitempty"`
	// DateFormat is "instant" (2006-01-02T15:04:05Z), "millis" (the same with
	// milliseconds), "local" (without zone) or "date".
	DateFormat string `json:"date_format"`
	// DateTo is always sent, where the bank wants it even for "until now".
	DateTo bool `json:"date_to,omitempty"`
}

// Answer gives a meaning to an answer that a bank puts in its own way.
type Answer struct {
	// On is one of the operations below; empty for every one.
	On     string `json:"on,omitempty"`
	Status int    `json:"status"`
	// Contains is looked for in the compacted body; empty fits every body.
	Contains string `json:"contains,omitempty"`
	// Means is a bank.FailureKind; or "empty": there is nothing, and no failure; or
	// "short history": the bank now gives only History.RefreshedDays.
	Means string `json:"means"`
}

// The operations, as Answer.On names them.
const (
	opAccounts     = "accounts"
	opBalances     = "balances"
	opTransactions = "transactions"
	opIdentity     = "identity"
	opConsents     = "consents"
	opExchange     = "exchange"
	opRefresh      = "refresh"
	opRevoke       = "revoke"
)

// The meanings that are not failures of the bank.
const (
	meansEmpty        = "empty"
	meansShortHistory = "short history"
)

// smallestWindow leaves room for the days by which windows overlap.
const smallestWindow = 30

// dateLayouts are the forms in which banks want dateFrom and dateTo.
var dateLayouts = map[string]string{
	"date":    time.DateOnly,
	"instant": "2006-01-02T15:04:05Z",
	"millis":  "2006-01-02T15:04:05.000Z",
	"local":   "2006-01-02T15:04:05",
}

// Validate says everything that is wrong with the data.
func (c Config) Validate() error {
	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	isURL := func(text string) bool {
		u, err := url.Parse(text)
		return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
	}
	check(slices.Contains([]string{"1.4", "1.5"}, c.Version), "version %q: want 1.4 or 1.5", c.Version)
	check(isURL(c.BaseURL), "base_url %q is no address", c.BaseURL)
	check(isURL(c.OAuth.AuthorizeURL), "authorize_url %q is no address", c.OAuth.AuthorizeURL)
	check(isURL(c.OAuth.TokenURL), "token_url %q is no address", c.OAuth.TokenURL)
	check(c.OAuth.RevokeURL == "" || isURL(c.OAuth.RevokeURL), "revoke_url %q is no address", c.OAuth.RevokeURL)
	check(c.OAuth.ClientID != "", "client_id is missing")
	check(slices.Contains(strings.Fields(c.OAuth.Scopes), "aisp"), "scopes %q lack aisp", c.OAuth.Scopes)
	check(slices.Contains([]string{"none", "basic", "form"}, c.OAuth.ClientAuthentication),
		"client_authentication %q: want none, basic or form", c.OAuth.ClientAuthentication)
	check(c.OAuth.ClientAuthentication == "none" || c.OAuth.ClientSecret != "", "client_secret is missing")
	if c.Signing != nil {
		check(c.Signing.Algorithm == rsaSHA256, "signing algorithm %q: want %s", c.Signing.Algorithm, rsaSHA256)
		check(len(c.Signing.Headers) > 0, "no header is signed")
		check(c.Signing.KeyID != "", "key_id is missing")
	}
	_, err := time.LoadLocation(c.DateZone)
	check(err == nil, "date_zone %q is no zone", c.DateZone)
	check(slices.Contains([]string{"full", "mixed"}, c.ConsentModel), "consent_model %q: want full or mixed", c.ConsentModel)
	check(c.ConsentDays > 0 && c.ConsentDays <= 180, "consent_days %d: want 1 to 180", c.ConsentDays)
	check(c.UnattendedPerDay > 0, "unattended_per_day %d: want at least 1", c.UnattendedPerDay)
	check(c.RequestsPerMinute >= 0, "requests_per_minute is negative")
	check(c.TimeoutSeconds >= 0, "timeout_seconds is negative")
	check(c.History.Days > 0 && c.History.RefreshedDays >= 0, "history: want days above 0")
	check(c.History.WindowDays == 0 || c.History.WindowDays >= smallestWindow,
		"window_days %d: want 0 or at least %d", c.History.WindowDays, smallestWindow)
	check(dateLayouts[c.History.DateFormat] != "", "date_format %q: want instant, millis, local or date", c.History.DateFormat)
	check(slices.Contains([]string{"entryReference", "resourceId", "none"}, c.IDField),
		"id_field %q: want entryReference, resourceId or none", c.IDField)
	check(slices.Contains([]bank.IDClass{bank.IDStable, bank.IDPerConsent, bank.IDPositional, bank.IDConstant, bank.IDNone}, c.IDs),
		"ids %q is no class of ids", c.IDs)
	for _, status := range []oxlin.TransactionStatus{c.OtherStatus, c.OtherCardStatus} {
		check(slices.Contains([]oxlin.TransactionStatus{"", oxlin.StatusBooked, oxlin.StatusPending, oxlin.StatusOther}, status),
			"status %q: want BOOKED, PENDING or OTHER", status)
	}
	for _, answer := range c.Answers {
		check(answer.Status >= 300 && answer.Status < 600, "answer status %d is no failure", answer.Status)
		check(slices.Contains([]string{
			"", opAccounts, opBalances, opTransactions, opIdentity, opConsents, opExchange, opRefresh, opRevoke,
		}, answer.On), "answer on %q: no such operation", answer.On)
		check(answer.Means == meansEmpty || answer.Means == meansShortHistory ||
			slices.Contains(failureKinds, bank.FailureKind(answer.Means)),
			"answer means %q: no such failure", answer.Means)
	}
	return errors.Join(problems...)
}

// failureKinds are those that a STET bank can cause.
var failureKinds = []bank.FailureKind{
	bank.AccessLost, bank.Locked, bank.ActionAtBank, bank.RateLimited,
	bank.Unavailable, bank.Nonsense, bank.Refused,
}
