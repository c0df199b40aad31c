package psd2_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Harbour is a standard that does not exist. Its connector shows that a second
// standard needs psd2 alone: it holds the addresses and the members of the standard,
// and everything else is called.

// The operations of Harbour.
const (
	opAccounts     = "accounts"
	opBalances     = "balances"
	opTransactions = "transactions"
)

// dialect differs from that of STET in every field that the suite for connectors
// leaves open.
var dialect = psd2.Dialect{
	Accept:     "application/vnd.harbour+json",
	PSUAddress: "PSU-IP-Address",
	PSUAgent:   "PSU-Browser",
	RequestID:  "Call-ID",
	ErrorText: func(body []byte) string {
		var e psd2.Optional[struct {
			Messages []struct {
				Code psd2.Text `json:"code"`
			} `json:"tppMessages"`
		}]
		_ = json.Unmarshal(body, &e)
		if len(e.Value.Messages) == 0 {
			return ""
		}
		return string(e.Value.Messages[0].Code)
	},
	ErrorCodes: func(body []byte) []string {
		var e psd2.Optional[struct {
			Messages []struct {
				Code string `json:"code"`
			} `json:"tppMessages"`
		}]
		_ = json.Unmarshal(body, &e)
		var codes []string
		for _, message := range e.Value.Messages {
			codes = append(codes, message.Code)
		}
		return codes
	},
	Codes: map[string]string{"CONSENT_OVER": string(bank.AccessLost)},
}

// harbourConfig is the catalogue's data of one bank.
type harbourConfig struct {
	psd2.Interface
	History psd2.History `json:"history"`
}

// harbourDriver is the entry that the catalogue would list.
func harbourDriver() psd2.Driver {
	return psd2.Driver{
		Name: "harbour", Modes: []oxlin.Mode{oxlin.ModeRedirect},
		Read: func(config any, _ oxlin.ChannelDefinition, at datafile.Node) psd2.Settings {
			var c harbourConfig
			datafile.Decode(config, &c, at)
			c.Interface.Check(at, "accounts", opAccounts, opBalances, opTransactions)
			c.History.Check(at.Member("history"))
			return psd2.Settings{
				Signed:  c.Signing != nil,
				Connect: func(deps psd2.Deps) (bank.Connector, error) { return newHarbour(c, deps) },
			}
		},
	}
}

type harbour struct {
	psd2.Authorizer
	config harbourConfig
	api    *psd2.Client
}

var (
	_ bank.Connector = (*harbour)(nil)
	_ bank.Continuer = (*harbour)(nil)
	_ bank.Revoker   = (*harbour)(nil)
)

func newHarbour(config harbourConfig, deps psd2.Deps) (*harbour, error) {
	api, err := psd2.NewClient(config.Interface, dialect, deps)
	if err != nil {
		return nil, err
	}
	return &harbour{psd2.NewAuthorizer(api), config, api}, nil
}

func (h *harbour) Profile() bank.Profile {
	return bank.Profile{
		IDs: h.config.IDs, UnattendedPerDay: h.config.UnattendedPerDay,
		HistoryDays: h.config.History.Days, RequestsPerMinute: h.config.RequestsPerMinute,
	}
}

// harbourLinks are the links of a page.
type harbourLinks struct {
	Next psd2.Link `json:"next"`
	Self psd2.Link `json:"self"`
}

