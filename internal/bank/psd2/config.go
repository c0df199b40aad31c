package psd2

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/datafile"
)

// Interface describes the part of a bank's PSD2 interface that is independent of the
// standard. It is data of the catalogue, embedded in the data of a standard.
type Interface struct {
	// BaseURL includes the bank's path prefix: https://host/stet/psd2/v1.4.2.
	BaseURL string `json:"base_url"`
	// Accept overrides the standard's media type of answers, and ContentType that of the
	// bodies that we send as JSON.
	Accept      string `json:"accept,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	// Headers are sent with every request, to the interface and to the authorization server.
	// A value may hold {client_id}, and {uuid}, which is new for each request.
	Headers map[string]string `json:"headers,omitempty"`
	// HeadersOn are further headers of single operations of the standard, in addition or in the
	// place of Headers; an empty value leaves one out.
	HeadersOn map[string]map[string]string `json:"headers_on,omitempty"`
	// PSUHeaders lists the headers about a present user that the bank wants beside the
	// address and the name of the browser, such as PSU-IP-Port. One that is not known is left out.
	PSUHeaders []string `json:"psu_headers,omitempty"`
	// TimeoutSeconds limits one request; 30 by default, 120 at most.
	TimeoutSeconds int `json:"timeout_seconds,omitempty"`

	OAuth   OAuth    `json:"oauth"`
	Signing *Signing `json:"signing,omitempty"`
	// DateZone is the zone of the Date header if the bank wants another than GMT:
	// "Europe/Paris" writes CET and CEST.
	DateZone string `json:"date_zone,omitempty"`

	// ConsentDays is how long the bank's consent is valid, at most 180.
	ConsentDays int `json:"consent_days"`
	// UnattendedPerDay is usually 4 (RTS Art. 36(5)(b)).
	UnattendedPerDay int `json:"unattended_per_day"`
	// RequestsPerMinute limits the calls for all our users together; 0 means no limit.
	RequestsPerMinute int `json:"requests_per_minute,omitempty"`
	// IDs classifies the bank's transaction ids.
	IDs bank.IDClass `json:"ids"`
	// AccountIDs is LASTING if an account keeps its id beyond a consent, and is recognised by
	// it, or PER_CONSENT if a new consent may give the id to another account. The standards have
	// their own defaults.
	AccountIDs bank.IDClass `json:"account_ids,omitempty"`

	// Answers classify special answers of this bank. The first that matches overrides
	// the default meaning of the status.
	Answers []Answer `json:"answers,omitempty"`
	// Codes are the meanings of the bank's error codes, beside those that the standard
	// defines, as in Answer.Means. Answers have precedence over them, and they over the
	// status.
	Codes map[string]string `json:"codes,omitempty"`
}

// OAuth is the bank's authorization server (RFC 6749).
type OAuth struct {
	AuthorizeURL string `json:"authorize_url"`
	TokenURL     string `json:"token_url"`
	// RevokeURL is empty if the bank has no revocation endpoint (RFC 7009).
	RevokeURL string `json:"revoke_url,omitempty"`
	ClientID  string `json:"client_id"`
	// ClientSecret comes from the operator's settings, never from a committed file.
	ClientSecret string `json:"client_secret,omitempty"`
	// ClientAuthentication at the token endpoint: "tls_client_auth" or "none" (mTLS
	// identifies us), "client_secret_basic" or "basic", "client_secret_post" or "form",
	// "private_key_jwt", or "client_secret_jwt".
	ClientAuthentication string `json:"client_authentication"`
	// UnescapedSecret is set for a bank that takes id and secret of basic authentication as
	// they are, without the escaping of RFC 6749 §2.3.1.
	UnescapedSecret bool `json:"unescaped_secret,omitempty"`
	// Assertion describes the JWT of the last two.
	Assertion *Assertion `json:"assertion,omitempty"`
	// Headers are sent to the token endpoint beside those of the interface, or in the place
	// of them; an empty value leaves one out.
	Headers map[string]string `json:"headers,omitempty"`
	// Accept and ContentType override the media types at the token endpoint, which are
	// application/json and application/x-www-form-urlencoded;charset=UTF-8.
	Accept      string `json:"accept,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	// Scopes are requested at the login, and at the token endpoint if ScopeOnToken; TokenScope
	// replaces them there.
	Scopes       string `json:"scopes"`
	ScopeOnToken bool   `json:"scope_on_token,omitempty"`
	TokenScope   string `json:"token_scope,omitempty"`
	// FormClientID is how the client id is in the form of the token endpoint:
	// "always", "never", or by default unless it is in the header of basic authentication.
	FormClientID string `json:"form_client_id,omitempty"`
	// Body is "json" for a bank that wants the fields as an object, not as a form.
	Body string `json:"body,omitempty"`
	// Fields are further ones of that form, and FieldOrder are fields that come first, for
	// banks that check the order.
	Fields map[string]string `json:"fields,omitempty"`
	// Names are the bank's names of fields, by those of the standard; a field with an empty one is not
	// sent.
	Names      map[string]string `json:"names,omitempty"`
	FieldOrder []string          `json:"field_order,omitempty"`
	PKCE       bool              `json:"pkce,omitempty"`
	// Parameters are further ones of the address of the login, or in the place of the standard's; an
	// empty value removes one. A value may hold {uuid}, which is new for each login.
	Parameters map[string]string `json:"parameters,omitempty"`
	// Errors are the meanings of the bank's own words for a login that failed, which are the error or
	// the error_description of the return: "challenge cancelled" if the user did not want it,
	// "challenge timed out", or a kind of failure as in Interface.Codes.
	Errors map[string]bank.FailureKind `json:"errors,omitempty"`
	// On holds the differences of one kind of request, by its operation, such as
	// OpRefresh.
	On map[string]TokenRequest `json:"on,omitempty"`
}

