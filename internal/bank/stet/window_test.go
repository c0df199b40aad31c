package stet_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/psd2"
	"github.com/oxlin/oxlin/internal/bank/stet"
)

func TestHowTheFirstDayIsWritten(t *testing.T) {
	tests := map[string]string{
		"date":    "2026-07-01",
		"instant": "2026-06-30T22%3A00%3A00Z",
		"millis":  "2026-06-30T22%3A00%3A00.000Z",
		"local":   "2026-07-01T00%3A00%3A00",
		"offset":  "2026-07-01T00%3A00%3A00%2B02%3A00", "offset_millis": "2026-07-01T00%3A00%3A00.000%2B02%3A00",
	}
	for format, want := range tests {
		for _, withEnd := range []bool{false, true} {
			config := plain()
			config.History.DateFormat, config.History.DateTo = format, withEnd
			ask := "GET /psd2/v1/accounts/1/transactions?dateFrom=" + want
			if withEnd {
				end := map[string]string{"date": "2026-11-22", "instant": "2026-11-21T23%3A00%3A00Z", "millis": "2026-11-21T23%3A00%3A00.000Z", "local": "2026-11-22T00%3A00%3A00",
					"offset": "2026-11-22T00%3A00%3A00%2B01%3A00", "offset_millis": "2026-11-22T00%3A00%3A00.000%2B01%3A00"}
				ask += "&dateTo=" + end[format]
			}
			connector := connectUnchecked(t, config, banktest.NewScript(t, banktest.Exchange{Ask: ask}))
			_, err := connector.Transactions(t.Context(), call, account, oxlin.NewDate(2026, 7, 1), "")
			if err != nil {
				t.Error(err)
			}
		}
	}
}

func TestHowFarBackABankIsAsked(t *testing.T) {
	tests := []struct {
		name      string
		from      oxlin.Date
		refreshed bool
		want      string
	}{
		{"as far as its history goes", oxlin.Date{}, false, "2025-11-21"},
		{"no further than we want to", oxlin.NewDate(2026, 10, 1), false, "2026-10-01"},
		{"less with a refreshed token", oxlin.Date{}, true, "2026-08-24"},
		{"no further than we want to with a refreshed token", oxlin.NewDate(2026, 10, 1), true, "2026-10-01"},
		{"not into the future", oxlin.NewDate(2027, 1, 1), false, "2026-11-21"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := plain()
			config.History = stet.History{History: psd2.History{Days: 365, RefreshedDays: 89}, DateFormat: "date"}
			script := banktest.NewScript(t, banktest.Exchange{Ask: "GET /psd2/v1/accounts/1/transactions?dateFrom=" + test.want})
			asked := call
			asked.Access.Refreshed = test.refreshed
			page, err := connectUnchecked(t, config, script).Transactions(t.Context(), asked, account, test.from, "")
			if err != nil || page.CoveredFrom.String() != test.want || page.Next != "" {
				t.Errorf("%+v, %v", page, err)
			}
		})
	}
}

func TestABankThatNowGivesAShorterHistoryIsAskedForThat(t *testing.T) {
	config := plain()
	config.History = stet.History{History: psd2.History{Days: 365, RefreshedDays: 89}, DateFormat: "date"}
	config.Answers = []psd2.Answer{{On: "transactions", Status: 403, Contains: "too old", Means: "short history"}}
	tooOld := banktest.Exchange{Status: 403, Body: `{"message":"dateFrom too old"}`}
	script := banktest.NewScript(t, tooOld, banktest.Exchange{
		Ask: "GET /psd2/v1/accounts/1/transactions?dateFrom=2026-08-24", Body: page("", booked("2026-11-20", "A")),
	})
	read, err := connectUnchecked(t, config, script).Transactions(t.Context(), call, account, oxlin.Date{}, "")
	if err != nil || len(read.Transactions) != 1 || read.CoveredFrom.String() != "2026-08-24" {
		t.Errorf("%+v, %v", read, err)
	}
	_, err = connectUnchecked(t, config, banktest.NewScript(t, tooOld, tooOld)).Transactions(t.Context(), call, account, oxlin.Date{}, "")
	wantKind(t, err, bank.Refused)
}

