package psd2

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/oxlin/oxlin/internal/bank"
)

// ErrShortHistory is in the chain of a failure with which the bank refuses a start date
// that is too old.
var ErrShortHistory = errors.New("the bank gives a shorter history")

// Nonsense returns the failure of an answer that cannot be parsed.
func Nonsense(err error) *bank.Failure { return &bank.Failure{Kind: bank.Nonsense, Err: err} }

// Unreachable returns the failure of a call without an answer. The address is left out
// of the error: it may contain an account id. A failure in the chain is returned as it
// is.
func Unreachable(err error) *bank.Failure {
	var inAddress *url.Error
	if errors.As(err, &inAddress) {
		err = inAddress.Err
	}
	return bank.AsFailure(err)
}

// DescribeJSON returns why JSON cannot be decoded, without quoting a value of the user.
func DescribeJSON(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return fmt.Errorf("member %q is not of type %s", wrongType.Field, wrongType.Type)
	}
	return errors.New("the answer is not JSON")
}

// Transient returns the kind of failure of a status that has the same meaning for
// every request to a bank: too many calls, or a bank that is down. ok is false for
// the other statuses.
func Transient(status int) (kind bank.FailureKind, ok bool) {
	switch {
	case status == http.StatusTooManyRequests:
		return bank.RateLimited, true
	case status >= 500, status == http.StatusRequestTimeout:
		return bank.Unavailable, true
	case status >= 300 && status < 400:
		// A redirect leads to a page that announces maintenance.
		return bank.Unavailable, true
	}
	return "", false
}

// longestRetry limits the delay that a bank may demand: quotas are counted by the day.
const longestRetry = 24 * time.Hour

// RetryAfter reads the header of that name in its two forms (RFC 9110 §10.2.3).
func RetryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	seconds, err := strconv.Atoi(value)
	if err == nil {
		return min(max(0, time.Duration(min(seconds, 1e6))*time.Second), longestRetry)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), longestRetry)
}

// classify returns the failure of an answer: by the bank's own data, else by its
// status. It returns nil if the data classify the answer as empty.
func (c *Client) classify(op string, a answer) error {
	failure := &bank.Failure{Kind: kindOf(op, a), Status: a.status, BankCode: SafeText(c.dialect.ErrorText(a.body))}
	switch means := c.meaning(op, a); means {
	case "":
	case meansEmpty:
		return nil
	case meansShortHistory:
		failure.Kind, failure.Err = bank.Refused, ErrShortHistory
	default:
		failure.Kind = bank.FailureKind(means)
	}
	if failure.Transient() {
		failure.RetryAfter = RetryAfter(a.header, c.now())
	}
	return failure
}

// meaning returns what the bank's data, else the standard, make of an answer; empty if its
// status alone says it.
func (c *Client) meaning(op string, a answer) string {
	for _, known := range c.config.Answers {
		if known.fits(op, a) {
			return known.Means
		}
	}
	if c.dialect.ErrorCodes == nil {
		return ""
	}
	codes := c.dialect.ErrorCodes(a.body)
	for _, table := range []map[string]string{c.config.Codes, c.dialect.Codes} {
		for _, code := range codes {
			if means := MeaningOf(table, code); means != "" {
				return means
			}
		}
	}
	return ""
}

// MeaningOf looks an error code up in a table of data, in which it may have other letters.
func MeaningOf(table map[string]string, code string) string {
	if means := table[code]; means != "" {
		return means
	}
	for known, means := range table {
		if strings.EqualFold(known, code) {
			return means
		}
	}
	return ""
}

// fits reports whether the data match this answer.
func (known Answer) fits(op string, a answer) bool {
	if known.On != "" && known.On != op || known.Status != a.status {
		return false
	}
	for name, text := range known.Headers {
		value := strings.Join(a.header.Values(name), ", ")
		if len(a.header.Values(name)) == 0 || !strings.Contains(strings.ToLower(value), strings.ToLower(text)) {
			return false
		}
	}
	body := a.body
	var compacted bytes.Buffer
	err := json.Compact(&compacted, a.body)
	if err == nil {
		body = compacted.Bytes()
	}
	return bytes.Contains(body, []byte(known.Contains))
}

// kindOf returns the default meaning of a status.
func kindOf(op string, a answer) bank.FailureKind {
	kind, ok := Transient(a.status)
	if ok {
		return kind
	}
	switch op {
	case OpClientCredentials, OpExchange, OpRevoke:
		return bank.Refused
	case OpRefresh:
		return refreshKind(a)
	}
	switch a.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return bank.AccessLost
	}
	return bank.Refused
}

// refreshKind distinguishes an expired refresh token from a client that the bank does
// not accept (RFC 6749 §5.2): only the former is solved by renewing the consent.
func refreshKind(a answer) bank.FailureKind {
	var body Optional[struct {
		Error Text `json:"error"`
	}]
	_ = json.Unmarshal(a.body, &body) // the body is often HTML
	switch body.Value.Error {
	case "invalid_grant":
		return bank.AccessLost
	case "invalid_client", "unauthorized_client":
		return bank.Refused
	}
	if a.status == http.StatusUnauthorized || a.status == http.StatusForbidden {
		return bank.AccessLost
	}
	return bank.Refused
}

// SafeText makes a bank's text safe for a log: it is shortened, and words that could be
// an IBAN, a card number or an e-mail address are removed.
func SafeText(text string) string {
	const longest = 80
	words := strings.Fields(text)
	for i, word := range words {
		if strings.Contains(word, "@") || hasLongNumber(word) {
			words[i] = "…"
		}
	}
	short := []rune(strings.Join(words, " "))
	return strings.TrimSpace(string(short[:min(len(short), longest)]))
}

// hasLongNumber reports whether a word has four consecutive digits.
func hasLongNumber(word string) bool {
	row := 0
	for _, r := range word {
		if !unicode.IsDigit(r) {
			row = 0
			continue
		}
		row++
		if row == 4 {
			return true
		}
	}
	return false
}
