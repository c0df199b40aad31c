package berlingroup

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Config describes one bank: all differences between banks with an interface of the
// Berlin Group. It is data of the catalogue; the zero value of an optional field means the
// standard's own rule.
//
// Paths are below base_url, and may hold {id} and {iban} of the account and {consent_id}.
// One that begins with // is below the host instead, and one that begins with https:// is
// an address. Queries are written as in an address, with the placeholders that their
// comments name; a parameter whose placeholder has no value is left out. An answer that is a
// list without an object around it is read as if the object were there.
type Config struct {
	psd2.Interface

	// Locale has Europe/Paris, the zone of Berlin, Vienna and Brussels too, and EUR by
	// default.
	psd2.Locale
	// ConsentHeader is the header with the consent's id in calls for data, Consent-ID by
	// default; "none" if the token alone names the consent.
	ConsentHeader string `json:"consent_header,omitempty"`
	// HeadersOn are further headers of single operations: accounts, details, balances,
	// transactions, download, consent, consent status, consent delete, authorisation start,
	// authorisation, login. Those of the consent may hold the ids of Consent.Ask.
	HeadersOn map[string]map[string]string `json:"headers_on,omitempty"`

	Consent      Consent      `json:"consent,omitzero"`
	Accounts     Accounts     `json:"accounts,omitzero"`
	Balances     Balances     `json:"balances,omitzero"`
	History      psd2.History `json:"history"`
	Transactions Transactions `json:"transactions,omitzero"`
}

// Members say where a bank writes what the standard has elsewhere: the standard's member,
// such as transactionAmount.amount, and the bank's, such as value.amount. Steps into
// objects are separated by dots, and a number is a step into a list. Of several members,
// separated by "|", the first with a value counts. A text after "=" is the value itself.
type Members map[string]string

// Accounts describes the lists of accounts.
type Accounts struct {
	// Path is /accounts by default. Query may hold {consent_id}; "none" sends no query
	// where another member gives it a default.
	Path  string `json:"path,omitempty"`
	Query string `json:"query,omitempty"`
	// Accept overrides accept for the lists of accounts.
	Accept string `json:"accept,omitempty"`
	// Cards also reads CardPath, /card-accounts by default.
	Cards    bool   `json:"cards,omitempty"`
	CardPath string `json:"card_path,omitempty"`
	// Details also reads DetailsPath of each account, /accounts/{id} by default, for
	// members that the list lacks. With /accounts/{id}/balances an account of several
	// currencies is one of each also at a bank whose list has no balances.
	Details     bool   `json:"details,omitempty"`
	DetailsPath string `json:"details_path,omitempty"`
	// List is the member with the list, accounts (or cardAccounts) by default.
	List string `json:"list,omitempty"`
	// ID is the member with the id in addresses; resourceId, else iban, by default. Several
	// are separated by "|".
	ID      string  `json:"id,omitempty"`
	Members Members `json:"members,omitempty"`
	// Leave are values of status whose accounts are left out, deleted and closed by default.
	Leave []string `json:"leave,omitempty"`
	// LeaveWhere leaves out accounts by the values of members of the bank.
	LeaveWhere map[string][]string `json:"leave_where,omitempty"`
	// Types maps the bank's words in cashAccountType or product to the types of accounts.
	Types map[string]oxlin.AccountType `json:"types,omitempty"`
	Pages Pages                        `json:"pages,omitzero"`
}

// Balances describes where balances are.
type Balances struct {
	// From is "resource", the default: Path, /accounts/{id}/balances by default; "list":
	// the list of accounts, whose query then is withBalance=true by default; or "details":
	// the account's own resource, with Query.
	From     string `json:"from,omitempty"`
	Path     string `json:"path,omitempty"`
	CardPath string `json:"card_path,omitempty"`
	Query    string `json:"query,omitempty"`
	Accept   string `json:"accept,omitempty"`
	// List is the member with the list, balances by default.
	List    string  `json:"list,omitempty"`
	Members Members `json:"members,omitempty"`
	// Fields are balances that are members of the account: each has the members amount and
	// balanceType, and may have others of a balance, with values as in Members.
	Fields []Members `json:"fields,omitempty"`
	// Types maps words of the bank to codes of ISO 20022, such as CLBD.
	Types map[string]string `json:"types,omitempty"`
	// Priority orders the codes: the bank shows its customers the first; by default the
	// booked one. Of one type, one without a credit limit comes first.
	Priority []string `json:"priority,omitempty"`
	// Sign is that of Transactions, and CardSign that of card accounts, Sign by default.
	Sign     string `json:"sign,omitempty"`
	CardSign string `json:"card_sign,omitempty"`
}

