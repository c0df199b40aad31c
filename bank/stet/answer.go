package stet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/oxlin/oxlin/bank"
)

// judge says what a failure of the bank means (bank.FailureKind): by the bank's
// own data, else by its status. It is nil where there simply is nothing.
func (c *Connector) judge(op string, a answer) error {
	// A bank that does not offer the customer's name, or not to us, tells none.
	if op == opIdentity && (a.status == http.StatusForbidden || a.status == http.StatusNotFound) {
		return nil
	}
	failure := &bank.Failure{Kind: kindOf(op, a), Status: a.status, BankCode: bankCode(a.body)}
	for _, known := range c.config.Answers {
		if !known.fits(op, a) {
			continue
		}
		switch known.Means {
		case meansEmpty:
			return nil
		case meansShortHistory:
			failure.Kind, failure.Err = bank.Refused, errShortHistory
		default:
			failure.Kind = bank.FailureKind(known.Means)
		}
		break
	}
	if failure.Transient() {
		failure.RetryAfter = c.retryAfter(a.header.Get("Retry-After"))
	}
	return failure
}

// errShortHistory marks the refusal of a dateFrom that is too old.
var errShortHistory = errors.New("the bank gives a shorter history")

// fits says whether the data describe this answer.
func (known Answer) fits(op string, a answer) bool {
	if known.On != "" && known.On != op || known.Status != a.status {
		return false
	}
	body := a.body
	var compacted bytes.Buffer
	err := json.Compact(&compacted, a.body)
	if err == nil {
		body = compacted.Bytes()
	}
	return bytes.Contains(body, []byte(known.Contains))
}

// kindOf is what a status means where the bank's data say nothing.
func kindOf(op string, a answer) bank.FailureKind {
	switch {
	case a.status == http.StatusTooManyRequests:
		return bank.RateLimited
	case a.status >= 500, a.status == http.StatusRequestTimeout:
		return bank.Unavailable
	case a.status >= 300 && a.status < 400:
		// Banks redirect to a page that announces maintenance.
		return bank.Unavailable
	}
	switch op {
	case opExchange, opRevoke:
		return bank.Refused
	case opRefresh:
		return refreshKind(a)
	}
	switch a.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return bank.AccessLost
	}
	return bank.Refused
}

// refreshKind tells a refresh token that is over from a client that the bank
// does not accept (RFC 6749 §5.2): no user can heal the latter.
func refreshKind(a answer) bank.FailureKind {
	code := readErrorBody(a.body).Error
	switch code {
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

// errorBody is ErrorModel of STET, {errorMessage} of some gateways, and the
// error of OAuth2.
type errorBody struct {
	Message      text `json:"message"`
	ErrorMessage text `json:"errorMessage"`
	Error        text `json:"error"`
}

func readErrorBody(body []byte) errorBody {
	var e optional[errorBody]
	_ = json.Unmarshal(body, &e) // often it is a page for people
	return e.Value
}

// bankCode is what the bank calls the failure. It goes into logs, so that words
// which could be an IBAN, a card number or an address are hidden.
func bankCode(body []byte) string {
	const longest = 80
	e := readErrorBody(body)
	words := strings.Fields(string(firstText(e.Message, e.ErrorMessage, e.Error)))
	for i, word := range words {
		if strings.Contains(word, "@") || hasLongNumber(word) {
			words[i] = "…"
		}
	}
	code := []rune(strings.Join(words, " "))
	return strings.TrimSpace(string(code[:min(len(code), longest)]))
}

// hasLongNumber says whether a word has four digits in a row.
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

// retryAfter reads the header in its two forms (RFC 9110 §10.2.3).
func (c *Connector) retryAfter(value string) time.Duration {
	seconds, err := strconv.Atoi(value)
	if err == nil {
		return min(max(0, time.Duration(min(seconds, 1e6))*time.Second), longestRetry)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(c.now())), longestRetry)
}

// longestRetry bounds what a bank may ask for: quotas are counted by the day.
const longestRetry = 24 * time.Hour

// nonsense is the failure of an answer that cannot be understood.
func nonsense(err error) *bank.Failure { return &bank.Failure{Kind: bank.Nonsense, Err: err} }

// describe says why JSON cannot be read, without a value of the user's in it.
func describe(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return fmt.Errorf("member %q is no %s", wrongType.Field, wrongType.Type)
	}
	return errors.New("the answer is no JSON")
}
