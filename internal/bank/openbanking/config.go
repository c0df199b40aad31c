package openbanking

import (
	"maps"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Config describes one bank: all differences between banks with the interface of Open
// Banking UK. It is data of the catalogue; the zero value of an optional field means the
// standard's own rule. docs/open-banking-uk.md explains each member.
//
// A path names a member of a bank's record, such as "MerchantDetails.MerchantName". Within a
// list it names that member of each record of the list.
type Config struct {
	psd2.Interface
	// Locale is Europe/London and GBP by default.
	psd2.Locale

	// Version of the standard, "3.1" or "4.0"; "3.1" covers 3.0. It is for the reader: both
	// are read alike.
	Version string  `json:"version"`
	History History `json:"history"`

	Login   Login   `json:"login"`
	Consent Consent `json:"consent,omitzero"`
	// LoginTimeHeader is the header with the time of the user's login, such as
	// x-fapi-auth-date; empty if the bank does not want it.
	LoginTimeHeader string `json:"login_time_header,omitempty"`

	// PSUAddressHeader and PSUAgentHeader rename the headers with the user's address and
	// browser, x-fapi-customer-ip-address and x-customer-user-agent.
	PSUAddressHeader string `json:"psu_address_header,omitempty"`
	PSUAgentHeader   string `json:"psu_agent_header,omitempty"`
	// Paths replace those of the standard below the base address, by the names of
	// standardPaths. They may hold {id}, which is that of an account or a consent.
	Paths map[string]string `json:"paths,omitempty"`

	Accounts     Accounts     `json:"accounts,omitzero"`
	Balances     Balances     `json:"balances,omitzero"`
	Transactions Transactions `json:"transactions,omitzero"`

	// Owner is where the bank names its customer: "party" (GET /party), "account_party" or
	// "account_parties" (the same of an account); by default nowhere.
	Owner string `json:"owner,omitempty"`
	// RepeatedPageEnds is set if the last page of a list links to an earlier one, as if
	// more followed.
	RepeatedPageEnds bool  `json:"repeated_page_ends,omitempty"`
	Pages            Pages `json:"pages,omitzero"`
}

// Pages describes the pages of a bank that numbers them, and has no Links.Next.
type Pages struct {
	// Parameter is the parameter with a page's number. Pages are asked for up to
	// Meta.TotalPages, which counts for nothing else: banks also write it where it is wrong.
	Parameter string `json:"parameter,omitempty"`
	// First is the number of the first page; 1 by default.
	First *int `json:"first,omitempty"`
}

func (p Pages) check(at datafile.Node) {
	at.Member("first").Check(p.First == nil || *p.First >= 0, "want at least 0")
	at.Member("first").Check(p.First == nil || p.Parameter != "", "it needs a parameter")
}

// History describes how far back a bank goes, and how its dates are written.
type History struct {
	psd2.History
	// CardDays is how far back the rows of cards go, if less far than Days.
	CardDays int `json:"card_days,omitempty"`
	// FreshMinutes is how long after the login a bank gives Days; then it gives
	// RefreshedDays. 0 means that the first token gives Days for all of its life.
	FreshMinutes int `json:"fresh_minutes,omitempty"`
	// DateFormat is how fromBookingDateTime and toBookingDateTime are written: a name of
	// psd2.NewDateForm, a pattern such as "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", or "none" for a bank
	// that takes no dates. By default "instant".
	DateFormat string `json:"date_format,omitempty"`
	// DateZone is the zone in which a date without a zone is written, and to whose midnights
	// the days of a request begin; by default that of the bank.
	DateZone string `json:"date_zone,omitempty"`
	// DateTo is when toBookingDateTime is sent: "" only where a period ends before today,
	// "never", "tomorrow" always with the end of today at least, "now" always with the
	// time of the request at most, or "today" or "yesterday" always with the last day itself, which
	// is never later.
	DateTo string `json:"date_to,omitempty"`
	// ToFormat is how toBookingDateTime is written, if not as fromBookingDateTime.
	ToFormat string `json:"to_format,omitempty"`
	// From and To rename the two parameters.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Unescaped is set for a bank that does not undo the escaping of colons and plus signs: in
	// our dates, and of colons in its own links.
	Unescaped bool `json:"unescaped,omitempty"`
	// Parameters are further ones of the first request for the rows of a period.
	Parameters map[string]string `json:"parameters,omitempty"`
}

// Accounts describes the records of accounts.
type Accounts struct {
	// Details is set if the list lacks what GET /accounts/{AccountId} has: then each
	// account is read by itself.
	Details bool `json:"details,omitempty"`
	// Names are the paths of an account's name, of which the first that is present counts; by
	// default Nickname, Description.
	Names []string `json:"names,omitempty"`
	// Holders is the path of the holder's name; by default Account.Name. "none" is for a bank
	// that writes something else there.
	Holders string `json:"holders,omitempty"`
	// RollNumber is set for a building society whose accounts share sort code and number and
	// differ in SecondaryIdentification.
	RollNumber bool `json:"roll_number,omitempty"`
	// Types are the meanings of the bank's own account types.
	Types map[string]oxlin.AccountType `json:"types,omitempty"`
	// Skip are the states (Status) of accounts that are left out; by default Deleted.
	Skip []string `json:"skip,omitempty"`
	// Ignore are accounts that the bank lists, and of which it gives nothing.
	Ignore []Match `json:"ignore,omitempty"`
}

// Balances describes the records of balances.
type Balances struct {
	// Priority orders the types of balances, as either version names them. The bank shows
	// the first one to its customers; by default the booked one. CardPriority is for cards, by
	// default the same.
	Priority     []string `json:"priority,omitempty"`
	CardPriority []string `json:"card_priority,omitempty"`
	// CreditLines are the types of credit lines that count for CreditLine, all of which are
	// added; by default the largest line counts, whatever its type is.
	CreditLines []string `json:"credit_lines,omitempty"`
	// CreditLine tells the fate of a balance that includes a credit line: "keep" it as it
	// is, the default; "subtract" the credit line; or "skip" it, if there is another one.
	CreditLine string `json:"credit_line,omitempty"`
	// Reversed is set if the indicator of balances means the opposite, and CardReversed
	// if that of cards does: some banks write what a customer owes as a credit.
	Reversed     bool `json:"reversed,omitempty"`
	CardReversed bool `json:"card_reversed,omitempty"`
	// Sign is "indicator", the default, or "amount" for a bank whose balances have a sign and
	// no indicator.
	Sign string `json:"sign,omitempty"`
}

// Transactions describes the records of transactions.
type Transactions struct {
	// ID is the path of a row's id; by default TransactionId. "none" is for a bank whose ids
	// mean nothing. Interface.IDs classifies the ids.
	ID string `json:"id,omitempty"`
	// Texts are the paths of the lines of a row's text; by default TransactionInformation,
	// else TransactionReference.
	Texts []string `json:"texts,omitempty"`
	// Counterparties are the paths of the name of the other side, of which the first that is
	// present counts; by default the merchant, else the creditor of a debit and the debtor of
	// a credit.
	Counterparties []string `json:"counterparties,omitempty"`
	// BookingDate, ValueDate and OperationDate are the paths of a row's days; by default
	// BookingDateTime, ValueDateTime and none.
	BookingDate   string `json:"booking_date,omitempty"`
	ValueDate     string `json:"value_date,omitempty"`
	OperationDate string `json:"operation_date,omitempty"`
	// Days is "instant", the default, where a time is an instant whose day is the one in the
	// bank's zone; or "written", where the written day counts, whatever zone stands beside it.
	Days string `json:"days,omitempty"`
	// Sign is "indicator", the default, or "amount" for a bank whose amounts have a sign and
	// whose indicator means nothing.
	Sign string `json:"sign,omitempty"`
	// Reversed is set if the indicator of rows means the opposite, and CardReversed if that
	// of a card's rows does.
	Reversed     bool `json:"reversed,omitempty"`
	CardReversed bool `json:"card_reversed,omitempty"`
	// Statuses are the meanings of the bank's own words for the state of a row: BOOKED,
	// PENDING, OTHER, or "ignored" for rows that do not change the account.
	Statuses map[string]string `json:"statuses,omitempty"`
	// NoStatus is the state of a row without one; BOOKED by default.
	NoStatus oxlin.TransactionStatus `json:"no_status,omitempty"`
	// MutableIsPending is set if a booked row whose TransactionMutability is Mutable is not
	// booked yet.
	MutableIsPending bool `json:"mutable_is_pending,omitempty"`
	// Ignore are the rows that do not change the account, such as declined payments.
	Ignore []Match `json:"ignore,omitempty"`
	// NoBalanceAfter is set for a bank whose rows have a balance that is not the one after
	// the row.
	NoBalanceAfter bool `json:"no_balance_after,omitempty"`
	// OfOtherAccounts tells the fate of rows whose AccountId is not that of the account:
	// "keep", the default, because ids may differ in their spelling, or "drop".
	OfOtherAccounts string `json:"of_other_accounts,omitempty"`
}

// Match matches records in which a member has a value, or a text in its value, whose case
// does not matter.
type Match struct {
	Path     string `json:"path"`
	Equals   string `json:"equals,omitempty"`
	Contains string `json:"contains,omitempty"`
}

// The operations, as psd2.Answer.On names them.
const (
	opAccounts     = "accounts"
	opBalances     = "balances"
	opTransactions = "transactions"
	opParties      = "parties"
)

// ignored is the meaning of a status in Transactions.Statuses.
const ignored = "ignored"

// none is the path of what a bank does not have.
const none = "none"

// check reports every fault of the data.
func (c Config) check(at datafile.Node) {
	c.Interface.Check(at, "accounts", opAccounts, opBalances, opTransactions, opParties, opConsents, opKeys)
	c.CheckSigned(at, dialect, c.LoginTimeHeader, c.PSUAddressHeader, c.PSUAgentHeader, "x-fapi-auth-date")
	c.Locale.Check(at)
	psd2.CheckOneOf(at.Member("version"), c.Version, "3.1", "4.0")
	psd2.CheckOneOf(at.Member("owner"), c.Owner, "", none, "party", "account_party", "account_parties")
	c.Login.check(at.Member("login"))
	c.Consent.check(at.Member("consent"))
	for name, header := range map[string]string{
		"login_time_header": c.LoginTimeHeader, "psu_address_header": c.PSUAddressHeader, "psu_agent_header": c.PSUAgentHeader,
	} {
		at.Member(name).Check(isHeader(header), "%q is not the name of a header", header)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Paths)) {
		_, known := standardPaths[name]
		at.Member("paths").Member(name).Check(known, "want one of %s", strings.Join(slices.Sorted(maps.Keys(standardPaths)), ", "))
		at.Member("paths").Member(name).Check(strings.HasPrefix(c.Paths[name], "/"), "%q does not begin with a slash", c.Paths[name])
	}
	c.History.check(at.Member("history"))
	c.Pages.check(at.Member("pages"))
	c.Accounts.check(at.Member("accounts"))
	c.Balances.check(at.Member("balances"))
	c.Transactions.check(at.Member("transactions"), c.IDs)
}