// Transactions describes the lists of transactions.
type Transactions struct {
	// Path is /accounts/{id}/transactions by default.
	Path     string `json:"path,omitempty"`
	CardPath string `json:"card_path,omitempty"`
	// Query may hold {status}, {from}, {to}, {page}, {id}, {iban} and {currency};
	// bookingStatus={status}&dateFrom={from}&dateTo={to} by default. {to} has a value only
	// where a period is asked for that ends before today, unless ToToday is set.
	Query   string `json:"query,omitempty"`
	ToToday bool   `json:"to_today,omitempty"`
	// ToExclusive is set if the bank's {to} is the first day that is not wanted.
	ToExclusive bool `json:"to_exclusive,omitempty"`
	// Statuses are the values of {status}, each asked for by itself: ["both"] by default,
	// ["booked", "pending"] for a bank that refuses it.
	Statuses []string `json:"statuses,omitempty"`
	// Queries are in the place of Query for single statuses. One without {from} and {to}, such
	// as bookingStatus=pending, is asked for with the newest days alone, if another one has them.
	Queries map[string]string `json:"queries,omitempty"`
	// DateFormat is "date", the default; "local" (2006-01-02T15:04:05); "instant" and "millis",
	// the midnight of the bank's zone in universal time; "utc" and "utc_millis", that of
	// universal time; "compact" (20060102); or another layout of Go, such as 02.01.2006.
	DateFormat string `json:"date_format,omitempty"`
	// Accept is the media type: application/json by default, application/xml for camt,
	// text/plain for MT940. The answer's first bytes decide what it is.
	Accept string `json:"accept,omitempty"`
	// List is the member that holds the lists, transactions by default, cardTransactions of a
	// card account.
	List string `json:"list,omitempty"`
	// Lists maps the members with lists to statuses: booked is BOOKED, pending is PENDING,
	// information is "", which leaves its rows out.
	Lists   map[string]oxlin.TransactionStatus `json:"lists,omitempty"`
	Members Members                            `json:"members,omitempty"`
	// Statement maps nothing, but names the references that identify a row of camt or
	// MT940, the best first: see statement.Options.
	Statement []string `json:"statement_ids,omitempty"`
	// ID is the member with a transaction's id: "transactionId|entryReference|cardTransactionId"
	// by default, "none" for none. IDs of Interface classifies it.
	ID string `json:"id,omitempty"`
	// Status is the member in which a row itself tells its status; by default its list
	// does. Words maps words of the bank, such as completed, to a status, "" for rows that
	// are left out.
	Status string                             `json:"status,omitempty"`
	Words  map[string]oxlin.TransactionStatus `json:"words,omitempty"`
	// LeaveWhere leaves out rows by the values of members of the bank.
	LeaveWhere map[string][]string `json:"leave_where,omitempty"`
	// Sign tells a debit: "amount", the default, by the minus of the amount; "reversed", by
	// its absence; "parties", by the creditor being another one, where the amount has no
	// minus; "indicator", by creditDebitIndicator alone. With "amount" and "parties" an
	// indicator wins where there is one. PendingSign is Sign for pending rows, CardSign for
	// card accounts and for accounts of that type.
	Sign        string `json:"sign,omitempty"`
	PendingSign string `json:"pending_sign,omitempty"`
	CardSign    string `json:"card_sign,omitempty"`
	// NamesAccount refuses an answer that names another account than the one asked for.
	NamesAccount bool  `json:"names_account,omitempty"`
	Pages        Pages `json:"pages,omitzero"`
}

// Pages describes how a list continues.
type Pages struct {
	// Links are the names of the link to the next page: next, nextPage and next_page by
	// default. One with a dot is a path from the answer's root, such as paging.next.
	Links []string `json:"links,omitempty"`
	// Follow is "resource", the default, for links of which only what follows the
	// resource's own path counts, whatever prefix or host they have; or "path" for a bank
	// whose pages have a path of their own, which is followed as it is.
	Follow string `json:"follow,omitempty"`
	// Parameter is the parameter that counts the pages, for a bank without links, and
	// First the number of the first page. Step is by how much the number grows, 1 by default:
	// where the parameter counts rows, it is the rows of a page.
	Parameter string `json:"parameter,omitempty"`
	First     int    `json:"first,omitempty"`
	Step      int    `json:"step,omitempty"`
	// What tells the end is one of these: Next is the member with the next page's number or
	// mark, More that is true while another page follows (or with "!" before it, false),
	// Total that with the number of the last page, Count that with how many pages there are, Rows
	// that with how many rows there are, and Size the rows of a full page. Without these, and where an
	// answer lacks a total, a page without rows is the last.
	Next  string `json:"next,omitempty"`
	More  string `json:"more,omitempty"`
	Total string `json:"total,omitempty"`
	Count string `json:"count,omitempty"`
	Rows  string `json:"rows,omitempty"`
	Size  int    `json:"size,omitempty"`
	// RepeatEnds is set if the last page links to an earlier one, as if more followed.
	RepeatEnds bool `json:"repeat_ends,omitempty"`
}

