package enablebanking

import (
	"cmp"
	"regexp"
	"strings"
	"time"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Config describes one bank behind the aggregator. It is data of the catalogue;
// docs/home.md explains the members that an operator may change.
type Config struct {
	Application
	// Bank is the bank as the aggregator names it.
	Bank Bank `json:"aspsp"`
	// BIC is the bank's; empty if the aggregator does not tell it. It is for the next import.
	BIC string `json:"bic,omitempty"`
	// PSUType is "personal", the default, or "business".
	PSUType string `json:"psu_type,omitempty"`
	// AuthMethod is the bank's method of the login; empty lets the user choose on the
	// aggregator's page.
	AuthMethod string `json:"auth_method,omitempty"`
	// MaximumValidity is the most seconds that a session of the bank may last.
	MaximumValidity int `json:"maximum_consent_validity"`
	// NamesAccounts is set for a bank whose consent names its accounts: a renewal names those of
	// the connection. Else the user may allow further ones.
	NamesAccounts bool `json:"names_accounts,omitempty"`
	// RequiredPSUHeaders are those without which the bank takes the user for absent.
	RequiredPSUHeaders []string `json:"required_psu_headers,omitempty"`

	// Locale is Europe/Paris by default, and without a currency.
	psd2.Locale
	History  History  `json:"history,omitzero"`
	Balances Balances `json:"balances,omitzero"`
	// IDs classifies the values of entry_reference; STABLE by default, as the aggregator
	// promises.
	IDs bank.IDClass `json:"ids,omitempty"`
	// UnattendedPerDay is 4 by default (RTS Art. 36(5)(b)).
	UnattendedPerDay int `json:"unattended_per_day,omitempty"`
	// RequestsPerMinute limits the calls for all our users together; 0 means no limit.
	RequestsPerMinute int `json:"requests_per_minute,omitempty"`
	// TimeoutSeconds limits one request; 60 by default, because the aggregator asks the bank
	// meanwhile.
	TimeoutSeconds int `json:"timeout_seconds,omitempty"`
	// Answers and Codes classify answers of this bank, beside the table of errors.
	Answers []psd2.Answer     `json:"answers,omitempty"`
	Codes   map[string]string `json:"codes,omitempty"`
}

// Application is how the aggregator knows this installation.
type Application struct {
	// BaseURL is https://api.enablebanking.com by default.
	BaseURL string `json:"base_url,omitempty"`
	// ID is the id of the application, and Key its private key as a PEM text. Both come from
	// the operator's settings.
	ID  string `json:"application"`
	Key string `json:"key"`
}

// Bank names a bank at the aggregator.
type Bank struct {
	Name string `json:"name"`
	// Country has two letters (ISO 3166).
	Country string `json:"country"`
}

// History describes how far back the bank's transactions go.
type History struct {
	psd2.History
	// FreshMinutes is how long after the login a bank gives Days; then it gives
	// RefreshedDays.
	FreshMinutes int `json:"fresh_minutes,omitempty"`
}

// Balances describes the bank's balances.
type Balances struct {
	// Priority orders the types; the bank shows the first one to its customers.
	Priority []string `json:"priority,omitempty"`
}

// The rules of European banks, for data without rules.
const (
	usualDays          = 730
	usualRefreshedDays = 90
	usualFreshMinutes  = 60
	usualPerDay        = 4
	usualTimeout       = 60
)

// The values of Config.PSUType.
const (
	Personal = "personal"
	Business = "business"
)

// The operations, as psd2.Answer.On names them.
const (
	opAuthorize    = "authorize"
	opSessions     = "sessions"
	opBalances     = "balances"
	opTransactions = "transactions"
	opBanks        = "banks"
)

// country matches a country of two letters.
var country = regexp.MustCompile(`^[A-Z]{2}$`)

// check reports every fault of the data.
func (c Config) check(at datafile.Node) {
	c.Application.check(at)
	at.Member("aspsp").Member("name").Check(c.Bank.Name != "", "a value is missing")
	at.Member("aspsp").Member("country").Check(country.MatchString(c.Bank.Country), "want two capital letters, not %q", c.Bank.Country)
	psd2.CheckOneOf(at.Member("psu_type"), c.PSUType, "", Personal, Business)
	at.Member("maximum_consent_validity").Check(c.MaximumValidity > 0, "want at least 1, not %d", c.MaximumValidity)
	c.Locale.Check(at)
	history := c.history()
	history.Check(at.Member("history"))
	at.Member("history").Member("fresh_minutes").Check(history.FreshMinutes >= 0, "%d is negative", history.FreshMinutes)
	c.api().CheckAPI(at, opAuthorize, opSessions, opBalances, opTransactions)
}

func (a Application) check(at datafile.Node) {
	at.Member("application").Check(a.ID != "", "a value is missing")
	_, err := readKey(a.Key)
	at.Member("key").Check(err == nil, "%v", err)
}

// baseURL returns the address of the interface.
func (a Application) baseURL() string {
	return strings.TrimSuffix(cmp.Or(a.BaseURL, "https://api.enablebanking.com"), "/")
}

// history returns the data's history with the default values filled in.
func (c Config) history() History {
	h := c.History
	h.Days = cmp.Or(h.Days, usualDays)
	h.RefreshedDays = cmp.Or(h.RefreshedDays, max(0, min(usualRefreshedDays, h.Days)))
	h.FreshMinutes = cmp.Or(h.FreshMinutes, usualFreshMinutes)
	return h
}

// api returns the data of the interface for the shared client.
func (c Config) api() psd2.Interface {
	api := psd2.Interface{
		BaseURL: c.baseURL(), TimeoutSeconds: cmp.Or(c.TimeoutSeconds, usualTimeout), ConsentDays: longestConsent,
		UnattendedPerDay: cmp.Or(c.UnattendedPerDay, usualPerDay), RequestsPerMinute: c.RequestsPerMinute,
		IDs: cmp.Or(c.IDs, bank.IDStable), Answers: c.Answers, Codes: c.Codes,
	}
	return api
}

// longestConsent is the most days that a consent may last (RTS Art. 10a).
const longestConsent = 180

// validity returns how long a session lasts that begins now.
func (c Config) validity(once bool) time.Duration {
	const (
		// The aggregator refuses an end that is later than its own clock allows.
		margin  = 5 * time.Minute
		oneDay  = 24 * time.Hour
		longest = longestConsent * oneDay
	)
	life := min(time.Duration(min(c.MaximumValidity, int(longest/time.Second)))*time.Second, longest)
	if once {
		life = min(life, oneDay)
	}
	return life - min(margin, life/2)
}