// Days before another are asked for with an end that is a day late, because some banks
// exclude it, and rows after them are left out, because some banks ignore it.
func TestDaysBeforeAnother(t *testing.T) {
	shown := page("", booked("2026-11-20", "A"), booked("2026-10-11", "B"), booked("2026-10-10", "C"), booked("2026-03-01", "D"))
	history := func(days, refreshed, window int) psd2.History {
		return psd2.History{Days: days, RefreshedDays: refreshed, WindowDays: window}
	}
	tests := []struct {
		name  string
		until oxlin.Date
		stet.History
		refreshed bool
		ask       string // empty if the bank must not be asked
		want      string // the rows
		whole     string
	}{
		{"with an end", oxlin.NewDate(2026, 10, 11), stet.History{History: history(365, 0, 0)}, false, "dateFrom=2026-03-01&dateTo=2026-10-12", "CD", "2026-03-01"},
		{"without any", oxlin.Date{}, stet.History{History: history(365, 0, 0)}, false, "dateFrom=2026-03-01", "ABCD", "2026-03-01"},
		{"after today", oxlin.NewDate(2026, 11, 22), stet.History{History: history(365, 0, 0)}, false, "dateFrom=2026-03-01", "ABCD", "2026-03-01"},
		{"of today", oxlin.NewDate(2026, 11, 21), stet.History{History: history(365, 0, 0)}, false, "dateFrom=2026-03-01&dateTo=2026-11-22", "ABCD", "2026-03-01"},
		{"a bank without ends", oxlin.NewDate(2026, 10, 11), stet.History{History: history(365, 0, 0), NoDateTo: true}, false, "dateFrom=2026-03-01", "CD", "2026-03-01"},
		{"a bank that demands ends", oxlin.NewDate(2026, 10, 11), stet.History{History: history(365, 0, 0), DateTo: true}, false, "dateFrom=2026-03-01&dateTo=2026-10-12", "CD", "2026-03-01"},
		{"in windows", oxlin.NewDate(2026, 10, 11), stet.History{History: history(365, 0, 60)}, false, "dateFrom=2026-08-13&dateTo=2026-10-12", "C", "2026-08-20"},
		{"a short history", oxlin.NewDate(2026, 10, 11), stet.History{History: history(365, 89, 0)}, true, "dateFrom=2026-08-24&dateTo=2026-10-12", "CD", "2026-08-24"},
		{"a history that is too short", oxlin.NewDate(2026, 8, 24), stet.History{History: history(365, 89, 0)}, true, "", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := plain()
			config.History = test.History
			config.History.DateFormat = "date"
			var script []banktest.Exchange
			if test.ask != "" {
				script = []banktest.Exchange{{Ask: "GET /psd2/v1/accounts/1/transactions?" + test.ask, Body: shown}}
			}
			asked := call
			asked.Access.Refreshed = test.refreshed
			read, err := connectUnchecked(t, config, banktest.NewScript(t, script...)).TransactionsUntil(t.Context(), asked, account, spring, test.until, "")
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, row := range read.Transactions {
				got += row.BankID
			}
			if got != test.want || read.WholeFrom.String() != test.whole {
				t.Errorf("rows %q and whole days from %q, want %q and %q", got, read.WholeFrom, test.want, test.whole)
			}
			if test.ask == "" && read.CoveredFrom != test.until {
				t.Errorf("covered from %s", read.CoveredFrom)
			}
		})
	}
}

// ledger is a bank with booked rows that filters them by one of their dates, limits the
// period of a request, and returns pages.
type ledger struct {
	rows       []ledgerRow
	byMade     bool // filters by the operation's day instead of the booking day
	inclusive  bool // whether the day of dateTo is included
	longest    int  // days
	pageSize   int
	complaints []string
}