// The operations, as psd2.Answer.On and Config.HeadersOn name them.
const (
	opAccounts      = "accounts"
	opDetails       = "details"
	opBalances      = "balances"
	opTransactions  = "transactions"
	opDownload      = "download"
	opConsent       = "consent"
	opConsentStatus = "consent status"
	opConsentDelete = "consent delete"
	opAuthorisation = "authorisation"
	// opStart begins an authorisation, and opLogin is the address of OAuth2 that we call.
	opStart = "authorisation start"
	opLogin = "login"
)

var operations = []string{
	opAccounts, opDetails, opBalances, opTransactions, opDownload, opConsent, opConsentStatus, opConsentDelete, opAuthorisation,
	opStart, opLogin, psd2.OpClient,
}

// usualList is the member with the lists of transactions.
const usualList = "transactions"

// dateLayouts are the formats of {from} and {to}.
var dateLayouts = map[string]string{
	"date": time.DateOnly, "local": "2006-01-02T15:04:05", "compact": "20060102",
	"instant": "2006-01-02T15:04:05Z", "millis": "2006-01-02T15:04:05.000Z",
	"utc": "2006-01-02T15:04:05Z", "utc_millis": "2006-01-02T15:04:05.000Z",
}

// withDefaults returns the data with the standard's rules in the place of zero values.
func (c Config) withDefaults() Config {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	set(&c.Currency, "EUR")
	set(&c.ConsentHeader, "Consent-ID")
	c.Consent = c.Consent.withDefaults()
	set(&c.Accounts.Path, "/accounts")
	set(&c.Accounts.CardPath, "/card-accounts")
	set(&c.Accounts.DetailsPath, c.Accounts.Path+"/{id}")
	set(&c.Accounts.ID, "resourceId|iban|bban|maskedPan")
	if c.Accounts.Leave == nil {
		c.Accounts.Leave = []string{"deleted", "closed"}
	}
	set(&c.Balances.From, "resource")
	if c.Balances.From == "list" {
		set(&c.Accounts.Query, "withBalance=true")
	}
	if c.Accounts.Query == "none" {
		c.Accounts.Query = ""
	}
	set(&c.Balances.Path, c.Accounts.Path+"/{id}/balances")
	set(&c.Balances.CardPath, c.Accounts.CardPath+"/{id}/balances")
	set(&c.Balances.List, "balances")
	if len(c.Balances.Priority) == 0 {
		c.Balances.Priority = []string{"CLBD", "ITBD", "XPCD", "ITAV", "CLAV", "FWAV", "VALU", "AUTH", "OTHR"}
	}
	set(&c.Balances.Sign, "amount")
	set(&c.Balances.CardSign, c.Balances.Sign)
	t := &c.Transactions
	set(&t.Path, c.Accounts.Path+"/{id}/transactions")
	set(&t.CardPath, c.Accounts.CardPath+"/{id}/transactions")
	set(&t.Query, "bookingStatus={status}&dateFrom={from}&dateTo={to}")
	if len(t.Statuses) == 0 {
		t.Statuses = []string{"both"}
	}
	set(&t.DateFormat, "date")
	set(&t.List, usualList)
	if len(t.Lists) == 0 {
		t.Lists = map[string]oxlin.TransactionStatus{"booked": oxlin.StatusBooked, "pending": oxlin.StatusPending, "information": ""}
	}
	set(&t.ID, "transactionId|entryReference|cardTransactionId")
	set(&t.Sign, "amount")
	set(&t.PendingSign, t.Sign)
	set(&t.CardSign, t.Sign)
	return c
}

// check reports every fault of the data.
func (c Config) check(at datafile.Node) {
	c.CheckAPI(at, operations...)
	c.Locale.Check(at)
	usesOAuth := c.OAuth.ClientID != "" || c.OAuth.AuthorizeURL != "" || c.OAuth.TokenURL != "" || c.OAuth.ClientAuthentication != ""
	if usesOAuth {
		c.CheckOAuth(at.Member("oauth"), c.Consent.Discover || c.Consent.Before == "client" && c.OAuth.AuthorizeURL == "" && c.OAuth.TokenURL != "")
	}
	c.Consent.check(at.Member("consent"), usesOAuth)
	for _, operation := range slices.Sorted(maps.Keys(c.HeadersOn)) {
		at.Member("headers_on").Member(operation).Check(slices.Contains(operations, operation), "%q is no such operation", operation)
	}
	sent := []string{c.ConsentHeader, "Consent-ID", "TPP-Redirect-URI", "TPP-Nok-Redirect-URI"}
	for _, headers := range c.HeadersOn {
		sent = slices.AppendSeq(sent, maps.Keys(headers))
	}
	c.CheckSigned(at, dialect, sent...)
	c.Accounts.check(at.Member("accounts"))
	c.Balances.check(at.Member("balances"))
	c.History.Check(at.Member("history"))
	c.Transactions.check(at.Member("transactions"), c.History.WindowDays > 0)
}