func (h History) check(at datafile.Node) {
	h.History.Check(at)
	at.Member("fresh_minutes").Check(h.FreshMinutes >= 0, "%d is negative", h.FreshMinutes)
	at.Member("refreshed_days").Check(h.FreshMinutes == 0 || h.RefreshedDays > 0, "fresh_minutes needs it")
	_, err := psd2.NewDateForm(h.DateFormat)
	at.Member("date_format").Check(err == nil, "%v", err)
	psd2.Locale{Zone: h.DateZone}.Check(at.Member("date_zone"))
	at.Member("card_days").Check(h.CardDays >= 0 && h.CardDays <= h.Days, "want 0 to days, not %d", h.CardDays)
	_, err = psd2.NewDateForm(h.ToFormat)
	at.Member("to_format").Check(err == nil && h.ToFormat != none, "%q is not a form of dates", h.ToFormat)
	psd2.CheckOneOf(at.Member("date_to"), h.DateTo, "", "never", "tomorrow", "now", "today", "yesterday")
	at.Member("date_to").Check(h.DateTo != "never" || h.WindowDays == 0, "window_days needs it")
	at.Member("window_days").Check(h.DateFormat != none || h.WindowDays == 0, "a bank without dates has no periods")
}

func (a Accounts) check(at datafile.Node) {
	for _, name := range slices.Sorted(maps.Keys(a.Types)) {
		psd2.CheckOneOf(at.Member("types").Member(name), a.Types[name],
			oxlin.AccountCheckings, oxlin.AccountSavings, oxlin.AccountLoan, oxlin.AccountCreditCard)
	}
	checkMatches(at.Member("ignore"), a.Ignore)
}

