package stet

import (
	"time"

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
	// milliseconds), "local" (without zone) or "date".
	DateFormat string `json:"date_format"`
	// DateTo makes every request send dateTo, for a bank that demands it even up to
	// today.
	DateTo bool `json:"date_to,omitempty"`
	// NoDateTo makes no request send dateTo, for a bank that refuses it.
	NoDateTo bool `json:"no_date_to,omitempty"`
}

// The operations, as psd2.Answer.On names them.
const (
	opAccounts     = "accounts"
	opBalances     = "balances"
	opTransactions = "transactions"
	opIdentity     = "identity"
	opConsents     = "consents"
)

// dateLayouts are the formats of dateFrom and dateTo.
var dateLayouts = map[string]string{
	"date":    time.DateOnly,
	"instant": "2006-01-02T15:04:05Z",
	"millis":  "2006-01-02T15:04:05.000Z",
	"local":   "2006-01-02T15:04:05",
}

// check reports every fault of the data.
func (c Config) check(at datafile.Node) {
	c.Interface.Check(at, "aisp", opAccounts, opBalances, opTransactions, opIdentity, opConsents)
	c.CheckSigned(at, dialect)
	psd2.CheckOneOf(at.Member("version"), c.Version, "1.4", "1.5")
	psd2.CheckOneOf(at.Member("consent_model"), c.ConsentModel, "full", "mixed")
	c.History.Check(at.Member("history"))
	psd2.CheckOneOf(at.Member("history").Member("date_format"), c.History.DateFormat, "instant", "millis", "local", "date")
	at.Member("history").Member("no_date_to").Check(!c.History.NoDateTo || !c.History.DateTo && c.History.WindowDays == 0,
		"date_to and window_days need it")
	psd2.CheckOneOf(at.Member("id_field"), c.IDField, "entryReference", "resourceId", "none")
	statuses := []oxlin.TransactionStatus{"", oxlin.StatusBooked, oxlin.StatusPending, oxlin.StatusOther}
	psd2.CheckOneOf(at.Member("other_status"), c.OtherStatus, statuses...)
	psd2.CheckOneOf(at.Member("other_card_status"), c.OtherCardStatus, statuses...)
	read, ok := notation.Currency(c.Currency).Told()
	at.Member("currency").Check(c.Currency == "" || ok && read == c.Currency, "%q is not a currency", c.Currency)
	psd2.CheckOneOf(at.Member("coming_balances"), c.ComingBalances, "", "separate", "cumulative")
}