type ledgerRow struct{ made, booked oxlin.Date }

func (l *ledger) RoundTrip(r *http.Request) (*http.Response, error) {
	query := r.URL.Query()
	from, err := oxlin.ParseDate(query.Get("dateFrom"))
	if err != nil {
		return nil, err
	}
	to := oxlin.NewDate(2026, 11, 22)
	if query.Has("dateTo") {
		to, err = oxlin.ParseDate(query.Get("dateTo"))
		if err != nil {
			return nil, err
		}
	}
	if to.DaysSince(from) > l.longest {
		l.complaints = append(l.complaints, r.URL.RawQuery)
	}
	if l.inclusive {
		to = to.AddDays(1)
	}
	var found []string
	for i, row := range l.rows {
		day := row.booked
		if l.byMade {
			day = row.made
		}
		if day.Before(from) || !day.Before(to) {
			continue
		}
		found = append(found, fmt.Sprintf(`{"entryReference":"%d","transactionAmount":{"amount":"1","currency":"EUR"},"creditDebitIndicator":"CRDT",
			"status":"BOOK","bookingDate":"%s","transactionDate":"%s"}`, i, row.booked, row.made))
	}
	number, err := strconv.Atoi(query.Get("page"))
	if err != nil {
		number = 0
	}
	first := min(number*l.pageSize, len(found))
	last := min(first+l.pageSize, len(found))
	next := ""
	if last < len(found) {
		query.Set("page", strconv.Itoa(number+1))
		next = `"next":{"href":"?` + query.Encode() + `"}`
	}
	body := `{"transactions":[` + strings.Join(found[first:last], ",") + `],"_links":{` + next + `}}`
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}}, nil
}

// TestWindowsGiveEveryRowOnce holds for every filter of the bank, every limit of a
// period, and every page size.
func TestWindowsGiveEveryRowOnce(t *testing.T) {
	today := oxlin.NewDate(2026, 11, 21)
	rapid.Check(t, func(t *rapid.T) {
		l := &ledger{
			byMade:    rapid.Bool().Draw(t, "by the day of the operation"),
			inclusive: rapid.Bool().Draw(t, "dateTo is inclusive"),
			longest:   rapid.IntRange(30, 120).Draw(t, "longest window"),
			pageSize:  rapid.IntRange(1, 7).Draw(t, "page size"),
		}
		history := rapid.IntRange(1, 365).Draw(t, "history")
		for range rapid.IntRange(0, 40).Draw(t, "rows") {
			booked := today.AddDays(-rapid.IntRange(0, history).Draw(t, "booked days ago"))
			made := booked.AddDays(-rapid.IntRange(0, 6).Draw(t, "made days before"))
			// The history excludes operations made before it begins.
			if made.Before(today.AddDays(-history)) {
				made = booked
			}
			l.rows = append(l.rows, ledgerRow{made, booked})
		}
		config := plain()
		config.Signing = nil
		config.History = stet.History{History: psd2.History{Days: history, WindowDays: l.longest}, DateFormat: "date", DateTo: rapid.Bool().Draw(t, "dateTo always")}
		connector, err := stet.New(config, psd2.Deps{Transport: l, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for cursor := ""; ; {
			page, err := connector.Transactions(t.Context(), call, account, oxlin.Date{}, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range page.Transactions {
				id, err := strconv.Atoi(row.BankID)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, id)
			}
			if page.Next == "" {
				break
			}
			cursor = page.Next
		}
		slices.Sort(got)
		var want []int
		for id := range l.rows {
			want = append(want, id)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		if len(l.complaints) > 0 {
			t.Errorf("windows of more than %d days: %v", l.longest, l.complaints)
		}
	})
}

// foreign is a transport that answers everything with the same bytes.
type foreign []byte

func (f foreign) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(f))), Header: http.Header{}}, nil
}