func (h *harbour) Accounts(ctx context.Context, call bank.Call, cursor string) (bank.AccountsPage, error) {
	at, err := psd2.ReadPosition(cursor)
	if err != nil {
		return bank.AccountsPage{}, err
	}
	asked := at.Target
	list, err := h.api.SendList(ctx, call, psd2.Request{Op: opAccounts, Resource: "/accounts" + asked.Path, Query: asked.Query}, "accounts")
	if err != nil {
		return bank.AccountsPage{}, err
	}
	var links psd2.Optional[harbourLinks]
	list.Member("links", &links)
	repeated := at.Advance(psd2.Answered{
		Resource: "/accounts", Asked: asked, Records: list.Records, Next: links.Value.Next, Self: links.Value.Self,
	})
	if repeated || at.Failure() != nil {
		return bank.AccountsPage{}, at.Failure()
	}
	page := bank.AccountsPage{Next: at.Cursor()}
	for _, raw := range list.Records {
		var record struct {
			ID       psd2.ID      `json:"resourceId"`
			IBAN     psd2.Written `json:"iban"`
			PAN      psd2.ID      `json:"pan"`
			Name     psd2.Text    `json:"name"`
			Product  psd2.Text    `json:"product"`
			Currency psd2.Written `json:"currency"`
			Settled  psd2.ID      `json:"settledOn"`
		}
		err := json.Unmarshal(raw, &record)
		if err != nil {
			return bank.AccountsPage{}, psd2.Nonsense(psd2.DescribeJSON(err))
		}
		account := bank.Account{
			Address: string(record.ID), BankID: string(record.ID), Name: string(psd2.First(record.Name, record.Product)),
			Type: oxlin.AccountCheckings, Currency: psd2.Currency("EUR", record.Currency),
			IBAN: psd2.Read(record.IBAN, notation.IBAN).Or(""), LinkedAddress: string(record.Settled), Raw: raw,
		}
		account.Number = psd2.FrenchNumber(account.IBAN)
		if record.PAN != "" {
			account.Type, account.MaskedNumber = oxlin.AccountCreditCard, notation.CardNumber(string(record.PAN))
		}
		page.Accounts = append(page.Accounts, account)
	}
	psd2.LinkCards(page.Accounts)
	return page, nil
}

func (h *harbour) Balances(ctx context.Context, call bank.Call, account bank.AccountRef, cursor string) (bank.Balances, error) {
	if cursor != "" {
		return bank.Balances{}, psd2.ForeignCursor()
	}
	type record struct {
		Amount psd2.Amount  `json:"balanceAmount"`
		Type   psd2.Written `json:"balanceType"`
		Date   psd2.Written `json:"referenceDate"`
	}
	var body struct {
		Balances []record `json:"balances"`
	}
	err := h.api.Send(ctx, call, psd2.Request{Op: opBalances, Resource: resourceOf(account, "balances")}, &body)
	if err != nil {
		return bank.Balances{}, err
	}
	if len(body.Balances) == 0 {
		return bank.Balances{}, nil
	}
	kind := func(r record) string { return psd2.Read(r.Type, notation.ReadBalanceType).Or("") }
	rank := func(r record) int {
		foreign := psd2.Currency(account.Currency, r.Amount.Currency) != account.Currency
		return psd2.BalanceRank([]string{"ITAV", "CLBD"}, kind(r), foreign)
	}
	best := slices.MinFunc(body.Balances, func(a, b record) int { return cmp.Compare(rank(a), rank(b)) })
	money, _ := best.Amount.Read(harbourConvention, account.Currency).Told()
	balance := oxlin.Balance{
		Type: oxlin.BalanceBooked, Amount: money.Amount, Currency: money.Currency, Date: dayIn(best.Date),
	}
	if kind(best) == "ITAV" {
		balance.Type = oxlin.BalanceAvailable
	}
	return bank.Balances{All: []oxlin.Balance{balance}, Shown: &balance}, nil
}

