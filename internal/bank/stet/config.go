package stet

import (
	"maps"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Config describes one bank: all differences between banks with a STET interface. It is
// data of the catalogue; the zero value of an optional field means the standard's own
// rule.
type Config struct {
	psd2.Interface

	// Version of the standard, "1.4" or "1.5". "1.5" covers all versions of the same
	// shape: 1.4.2 to 1.6.
	Version string `json:"version"`
	// ConsentModel is "full", where the user chooses accounts at the bank or not at
	// all, or "mixed", where we forward the choice with PUT /consents.
	ConsentModel string  `json:"consent_model"`
	History      History `json:"history"`

	// IDField is the member with a transaction's id: "entryReference", "resourceId"
	// or "none". IDs classifies the ids.
	IDField string `json:"id_field"`
	// OtherStatus is the meaning of the status OTHR on accounts, and OtherCardStatus
	// its meaning on cards; OTHER by default.
	OtherStatus     oxlin.TransactionStatus `json:"other_status,omitempty"`
	OtherCardStatus oxlin.TransactionStatus `json:"other_card_status,omitempty"`
	// BalancePriority orders the balance types. The bank shows the first one to its
	// customers; by default the booked one.
	BalancePriority []string `json:"balance_priority,omitempty"`
	// ComingBalances is the meaning of a card's balances of coming months: "separate",
	// the default, where each is one debit, or "cumulative", where each includes the
	// earlier ones.
	ComingBalances string `json:"coming_balances,omitempty"`
	// ComingTypes are the types of those balances; OTHR by default.
	ComingTypes []string `json:"coming_types,omitempty"`
	// Balances is where they are: "resource", the default, or "list" for a bank that has them in
	// the list of accounts alone.
	Balances string `json:"balances,omitempty"`
	// Paths are those of a bank that has others than the standard, by their names: accounts,
	// balances, transactions, owners, identity, consents. {id} is the account's; a path that begins
	// with two slashes is one from the host's root. Those of an account may have a query.
	Paths map[string]string `json:"paths,omitempty"`
	// AccountLinks makes us use the links of the accounts, in the place of the paths: "base" below
	// the base URL, "host" from the root of its host.
	AccountLinks string `json:"account_links,omitempty"`
	// ConsentAccounts is how PUT /consents names accounts: by "iban", the default, or by the whole
	// "account_id" of the bank's own record.
	ConsentAccounts string `json:"consent_accounts,omitempty"`
	// ConsentBody holds members that PUT /consents has beside its usual ones or in their place; null
	// leaves one out.
	ConsentBody map[string]any `json:"consent_body,omitempty"`
	// Currency is that of accounts if the bank names none, neither with the account nor with
	// its balances or rows; EUR by default.
	Currency string `json:"currency,omitempty"`
	// RepeatedPageEnds is set if the last page of a list links to an earlier one, as if
	// more followed.
	RepeatedPageEnds bool `json:"repeated_page_ends,omitempty"`
}

// History describes how far back a bank goes, and how its dates are written.
type History struct {
	psd2.History
	// DateFormat is "instant" (2006-01-02T15:04:05Z), "millis" (the same with
	// milliseconds), "local" (without zone), "local_millis", "offset" (with the bank's zone,
	// +01:00), "offset_millis", "date", a pattern such as "yyyy-MM-dd'T'HH:mm:ssxx", or "none" for a
	// bank that takes no dates.
	DateFormat string `json:"date_format"`
	// DateZone is the zone in which the dates are written, and to whose midnights the days begin;
	// Europe/Paris by default.
	DateZone string `json:"date_zone,omitempty"`
	// DateTo makes every request send dateTo, for a bank that demands it even up to
	// today.
	DateTo bool `json:"date_to,omitempty"`
	// NoDateTo makes no request send dateTo, for a bank that refuses it.
	NoDateTo bool `json:"no_date_to,omitempty"`
	// From and To are the parameters, if not dateFrom and dateTo.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Unescaped is set for a bank that does not undo the escaping of colons and plus signs: in
	// our dates, and of colons in its own links.
	Unescaped bool `json:"unescaped,omitempty"`
	// Parameters are further ones of the first request for the rows of a period.
	Parameters map[string]string `json:"parameters,omitempty"`
}

// The operations, as psd2.Answer.On names them.
const (
	opAccounts     = "accounts"
	opBalances     = "balances"
	opTransactions = "transactions"
	opIdentity     = "identity"
	opConsents     = "consents"
)

// check reports every fault of the data.
func (c Config) check(at datafile.Node) {
	c.Interface.Check(at, "aisp", opAccounts, opBalances, opTransactions, opIdentity, opConsents)
	c.CheckSigned(at, dialect)
	psd2.CheckOneOf(at.Member("version"), c.Version, "1.4", "1.5")
	psd2.CheckOneOf(at.Member("consent_model"), c.ConsentModel, "full", "mixed")
	c.History.Check(at.Member("history"))
	form, err := psd2.NewDateForm(c.History.DateFormat)
	at.Member("history").Member("date_format").Check(err == nil && c.History.DateFormat != "", "want a form of dates, not %q", c.History.DateFormat)
	psd2.Locale{Zone: c.History.DateZone}.Check(at.Member("history").Member("date_zone"))
	at.Member("history").Member("window_days").Check(!form.IsNone() || c.History.WindowDays == 0, "a bank without dates has no periods")
	at.Member("history").Member("no_date_to").Check(!c.History.NoDateTo || !c.History.DateTo && c.History.WindowDays == 0,
		"date_to and window_days need it")
	psd2.CheckOneOf(at.Member("id_field"), c.IDField, "entryReference", "resourceId", "none")
	statuses := []oxlin.TransactionStatus{"", oxlin.StatusBooked, oxlin.StatusPending, oxlin.StatusOther}
	psd2.CheckOneOf(at.Member("other_status"), c.OtherStatus, statuses...)
	psd2.CheckOneOf(at.Member("other_card_status"), c.OtherCardStatus, statuses...)
	read, ok := notation.Currency(c.Currency).Told()
	at.Member("currency").Check(c.Currency == "" || ok && read == c.Currency, "%q is not a currency", c.Currency)
	psd2.CheckOneOf(at.Member("coming_balances"), c.ComingBalances, "", "separate", "cumulative")
	for n, code := range c.ComingTypes {
		at.Member("coming_types").Item(n).Check(balanceTypes[code] != "" || code == "OTHR" || code == "VALU", "%q is no type of balance", code)
	}
	psd2.CheckOneOf(at.Member("balances"), c.Balances, "", "resource", "list")
	psd2.CheckOneOf(at.Member("account_links"), c.AccountLinks, "", "base", "host")
	psd2.CheckOneOf(at.Member("consent_accounts"), c.ConsentAccounts, "", "iban", "account_id")
	names := slices.Sorted(maps.Keys(standardPaths))
	for _, name := range slices.Sorted(maps.Keys(c.Paths)) {
		path := at.Member("paths").Member(name)
		path.Check(slices.Contains(names, name), "want one of %s", strings.Join(names, ", "))
		path.Check(strings.HasPrefix(c.Paths[name], "/"), "%q does not begin with a slash", c.Paths[name])
		ofAccount := strings.Contains(standardPaths[name], "{id}")
		path.Check(strings.Contains(c.Paths[name], "{id}") == ofAccount, "want {id} in the paths of an account, and only there: %q", c.Paths[name])
		path.Check(ofAccount || !strings.Contains(c.Paths[name], "?"), "%q has a query", c.Paths[name])
	}
}