func checkMatches(at datafile.Node, matches []Match) {
	for i, match := range matches {
		at.Item(i).Member("path").Check(match.Path != "", "a value is missing")
		at.Item(i).Check((match.Equals == "") != (match.Contains == ""), "want either equals or contains")
	}
}

func (b Balances) check(at datafile.Node) {
	psd2.CheckOneOf(at.Member("sign"), b.Sign, "", "indicator", "amount")
	psd2.CheckOneOf(at.Member("credit_line"), b.CreditLine, "", "keep", "subtract", "skip")
}

func (t Transactions) check(at datafile.Node, ids bank.IDClass) {
	psd2.CheckOneOf(at.Member("days"), t.Days, "", "instant", "written")
	psd2.CheckOneOf(at.Member("sign"), t.Sign, "", "indicator", "amount")
	psd2.CheckOneOf(at.Member("no_status"), t.NoStatus, "", oxlin.StatusBooked, oxlin.StatusPending, oxlin.StatusOther)
	psd2.CheckOneOf(at.Member("of_other_accounts"), t.OfOtherAccounts, "", "keep", "drop")
	for _, word := range slices.Sorted(maps.Keys(t.Statuses)) {
		psd2.CheckOneOf(at.Member("statuses").Member(word), t.Statuses[word],
			string(oxlin.StatusBooked), string(oxlin.StatusPending), string(oxlin.StatusOther), ignored)
	}
	checkMatches(at.Member("ignore"), t.Ignore)
	at.Member("id").Check(t.ID != none || ids == bank.IDNone, "ids must be NONE then, not %s", ids)
}