// broken is a transport that fails in a certain way.
type broken func(*http.Request) (*http.Response, error)

func (b broken) RoundTrip(r *http.Request) (*http.Response, error) { return b(r) }

func unsigned(t *testing.T, transport http.RoundTripper) *stet.Connector {
	config := plain()
	config.Signing = nil
	connector, err := stet.New(config, psd2.Deps{Transport: transport, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return connector
}

// checkText fails the test for a text that a database would refuse.
func checkText(t *testing.T, texts ...string) {
	for _, text := range texts {
		if strings.ContainsRune(text, 0) {
			t.Errorf("%q holds a zero", text)
		}
	}
}

func FuzzTransactions(f *testing.F) {
	f.Add([]byte(page("?page=2", booked("2026-11-20", "A"))))
	f.Add([]byte(`{"transactions":[{"transactionAmount":{"amount":1e2},"remittanceInformation":{"unstructured":["A\u0000"]},"bookingDate":"04-07-2026"}]}`))
	f.Add([]byte(`{"transactions":[null,{},{"transactionAmount":{"amount":"-.5"},"status":"FUTR"}],"_links":{"next":{"href":"//x/y"}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		connector := unsigned(t, foreign(body))
		page, err := connector.Transactions(t.Context(), call, account, spring, "")
		if err != nil {
			wantKind(t, err, bank.Nonsense)
			return
		}
		for _, row := range page.Transactions {
			checkText(t, append(row.Remittance, row.BankID, row.Currency, row.Counterparty, row.EndToEndID, row.MerchantCategory)...)
			if !json.Valid(row.Raw) || len(row.Currency) != 3 {
				t.Errorf("row is %+v", row)
			}
		}
		if page.Next != "" {
			_, err = connector.Transactions(t.Context(), call, account, spring, page.Next)
			if err != nil {
				wantKind(t, err, bank.Nonsense)
			}
		}
	})
}

func FuzzAccounts(f *testing.F) {
	f.Add([]byte(`{"accounts":[{"resourceId":"1","accountId":{"iban":"FR7610907000301234567890125"},"cashAccountType":"CACC"}],"connectedPsu":"JO"}`))
	f.Add([]byte(`{"accounts":[{"resourceId":"2","accountId":{"other":{"identification":"4970101234567890","schemeName":"CPAN"}},"linkedAccount":"1"}],"_links":{"next":{"href":"accounts?page=2"}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		connector := unsigned(t, foreign(body))
		page, err := connector.Accounts(t.Context(), call, "")
		if err != nil {
			wantKind(t, err, bank.Nonsense)
			return
		}
		for _, account := range page.Accounts {
			checkText(t, account.BankID, account.Name, account.IBAN, account.Number, account.MaskedNumber, account.LinkedAddress)
			if account.BankID == "" || !json.Valid(account.Raw) {
				t.Errorf("account is %+v", account)
			}
			_, err := connector.Balances(t.Context(), call, account.Ref(), "")
			if err != nil {
				wantKind(t, err, bank.Nonsense)
			}
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(`{"query":"page=2"}`)
	f.Add(`{"window":{"first":"2026-01-01","from":"2026-06-01","to":"2026-09-01"}}`)
	f.Add(`{"query":"page=2","pages":-9,"empty":99}`)
	f.Fuzz(func(t *testing.T, cursor string) {
		sent := ""
		connector := unsigned(t, broken(func(r *http.Request) (*http.Response, error) {
			sent = r.URL.Host
			return foreign(`{}`).RoundTrip(r)
		}))
		_, err := connector.Transactions(t.Context(), call, account, spring, cursor)
		if err != nil {
			wantKind(t, err, bank.Nonsense)
		}
		if u, _ := url.Parse(plain().BaseURL); sent != "" && sent != u.Host {
			t.Errorf("the cursor led to %s", sent)
		}
	})
}