// TokenRequest holds the differences of one kind of request to the authorization server.
type TokenRequest struct {
	// URL replaces the address of the token endpoint.
	URL string `json:"url,omitempty"`
	// Fields are fields of the form by the standard's names, and Headers are headers. They come
	// in addition or in the place of those of their name; an empty value leaves one out.
	Fields  map[string]string `json:"fields,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

// Signing describes the signature of our messages (Cavage's draft).
type Signing struct {
	// Algorithm is rsa-sha256 or rsa-sha512; or rsa-pss-sha256 or rsa-pss-sha512 (RSASSA-PSS), which
	// most banks call by Name.
	Algorithm string `json:"algorithm"`
	// Name replaces the algorithm's name in the Signature header: "hs2019".
	Name string `json:"name,omitempty"`
	// Headers are signed in this order. A header that a request lacks, such as
	// psu-ip-address without a user, is left out; one that no request can have is a fault
	// of the data. If content-type is listed, every request sends it. (created) and
	// (expires) are the time of the signature and its end.
	Headers []string `json:"headers"`
	// HeadersOn are those of a single operation, of the standard or of OAuth2, in the place of Headers; an
	// empty list leaves its requests unsigned.
	HeadersOn map[string][]string `json:"headers_on,omitempty"`
	// Times is how the two are written: "plain", created=1, or "bracketed", (created)=1 behind
	// the names of the headers.
	Times string `json:"times,omitempty"`
	// LifeSeconds is how long a signature with (expires) is valid; 300 by default.
	LifeSeconds int `json:"life_seconds,omitempty"`
	// Tokens signs the requests to the authorization server too.
	Tokens bool `json:"tokens,omitempty"`
	// Answers makes the bank sign its answers.
	Answers *AnswerSigning `json:"answers,omitempty"`
	// KeyID may hold {client_id}; {fingerprint}, the SHA-256 of our certificate in
	// hexadecimal digits; {serial}, {serial_hex} and {SERIAL_HEX}, its serial number in
	// decimal and hexadecimal digits, small and capital; {issuer}, the name of its issuer as RFC 2253 writes it (CN
	// first), and {issuer_forward}, the same name in the order of the certificate (C first).
	// {issuer_spaced} and {issuer_forward_spaced} have a space behind each comma, and {issuer_escaped}
	// has %20 for each space, as the standard's own example.
	KeyID string `json:"key_id"`
	// Digest is the algorithm of the Digest header: SHA-256, the default, or SHA-512, or either in
	// small letters.
	Digest string `json:"digest,omitempty"`
	// Certificate sends our certificate with every signed request.
	Certificate *CertificateHeader `json:"certificate,omitempty"`
	// DigestOnGet also sends the digest of an empty body.
	DigestOnGet bool `json:"digest_on_get,omitempty"`
	// Spaced puts a space after the commas of the Signature header.
	Spaced bool `json:"spaced,omitempty"`
	// Form is the Signature header of a bank that wants its parts in another order or with other
	// quotes: a text with {key_id}, {algorithm}, {headers}, {created}, {expires} and {signature}.
	Form string `json:"form,omitempty"`
	// Target is the path in (request-target): "host", the default, from the root of the host, or
	// "base", below base_url, where a gateway takes the beginning away.
	Target string `json:"target,omitempty"`
}

// CertificateHeader is the header in which a bank wants the certificate of our signature.
type CertificateHeader struct {
	// Header is TPP-Signature-Certificate by default.
	Header string `json:"header,omitempty"`
	// Form is "der", the base64 digits of the certificate in one line; "pem", the text of
	// its PEM file in one line, with LineBreak for each of its line breaks; or "pem_base64",
	// the base64 digits of that file.
	Form      string `json:"form"`
	LineBreak string `json:"line_break,omitempty"`
}

// Answer classifies an answer that a bank phrases in its own way.
type Answer struct {
	// On is an operation of the standard, or one of the OAuth2 operations below; empty
	// matches all.
	On     string `json:"on,omitempty"`
	Status int    `json:"status"`
	// Contains must occur in the compacted body; empty matches every body.
	Contains string `json:"contains,omitempty"`
	// Headers are texts that must occur in the headers of these names, in any case; an empty one
	// matches a header that is there.
	Headers map[string]string `json:"headers,omitempty"`
	// Means is a bank.FailureKind; or "empty": the answer has no data and is not a
	// failure; or "short history": the bank now gives only History.RefreshedDays.
	Means string `json:"means"`
}

// The operations of OAuth2, as Answer.On names them. The standards name the others.
const (
	OpClientCredentials = "client credentials"
	OpExchange          = "exchange"
	OpRefresh           = "refresh"
	OpRevoke            = "revoke"
)

// The values of Answer.Means that are not kinds of failure.
const (
	meansEmpty        = "empty"
	meansShortHistory = "short history"
)

// failureKinds are the kinds that a bank's interface can cause.
var failureKinds = []bank.FailureKind{
	bank.AccessLost, bank.Locked, bank.ActionAtBank, bank.RateLimited,
	bank.Unavailable, bank.Nonsense, bank.Refused,
}

var idClasses = []bank.IDClass{bank.IDStable, bank.IDLasting, bank.IDPerConsent, bank.IDPositional, bank.IDConstant, bank.IDNone}

// Check reports every fault of the data. scope is the OAuth2 scope that the standard
// needs, and operations are the standard's own.
func (i Interface) Check(at datafile.Node, scope string, operations ...string) {
	i.CheckAPI(at, operations...)
	for _, operation := range slices.Sorted(maps.Keys(i.HeadersOn)) {
		on := at.Member("headers_on").Member(operation)
		on.Check(slices.Contains(operations, operation), "%q is no such operation", operation)
		checkHeaders(on, i.HeadersOn[operation])
	}
	i.OAuth.check(at.Member("oauth"), scope)
}

// CheckAPI is Check for a standard that has data of its own about OAuth2.
func (i Interface) CheckAPI(at datafile.Node, operations ...string) {
	at.Member("base_url").CheckAddress(i.BaseURL)
	CheckTimeout(at.Member("timeout_seconds"), i.TimeoutSeconds)
	if i.Signing != nil {
		i.Signing.check(at.Member("signing"))
	}
	_, err := time.LoadLocation(i.DateZone)
	at.Member("date_zone").Check(err == nil, "%q is not a time zone", i.DateZone)
	at.Member("consent_days").Check(i.ConsentDays > 0 && i.ConsentDays <= 180, "want 1 to 180, not %d", i.ConsentDays)
	at.Member("unattended_per_day").Check(i.UnattendedPerDay > 0, "want at least 1, not %d", i.UnattendedPerDay)
	at.Member("requests_per_minute").Check(i.RequestsPerMinute >= 0, "%d is negative", i.RequestsPerMinute)
	CheckOneOf(at.Member("ids"), i.IDs, idClasses...)
	CheckOneOf(at.Member("account_ids"), i.AccountIDs, "", bank.IDLasting, bank.IDPerConsent)
	checkHeaders(at.Member("headers"), i.Headers)
	for n, name := range i.PSUHeaders {
		known := slices.ContainsFunc(psuHeaders, func(one oxlin.PSUHeader) bool { return strings.EqualFold(one.Name, name) })
		at.Member("psu_headers").Item(n).Check(known, "%q is no header about a user", name)
	}
	for _, code := range slices.Sorted(maps.Keys(i.Codes)) {
		at.Member("codes").Member(code).Check(isMeaning(i.Codes[code]), "%q is no such failure", i.Codes[code])
	}
	operations = append(slices.Clone(operations), "", OpClientCredentials, OpExchange, OpRefresh, OpRevoke)
	if i.Signing != nil {
		for _, operation := range slices.Sorted(maps.Keys(i.Signing.HeadersOn)) {
			known := operation != "" && slices.Contains(operations, operation)
			at.Member("signing").Member("headers_on").Member(operation).Check(known, "%q is no such operation", operation)
		}
	}
	for n, answer := range i.Answers {
		answer.check(at.Member("answers").Item(n), operations)
	}
}

// psuHeaders are the headers about a user.
var psuHeaders = oxlin.NewPSU("-", "-", func(string) string { return "-" }).Headers()

// headerName is the name of a header (RFC 9110 §5.1).
var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// CheckOAuth reports every fault of the data about the authorization server, of which a
// standard may find the addresses elsewhere.
func (i Interface) CheckOAuth(at datafile.Node, discovered bool) {
	o := i.OAuth
	if !discovered || o.AuthorizeURL != "" {
		at.Member("authorize_url").CheckAddress(o.AuthorizeURL)
	}
	if !discovered || o.TokenURL != "" {
		at.Member("token_url").CheckAddress(o.TokenURL)
	}
	o.checkClient(at)
}

// checkHeaders reports headers that no request can have: with a name that has other characters, a line
// break, or a value in braces that does not exist.
func checkHeaders(at datafile.Node, headers map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		at.Member(name).Check(headerName.MatchString(name), "%q is not the name of a header", name)
		value := headerValues.Replace(headers[name])
		at.Member(name).Check(!strings.ContainsAny(value, "\r\n"), "%q holds a line break", headers[name])
		at.Member(name).Check(!inBraces.MatchString(value), "%q holds a value in braces that does not exist", headers[name])
	}
}

// inBraces is a name in braces. Other braces belong to the text: some headers are JSON.
var inBraces = regexp.MustCompile(`\{[A-Za-z_]+\}`)

// headerValues are the values in braces that a header may hold.
var headerValues = strings.NewReplacer("{client_id}", "", "{uuid}", "")

func (o OAuth) check(at datafile.Node, scope string) {
	checkHeaders(at.Member("headers"), o.Headers)
	at.Member("authorize_url").CheckAddress(o.AuthorizeURL)
	at.Member("token_url").CheckAddress(o.TokenURL)
	at.Member("scopes").Check(slices.Contains(strings.Fields(o.Scopes), scope), "%q lacks %s", o.Scopes, scope)
	o.checkClient(at)
}

// checkClient reports the faults of how we identify ourselves.
func (o OAuth) checkClient(at datafile.Node) {
	if o.RevokeURL != "" {
		at.Member("revoke_url").CheckAddress(o.RevokeURL)
	}
	at.Member("client_id").Check(o.ClientID != "", "a value is missing")
	CheckOneOf(at.Member("client_authentication"), o.method(), methodNone, methodBasic, methodForm, methodKeyJWT, methodSecretJWT)
	needsSecret := o.method() == methodBasic || o.method() == methodForm || o.method() == methodSecretJWT
	at.Member("client_secret").Check(!needsSecret || o.ClientSecret != "", "a value is missing")
	CheckOneOf(at.Member("form_client_id"), o.FormClientID, "", "always", "never")
	CheckOneOf(at.Member("body"), o.Body, "", "form", "json")
	for _, word := range slices.Sorted(maps.Keys(o.Errors)) {
		CheckOneOf(at.Member("errors").Member(word), o.Errors[word], slices.Concat(failureKinds, []bank.FailureKind{bank.ChallengeCancelled, bank.ChallengeTimedOut})...)
	}
	for _, operation := range slices.Sorted(maps.Keys(o.On)) {
		on := at.Member("on").Member(operation)
		CheckOneOf(on, operation, OpClient, OpClientCredentials, OpExchange, OpRefresh, OpRevoke)
		if o.On[operation].URL != "" {
			on.Member("url").CheckAddress(o.On[operation].URL)
		}
		checkHeaders(on.Member("headers"), o.On[operation].Headers)
	}
	if o.Assertion != nil {
		algorithms := keyAlgorithms
		if o.method() == methodSecretJWT {
			algorithms = secretAlgorithms
		}
		CheckOneOf(at.Member("assertion").Member("algorithm"), o.Assertion.Algorithm, slices.Concat([]string{""}, algorithms)...)
		at.Member("assertion").Member("minutes").Check(o.Assertion.Minutes >= 0, "%d is negative", o.Assertion.Minutes)
	}
}

// The methods of client authentication.
const (
	methodNone      = "none"
	methodBasic     = "basic"
	methodForm      = "form"
	methodKeyJWT    = "private_key_jwt"
	methodSecretJWT = "client_secret_jwt"
)

// methodNames are the names that the registry of OAuth2 gives the methods.
var methodNames = map[string]string{"tls_client_auth": methodNone, "client_secret_basic": methodBasic, "client_secret_post": methodForm}

// method returns the method of client authentication.
func (o OAuth) method() string {
	return cmp.Or(methodNames[o.ClientAuthentication], o.ClientAuthentication)
}

// NeedsSeal reports whether our key identifies us at the authorization server.
func (o OAuth) NeedsSeal() bool { return o.method() == methodKeyJWT }

func (s Signing) check(at datafile.Node) {
	CheckOneOf(at.Member("algorithm"), s.Algorithm, rsaSHA256, rsaSHA512, pssSHA256, pssSHA512)
	CheckOneOf(at.Member("digest"), s.Digest, "", "SHA-256", "SHA-512", "sha-256", "sha-512")
	if s.Certificate != nil {
		CheckOneOf(at.Member("certificate").Member("form"), s.Certificate.Form, "der", "pem", "pem_base64")
	}
	at.Member("headers").Check(len(s.Headers) > 0, "want at least one header")
	at.Member("key_id").Check(s.KeyID != "", "a value is missing")
	CheckOneOf(at.Member("times"), s.Times, "", "plain", "bracketed")
	at.Member("life_seconds").Check(s.LifeSeconds >= 0, "%d is negative", s.LifeSeconds)
	at.Member("form").Check(s.Form == "" || strings.Contains(s.Form, "{signature}"), "%q lacks {signature}", s.Form)
	at.Member("form").Check(!inBraces.MatchString(signatureParts("", "", "", "", "", "").Replace(s.Form)), "%q holds a value in braces that does not exist", s.Form)
	CheckOneOf(at.Member("target"), s.Target, "", "host", "base")
	if s.Answers != nil {
		s.Answers.check(at.Member("answers"))
	}
}

// CheckSigned reports signed headers that no request can have: neither the standard nor the data send
// them. more are headers that the standard sends in certain requests.
func (i Interface) CheckSigned(at datafile.Node, dialect Dialect, more ...string) {
	if i.Signing == nil {
		return
	}
	known := []string{
		requestTarget, signatureCreated, signatureExpires, "host", "date", "digest", "content-type", "accept", "authorization", "cookie",
		dialect.RequestID, dialect.PSUAddress, dialect.PSUAgent,
	}
	known = slices.Concat(known, dialect.Headers, i.PSUHeaders, more, slices.Collect(maps.Keys(i.Headers)), slices.Collect(maps.Keys(i.OAuth.Headers)))
	for _, headers := range i.HeadersOn {
		known = slices.AppendSeq(known, maps.Keys(headers))
	}
	for _, request := range i.OAuth.On {
		known = slices.AppendSeq(known, maps.Keys(request.Headers))
	}
	if i.Signing.Certificate != nil {
		known = append(known, i.Signing.Certificate.name())
	}
	check := func(at datafile.Node, names []string) {
		for n, name := range names {
			sent := slices.ContainsFunc(known, func(one string) bool { return one != "" && strings.EqualFold(one, name) })
			at.Item(n).Check(sent, "no request has a header %q: it belongs into headers", name)
			at.Item(n).Check(name == strings.ToLower(name), "%q is not in small letters", name)
		}
	}
	check(at.Member("signing").Member("headers"), i.Signing.Headers)
	for _, operation := range slices.Sorted(maps.Keys(i.Signing.HeadersOn)) {
		check(at.Member("signing").Member("headers_on").Member(operation), i.Signing.HeadersOn[operation])
	}
}

// names returns the headers that are signed in the requests of an operation; none if these are not signed.
func (s Signing) names(op string) []string {
	own, ok := s.HeadersOn[op]
	if ok {
		return own
	}
	return s.Headers
}

// signsToken reports whether the requests of an operation of OAuth2 are signed.
func (s Signing) signsToken(op string) bool {
	_, own := s.HeadersOn[op]
	return s.Tokens || own
}

func (known Answer) check(at datafile.Node, operations []string) {
	at.Member("status").Check(known.Status >= 300 && known.Status < 600, "want 300 to 599, not %d", known.Status)
	at.Member("on").Check(slices.Contains(operations, known.On), "%q is no such operation", known.On)
	at.Member("means").Check(isMeaning(known.Means), "%q is no such failure", known.Means)
	for _, name := range slices.Sorted(maps.Keys(known.Headers)) {
		at.Member("headers").Member(name).Check(headerName.MatchString(name), "%q is not the name of a header", name)
	}
}

// isMeaning reports whether a text is a meaning of an answer.
func isMeaning(means string) bool {
	return means == meansEmpty || means == meansShortHistory || slices.Contains(failureKinds, bank.FailureKind(means))
}

// CheckOneOf reports a text that is not one of the allowed ones.
func CheckOneOf[T ~string](at datafile.Node, value T, allowed ...T) {
	names := make([]string, len(allowed))
	for i, one := range allowed {
		names[i] = string(one)
	}
	at.Check(slices.Contains(allowed, value), "want one of %s, not %q", strings.Join(names, ", "), value)
}

// timeoutOf returns the time limit of one request.
func timeoutOf(seconds int) time.Duration {
	if seconds == 0 {
		return 30 * time.Second
	}
	return time.Duration(seconds) * time.Second
}

// BankID returns the bank's id of an account as bank.Account has it: empty if it does not last.
// standard is the class that the standard itself promises.
func (i Interface) BankID(id string, standard bank.IDClass) string {
	if cmp.Or(i.AccountIDs, standard) != bank.IDLasting {
		return ""
	}
	return id
}

// Addresses lists the servers of the bank that are called for it.
func (i Interface) Addresses() []Address {
	return []Address{{"base_url", i.BaseURL}, {"token_url", i.OAuth.TokenURL}, {"authorize_url", i.OAuth.AuthorizeURL}}
}

// Timeout returns the time limit of one request.
func (i Interface) Timeout() time.Duration { return timeoutOf(i.TimeoutSeconds) }

// MaxTimeout is the most that a provider file may allow one request, in seconds: the time
// that a job may take follows from it.
const MaxTimeout = 120

// CheckTimeout reports a time limit that is negative or too long.
func CheckTimeout(at datafile.Node, seconds int) {
	at.Check(seconds >= 0, "%d is negative", seconds)
	at.Check(seconds <= MaxTimeout, "want at most %d, not %d", MaxTimeout, seconds)
}