func (h *harbour) Transactions(
	ctx context.Context, call bank.Call, account bank.AccountRef, from oxlin.Date, cursor string,
) (bank.TransactionsPage, error) {
	at, err := psd2.ReadPosition(cursor)
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	if cursor == "" {
		at.Window = h.config.History.Newest(h.api.Now(), oxlin.Paris, call.Access.Refreshed, from)
	}
	window, asked := at.Window, at.Target
	if asked.IsZero() {
		first, end := window.Requested()
		asked.Query = "from=" + first.String()
		if !end.IsZero() {
			asked.Query += "&until=" + end.String()
		}
	}
	var body struct {
		Transactions struct {
			Booked  []json.RawMessage           `json:"booked"`
			Pending []json.RawMessage           `json:"pending"`
			Links   psd2.Optional[harbourLinks] `json:"links"`
		} `json:"transactions"`
	}
	resource := resourceOf(account, "transactions")
	err = h.api.Send(ctx, call, psd2.Request{Op: opTransactions, Resource: resource + asked.Path, Query: asked.Query}, &body)
	if err != nil {
		return bank.TransactionsPage{}, err
	}
	rows := slices.Concat(body.Transactions.Booked, body.Transactions.Pending)
	links := body.Transactions.Links.Value
	repeated := at.Advance(psd2.Answered{
		Resource: resource, Asked: asked, Records: rows, Next: links.Next, Self: links.Self, Days: make([]oxlin.Date, 1), Today: oxlin.DateIn(h.api.Now(), oxlin.Paris),
	})
	if at.Target.IsZero() {
		at.Older(h.config.History)
	}
	page := bank.TransactionsPage{CoveredFrom: window.First, Next: at.Cursor(), Broken: at.Broken}
	if repeated {
		return page, nil
	}
	for n, raw := range rows {
		var record struct {
			ID         psd2.ID         `json:"transactionId"`
			Amount     psd2.Amount     `json:"transactionAmount"`
			Booked     psd2.Written    `json:"bookingDate"`
			Value      psd2.Written    `json:"valueDate"`
			Creditor   psd2.Text       `json:"creditorName"`
			Debtor     psd2.Text       `json:"debtorName"`
			Remittance json.RawMessage `json:"remittance"`
		}
		err := json.Unmarshal(raw, &record)
		if err != nil {
			return bank.TransactionsPage{}, psd2.Nonsense(psd2.DescribeJSON(err))
		}
		money, known := record.Amount.Read(harbourConvention, account.Currency).Told()
		row := bank.Transaction{
			BankID: string(record.ID), Status: oxlin.StatusBooked, Amount: money.Amount, Currency: money.Currency,
			BookingDate: dayIn(record.Booked), ValueDate: dayIn(record.Value),
			Counterparty: string(psd2.First(record.Creditor, record.Debtor)),
			Remittance:   psd2.ReadLines(record.Remittance), Raw: raw,
		}
		if n >= len(body.Transactions.Booked) {
			row.Status = oxlin.StatusPending
		}
		if known && (window.Owns(row.Date()) || row.Date().IsZero() && at.IsNewUndated(raw)) {
			page.Transactions = append(page.Transactions, row)
		}
	}
	return page, nil
}

// harbourConvention is how the banks of this standard write amounts and dates.
var harbourConvention = notation.Interface(notation.DayFirst)

func dayIn(written psd2.Written) oxlin.Date {
	day, _ := psd2.Read(written, harbourConvention.Day).Told()
	return day.In(oxlin.Paris)
}

func resourceOf(account bank.AccountRef, name string) string {
	return "/accounts/" + url.PathEscape(account.Address) + "/" + name
}

// harbourBank is a bank that speaks Harbour. Its customer has an account and a card;
// the account has a booked row every ten days.
type harbourBank struct {
	mu   sync.Mutex
	seen []*http.Request
}

func (b *harbourBank) take() []*http.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := b.seen
	b.seen = nil
	return seen
}