func (a Accounts) check(at datafile.Node) {
	checkPath(at.Member("path"), a.Path, false)
	checkPath(at.Member("card_path"), a.CardPath, false)
	checkPath(at.Member("details_path"), a.DetailsPath, true)
	for _, word := range slices.Sorted(maps.Keys(a.Types)) {
		psd2.CheckOneOf(at.Member("types").Member(word), a.Types[word], oxlin.AccountCheckings, oxlin.AccountSavings, oxlin.AccountLoan, oxlin.AccountCreditCard)
	}
	a.Pages.check(at.Member("pages"))
}

func (b Balances) check(at datafile.Node) {
	psd2.CheckOneOf(at.Member("from"), b.From, "", "resource", "list", "details")
	checkPath(at.Member("path"), b.Path, true)
	checkPath(at.Member("card_path"), b.CardPath, true)
	for name, sign := range map[string]string{"sign": b.Sign, "card_sign": b.CardSign} {
		checkSign(at.Member(name), sign)
		at.Member(name).Check(sign != "parties", "a balance has no parties")
	}
	for i, field := range b.Fields {
		at.Member("fields").Item(i).Check(field["amount"] != "", "want amount")
	}
}

func (t Transactions) check(at datafile.Node, windows bool) {
	checkPath(at.Member("path"), t.Path, !strings.Contains(t.Query, "{i"))
	checkPath(at.Member("card_path"), t.CardPath, true)
	at.Member("query").Check(t.Query == "" || strings.Contains(t.Query, "{to}") || !windows, "window_days needs {to}")
	own := 0
	for _, status := range slices.Sorted(maps.Keys(t.Queries)) {
		at.Member("queries").Member(status).Check(slices.Contains(t.Statuses, status), "%q is not one of statuses", status)
		own++
	}
	at.Member("query").Check(t.Query == "" || strings.Contains(t.Query, "{status}") || len(t.Statuses) < 2+own, "several statuses need {status}")
	if t.DateFormat != "" && !strings.Contains(t.DateFormat, "2006") {
		psd2.CheckOneOf(at.Member("date_format"), t.DateFormat, slices.Sorted(maps.Keys(dateLayouts))...)
	}
	checkSign(at.Member("sign"), t.Sign)
	checkSign(at.Member("pending_sign"), t.PendingSign)
	checkSign(at.Member("card_sign"), t.CardSign)
	for _, words := range []struct {
		name string
		of   map[string]oxlin.TransactionStatus
	}{{"lists", t.Lists}, {"words", t.Words}} {
		for _, word := range slices.Sorted(maps.Keys(words.of)) {
			psd2.CheckOneOf(at.Member(words.name).Member(word), words.of[word], "", oxlin.StatusBooked, oxlin.StatusPending, oxlin.StatusOther)
		}
	}
	t.Pages.check(at.Member("pages"))
}

func (p Pages) check(at datafile.Node) {
	psd2.CheckOneOf(at.Member("follow"), p.Follow, "", "resource", "path")
	counted := p.Size != 0 || p.Step != 0
	ends := 0
	for _, end := range []string{p.Next, p.More, p.Total, p.Count, p.Rows} {
		if end != "" {
			counted = true
			ends++
		}
	}
	at.Member("parameter").Check(!counted || p.Parameter != "", "step and the members that tell the end need it")
	at.Check(ends < 2, "want one of next, more, total, count and rows")
	at.Member("size").Check(p.Size >= 0, "%d is negative", p.Size)
	at.Member("step").Check(p.Step >= 0, "%d is negative", p.Step)
	at.Member("rows").Check(p.Rows == "" || p.Step > 0 || p.Size > 0, "the rows of a page are not known: want step or size")
}

func checkSign(at datafile.Node, sign string) {
	psd2.CheckOneOf(at, sign, "", "amount", "reversed", "parties", "indicator")
}

// checkPath reports a text that is not a path, or that names no account although it has to.
func checkPath(at datafile.Node, path string, ofAccount bool) {
	if path == "" {
		return
	}
	at.Check(strings.HasPrefix(path, "/") || strings.HasPrefix(path, "https://"), "%q begins with neither / nor https://", path)
	at.Check(!ofAccount || strings.Contains(path, "{id}") || strings.Contains(path, "{iban}"), "%q names no account: want {id} or {iban}", path)
}