func (b *harbourBank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.seen = append(b.seen, r)
	b.mu.Unlock()
	if r.URL.Path == "/token" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
		return
	}
	if r.Header.Get("Authorization") != "Bearer the-token" {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"tppMessages":[{"code":"TOKEN_UNKNOWN"}]}`)
		return
	}
	query := r.URL.Query()
	switch r.URL.EscapedPath() {
	case "/harbour/v1/accounts":
		if query.Get("page") == "" {
			fmt.Fprint(w, `{"accounts":[{"resourceId":"a/1","iban":"FR76 1090 7000 3012 3456 7890 125","name":"Compte"}],
				"links":{"self":{"href":"/accounts"},"next":{"href":"/v9/accounts?page=2"}}}`)
			return
		}
		fmt.Fprint(w, `{"accounts":[{"resourceId":2,"pan":"4970101234567890","product":"Visa","settledOn":"a/1"}]}`)
	case "/harbour/v1/accounts/a%2F1/balances":
		fmt.Fprint(w, `{"balances":[{"balanceType":"closingBooked","balanceAmount":{"amount":"1.00"}},
			{"balanceType":"interimAvailable","referenceDate":"2026-11-20","balanceAmount":{"amount":"2.50","currency":"EUR"}}]}`)
	case "/harbour/v1/accounts/2/balances":
		fmt.Fprint(w, `{"balances":[{"balanceType":"closingBooked","balanceAmount":{"amount":-30}}]}`)
	case "/harbour/v1/accounts/a%2F1/transactions":
		b.transactions(w, query)
	case "/harbour/v1/accounts/2/transactions":
		w.WriteHeader(http.StatusNoContent)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// transactions answers with at most three rows a page.
func (b *harbourBank) transactions(w http.ResponseWriter, query url.Values) {
	until := query.Get("until")
	var rows []string
	for n := range 36 {
		day := oxlin.NewDate(2026, 11, 20).AddDays(-10 * n).String()
		if day >= query.Get("from") && (until == "" || day < until) {
			rows = append(rows, fmt.Sprintf(`{"transactionId":"T%d","transactionAmount":{"amount":"%d.10","currency":"EUR"},
				"bookingDate":"%s","remittance":["ROW %d",""],"creditorName":"SHOP"}`, n, -n-1, day, n))
		}
	}
	var page int
	_, _ = fmt.Sscan(query.Get("page"), &page) // page 0 has no parameter
	first := min(3*page, len(rows))
	last := min(first+3, len(rows))
	links := ""
	if last < len(rows) {
		query.Set("page", fmt.Sprint(page+1))
		links = `,"links":{"next":"?` + query.Encode() + `"}`
	}
	pending := ""
	if page == 0 && until == "" {
		pending = `{"transactionAmount":{"amount":"-5"},"valueDate":"2026-11-23"}`
	}
	fmt.Fprintf(w, `{"transactions":{"booked":[%s],"pending":[%s]%s}}`, strings.Join(rows[first:last], ","), pending, links)
}

// connectHarbour makes the connector as the catalogue does: from a file's text,
// through the driver.
func connectHarbour(t testing.TB, transport http.RoundTripper) bank.Connector {
	t.Helper()
	tree, err := datafile.Parse([]byte(harbourFile))
	if err != nil {
		t.Fatal(err)
	}
	var report datafile.Report
	settings := harbourDriver().Read(tree, oxlin.ChannelDefinition{}, report.Root())
	if report.Err() != nil {
		t.Fatal(report.Err())
	}
	key, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	connector, err := settings.Connect(psd2.Deps{
		Transport: transport, Seal: psd2.Seal{Key: key},
		Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return connector
}

const harbourFile = `{
	"base_url": "https://bank.example/harbour/v1",
	"oauth": {
		"authorize_url": "https://bank.example/authorize", "token_url": "https://bank.example/token",
		"client_id": "PSDFR-ACPR-12345", "client_authentication": "none", "scopes": "accounts", "pkce": true
	},
	"signing": {"algorithm": "rsa-sha256", "headers": ["(request-target)", "call-id"], "key_id": "{fingerprint}"},
	"consent_days": 180, "unattended_per_day": 4, "ids": "STABLE",
	"history": {"days": 360, "window_days": 60}
}`

func TestASecondStandardNeedsThisPackageAlone(t *testing.T) {
	server := &harbourBank{}
	transport := banktest.Serve(t, server)
	attended, lost := call, call
	attended.PSU = &oxlin.PSU{IP: "192.0.2.7", UserAgent: "Firefox"}
	lost.Access.Token = oxlin.NewSecret("an-old-token")
	banktest.Exercise(t, banktest.Subject{
		New:  func() bank.Connector { return connectHarbour(t, transport) },
		Call: attended, Lost: lost, From: oxlin.NewDate(2025, 12, 1), Seen: server.take,
	})
}

func TestASecondStandardReadsEveryRowOnce(t *testing.T) {
	connector := connectHarbour(t, banktest.Serve(t, &harbourBank{}))
	var got []string
	cursor := ""
	for {
		page, err := connector.Transactions(t.Context(), call, bank.AccountRef{Address: "a/1", Currency: "EUR"}, oxlin.Date{}, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Transactions {
			got = append(got, row.BankID)
		}
		cursor = page.Next
		if cursor == "" {
			break
		}
	}
	want := []string{""} // the pending row has no id
	for n := range 36 {
		want = append(want, fmt.Sprintf("T%d", n))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("rows are %v, want %v", got, want)
	}
	balances, err := connector.Balances(t.Context(), call, bank.AccountRef{Address: "a/1", Currency: "EUR"}, "")
	if err != nil || balances.Shown == nil {
		t.Fatalf("balances are %+v, %v", balances, err)
	}
	balance := *balances.Shown
	if balance.Amount.String() != "2.5" || balance.Type != oxlin.BalanceAvailable || balance.Date.String() != "2026-11-20" {
		t.Errorf("balance is %+v", balance)
	}
}
