package stet_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/psd2"
	"github.com/oxlin/oxlin/internal/bank/stet"
)

func TestANextPageIsFoundHoweverItsLinkIsWritten(t *testing.T) {
	links := map[string]string{
		"absolute":                        "https://bank.example/psd2/v1/accounts/1/transactions?page=2",
		"absolute, in clear":              "http://BANK.example/psd2/v1/accounts/1/transactions?page=2",
		"relative to the root":            "/psd2/v1/accounts/1/transactions?page=2",
		"relative to nothing":             "v1/accounts/1/transactions?page=2",
		"relative to the base":            "accounts/1/transactions?page=2",
		"with a slash at its end":         "/psd2/v1/accounts/1/transactions/?page=2",
		"only a query":                    "?page=2",
		"behind another prefix":           "/any/stet/v9/accounts/1/transactions?page=2",
		"with a host in the path":         "/api.inner.example/psd2/v1/accounts/1/transactions?page=2",
		"with the rest of a URI template": "/psd2/v1/accounts/1/transactions?page=2{&dateTo}",
		"of the host behind the gateway":  "http://gw-int.bank.local:8443/stet/v1/accounts/1/transactions?page=2",
		"of no host":                      "//169.254.169.254/accounts/1/transactions?page=2",
		"of another account":              "/psd2/v1/accounts/2/transactions?page=2",
		"of another resource":             "/psd2/v1/payment-requests?page=2",
	}
	for name, link := range links {
		t.Run(name, func(t *testing.T) {
			script := banktest.NewScript(t,
				banktest.Exchange{Body: page(link, booked("2026-11-20", "A"))},
				banktest.Exchange{Ask: "GET /psd2/v1/accounts/1/transactions?page=2", Body: page("", booked("2026-11-19", "B"))},
			)
			rows, err := transactions(t, connect(t, plain(), script), account)
			if err != nil || len(rows) != 2 {
				t.Errorf("%d rows, %v", len(rows), err)
			}
		})
	}
}

func TestLinksInAnotherShape(t *testing.T) {
	rows := `"transactions":[` + booked("2026-11-20", "A") + `]`
	for _, none := range []string{`[]`, `null`, `{}`, `{"next":null}`, `{"next":{}}`, `{"next":[]}`, `{"next":{"templated":true}}`, `{"workspaces":[{"href":"x"}]}`} {
		read, err := answers(t, plain(), `{`+rows+`,"_links":`+none+`}`).Transactions(t.Context(), call, account, spring, "")
		if err != nil || read.Next != "" || len(read.Transactions) != 1 {
			t.Errorf("%s: %+v, %v", none, read, err)
		}
	}
	for _, next := range []string{`"?page=2"`, `[{"href":"?page=2"}]`, `["?page=2",{"href":"?page=3"}]`, `{"href":["?page=2"],"templated":true}`} {
		read, err := answers(t, plain(), `{`+rows+`,"_links":{"next":`+next+`}}`).Transactions(t.Context(), call, account, spring, "")
		if err != nil || !strings.Contains(read.Next, "page=2") {
			t.Errorf("%s: %+v, %v", next, read, err)
		}
	}
}

func TestALinkIsUnescaped(t *testing.T) {
	const whole = "/psd2/v1/accounts/1/transactions?dateFrom=2026-03-01&page=2"
	for written, want := range map[string]string{
		"&amp;page=2": "&page=2", "&#38;page=2": "&page=2", "&#x26;page=2": "&page=2", "&#038;page=2": "&page=2",
		"&#X0026;page=2": "&page=2", "&amp;amp;page=2": "&page=2", "&AMP;#38;page=2": "&page=2",
		"&page=2{&size,order}": "&page=2", "{?from}&page=2": "&page=2",
		`&page={"after":"a|b"}`: "&page=%7B%22after%22%3A%22a%7Cb%22%7D", "&page=a%26b": "&page=a%26b", "&ampere=2": "&ampere=2",
	} {
		script := banktest.NewScript(t,
			banktest.Exchange{Body: page(strings.ReplaceAll("/psd2/v1/accounts/1/transactions?dateFrom=2026-03-01"+written, `"`, `\"`), booked("2026-11-20", "A"))},
			banktest.Exchange{Ask: "GET " + strings.Replace(whole, "&page=2", want, 1), Body: page("", booked("2026-11-19", "B"))},
		)
		rows, err := transactions(t, connectUnchecked(t, plain(), script), account)
		if err != nil || len(rows) != 2 {
			t.Errorf("%s: %d rows, %v", written, len(rows), err)
		}
	}
}

// TestAnAnswerThatEndsTooEarlyIsAskedForInShorterWindows cuts the answers of a bank to a
// number of bytes, as gateways do.
func TestAnAnswerThatEndsTooEarlyIsAskedForInShorterWindows(t *testing.T) {
	asked := 0
	gateway := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		var rows []string
		for n := range 200 {
			day := oxlin.NewDate(2026, 11, 20).AddDays(-n).String()
			from, to := r.URL.Query().Get("dateFrom"), r.URL.Query().Get("dateTo")
			if day+"T" >= from && (to == "" || day+"T" < to) {
				rows = append(rows, booked(day, fmt.Sprint(n)))
			}
		}
		whole := page("", rows...)
		fmt.Fprint(w, whole[:min(len(whole), 15_000)])
	})
	rows, err := transactions(t, connectUnchecked(t, plain(), gateway), account)
	ids := map[string]bool{}
	for _, row := range rows {
		ids[row.BankID] = true
	}
	if err != nil || len(rows) != 200 || len(ids) != 200 || asked > 20 {
		t.Errorf("%d rows, %d ids of 200, %d requests, %v", len(rows), len(ids), asked, err)
	}
	// A second page is not asked for again, because its rows would be counted twice.
	cut := answers(t, plain(), page("?page=2", booked("2026-11-20", "A")), page("", booked("2026-11-19", "B"), booked("2026-11-18", "C"))[:250])
	read, err := cut.Transactions(t.Context(), call, account, spring, "")
	if err != nil {
		t.Fatal(err)
	}
	read, err = cut.Transactions(t.Context(), call, account, spring, read.Next)
	if err != nil || len(read.Transactions) != 1 || read.Next != "" || read.Broken == "" {
		t.Errorf("%+v, %v", read, err)
	}
}

// TestASecondAnswerBehindTheFirstIsNotRead keeps the rows, but not as a whole answer.
func TestASecondAnswerBehindTheFirstIsNotRead(t *testing.T) {
	read, err := answers(t, plain(), page("", booked("2026-11-20", "A"))+page("", booked("2026-11-19", "B"))).
		Transactions(t.Context(), call, account, spring, "")
	if err != nil || len(read.Transactions) != 1 || read.Broken == "" {
		t.Errorf("%+v, %v", read, err)
	}
}

func TestAPageBelowTheResource(t *testing.T) {
	script := banktest.NewScript(t,
		banktest.Exchange{Body: page("https://other.example/any/accounts/1/transactions/next?at=7", booked("2026-11-20", "A"))},
		banktest.Exchange{Ask: "GET /psd2/v1/accounts/1/transactions/next?at=7", Body: page("", booked("2026-11-19", "B"))},
	)
	rows, err := transactions(t, connectUnchecked(t, plain(), script), account)
	if err != nil || len(rows) != 2 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestALinkThatCannotBeFollowedBreaksTheWalk(t *testing.T) {
	var visited atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited.Add(1) }))
	defer elsewhere.Close()
	for _, link := range []string{
		elsewhere.URL + "/psd2/v1/elsewhere",
		"https://bank.example@elsewhere.example/psd2/v1/accounts/2/transactions",
		"/psd2/v1/accounts/1/transactionsNextPage",
		`....\\\\MalformedHref`,
		"https://[::1/",
		"javascript:alert(1)",
	} {
		read, err := answers(t, plain(), page(link, booked("2026-11-20", "A"))).Transactions(t.Context(), call, account, spring, "")
		if err != nil || read.Next != "" || read.Broken == "" || len(read.Transactions) != 1 {
			t.Errorf("%s: %+v, %v", link, read, err)
		}
	}
	// Another host is never asked, even if the query is used.
	_, err := transactions(t, connectUnchecked(t, plain(), banktest.NewScript(t,
		banktest.Exchange{Body: page(elsewhere.URL+"/psd2/v1/accounts/1/transactions?page=2", booked("2026-11-20", "A"))},
		banktest.Exchange{Ask: "GET /psd2/v1/accounts/1/transactions?page=2"})), account)
	if err != nil || visited.Load() > 0 {
		t.Errorf("another host was asked %d times, %v", visited.Load(), err)
	}
}

// TestABrokenListOfAccounts keeps the accounts before the break, and counts the rest as one
// that cannot be read: such a list proves no absence. Without any account it is nonsense.
func TestABrokenListOfAccounts(t *testing.T) {
	for name, c := range map[string]struct{ before, after string }{
		"a link that leads nowhere": {`{"accounts":[`, `],"_links":{"next":{"href":"/elsewhere"}}}`},
		"a second answer":           {`{"accounts":[`, `]}{"accounts":[]}`},
		"cut between two accounts":  {`{"accounts":[`, `,`},
		"cut inside an account":     {`{"accounts":[`, `,{"resour`},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := answers(t, plain(), c.before+`{"resourceId":"1","name":"N"}`+c.after).Accounts(t.Context(), call, "")
			if err != nil || len(page.Accounts) != 1 || len(page.Unreadable) != 1 || page.Next != "" {
				t.Errorf("%+v, %v", page, err)
			}
			_, err = answers(t, plain(), c.before+c.after).Accounts(t.Context(), call, "")
			wantKind(t, err, bank.Nonsense)
		})
	}
}

func TestALinkCannotSmuggleIntoTheRequest(t *testing.T) {
	script := banktest.NewScript(t,
		banktest.Exchange{Body: page("?page=2 HTTP/1.1 <x>&from=2026-01-01T00:00:00", booked("2026-11-20", "A"))},
		banktest.Exchange{Ask: "GET /psd2/v1/accounts/1/transactions?page=2%20HTTP/1.1%20%3Cx%3E&from=2026-01-01T00%3A00%3A00"},
	)
	_, err := transactions(t, connect(t, plain(), script), account)
	if err != nil {
		t.Error(err)
	}
}

func TestPagesThatGoInACircleEnd(t *testing.T) {
	a, b := booked("2026-11-20", "A"), booked("2026-11-19", "B")
	tests := map[string][]string{
		"next is itself":                              {page("?page=1", a), page("?page=1", b), page("?page=1", b)},
		"two pages lead to each other":                {page("?page=1", a), page("?page=2", b), page("?page=1", booked("2026-11-18", "C"))},
		"the first page again, under another address": {page("?page=1", a), page("?page=2", b), page("?page=1", a)},
	}
	for name, bodies := range tests {
		t.Run(name, func(t *testing.T) {
			rows, err := transactions(t, answers(t, plain(), bodies...), account)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for _, row := range rows {
				if seen[row.BankID] {
					t.Errorf("row %s is given twice", row.BankID)
				}
				seen[row.BankID] = true
			}
		})
	}
}

// TestABankThatKeepsThePosition gives seven pages under links that are all the same, and
// knows by itself or by a cookie which of them is next.
func TestABankThatKeepsThePosition(t *testing.T) {
	const pages = 7
	for name, c := range map[string]struct {
		link   string
		cookie bool
		goesOn bool // the last page links too, and is given again
	}{
		"itself":                               {link: "?page=next"},
		"itself, and the last page links too":  {link: "?page=next", goesOn: true},
		"itself, and all links are page 0":     {link: "?page=0"},
		"in a cookie":                          {link: "?page=next", cookie: true},
		"in a cookie, and the last page links": {link: "?page=next", cookie: true, goesOn: true},
	} {
		for _, list := range []string{"transactions", "accounts"} {
			t.Run(name+", "+list, func(t *testing.T) {
				asked, at := 0, 0
				keeper := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					asked++
					if c.cookie {
						at = 0
						if held, err := r.Cookie("at"); err == nil {
							at, _ = strconv.Atoi(held.Value)
						}
						if _, err := r.Cookie("gateway"); (err == nil) != (at > 0) {
							t.Errorf("page %d is asked for without the other cookie", at)
						}
						http.SetCookie(w, &http.Cookie{Name: "gateway", Value: "7"})
					}
					n := min(at, pages-1)
					record := booked(oxlin.NewDate(2026, 11, 20).AddDays(-n).String(), fmt.Sprint(n))
					if list == "accounts" {
						record = fmt.Sprintf(`{"resourceId":"%d","name":"N"}`, n)
					}
					link := ""
					if n < pages-1 || c.goesOn {
						link = c.link
					}
					at++
					if c.cookie {
						http.SetCookie(w, &http.Cookie{Name: "at", Value: strconv.Itoa(at), Path: "/"})
					}
					fmt.Fprintf(w, `{%q:[%s],"_links":{"next":{"href":%q},"self":{"href":%q}}}`, list, record, link, r.URL.RequestURI())
				})
				connector := connectUnchecked(t, plain(), keeper)
				ids := map[string]int{}
				for cursor, ended := "", false; !ended; ended = cursor == "" {
					switch list {
					case "accounts":
						read, err := connector.Accounts(t.Context(), call, cursor)
						if err != nil || len(read.Unreadable) > 0 {
							t.Fatalf("%+v, %v", read, err)
						}
						for _, account := range read.Accounts {
							ids[account.BankID]++
						}
						cursor = read.Next
					default:
						read, err := connector.Transactions(t.Context(), call, account, spring, cursor)
						if err != nil || read.Broken != "" {
							t.Fatalf("%+v, %v", read, err)
						}
						for _, row := range read.Transactions {
							ids[row.BankID]++
						}
						cursor = read.Next
					}
				}
				for id, n := range ids {
					if n > 1 {
						t.Errorf("%s is given %d times", id, n)
					}
				}
				if len(ids) != pages || asked > pages+2 {
					t.Errorf("%d of %d, in %d requests", len(ids), pages, asked)
				}
			})
		}
	}
}

// endless is a bank that always has another page.
func endless(rows func(n int) string) http.Handler {
	var n atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		number := int(n.Add(1))
		fmt.Fprint(w, `{"transactions":[`+rows(number)+`],"_links":{"next":{"href":"?page=`+fmt.Sprint(number+1)+`"}}}`)
	})
}

func TestPagesWithoutAnEndBreakTheWalk(t *testing.T) {
	yesterday := oxlin.DateIn(now, oxlin.Paris).AddDays(-1)
	for name, rows := range map[string]func(int) string{
		"new rows for ever":       func(n int) string { return booked("2026-11-20", fmt.Sprint(n)) },
		"older rows for ever":     func(n int) string { return booked(yesterday.AddDays(-n).String(), fmt.Sprint(n)) },
		"no rows, for ever":       func(int) string { return "" },
		"the same rows, for ever": func(int) string { return booked("2026-11-20", "A") },
	} {
		t.Run(name, func(t *testing.T) {
			connector := connectUnchecked(t, plain(), endless(rows))
			pages, kept := 0, 0
			for cursor := ""; ; {
				read, err := connector.Transactions(t.Context(), call, account, yesterday, cursor)
				if err != nil {
					t.Fatal(err)
				}
				pages++
				kept += len(read.Transactions)
				if read.Next == "" {
					if read.Broken == "" {
						t.Error("the walk is not broken")
					}
					break
				}
				cursor = read.Next
			}
			if pages > 130 || kept == 0 && rows(1) != "" {
				t.Errorf("the bank was asked for %d pages of two days, %d rows are kept", pages, kept)
			}
		})
	}
}

// TestALargeAnswerIsReadInWindows is a bank without pages, whose answer for a year is
// larger than the limit.
func TestALargeAnswerIsReadInWindows(t *testing.T) {
	key, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		limit  int64
		broken bool
	}{{"that fits into windows", 40_000, false}, {"that does not fit into the shortest window", 2_000, true}} {
		var asked atomic.Int32
		heavy := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			from, to := r.URL.Query().Get("dateFrom"), r.URL.Query().Get("dateTo")
			var rows []string
			for n := range 300 {
				day := oxlin.NewDate(2026, 11, 20).AddDays(-n).String()
				if day+"T" >= from && (to == "" || day+"T" < to) {
					rows = append(rows, booked(day, fmt.Sprint(n)), booked(day, "second "+fmt.Sprint(n)))
				}
			}
			fmt.Fprint(w, page("", rows...))
		})
		connector, err := stet.New(plain(), psd2.Deps{
			Transport: banktest.Serve(t, heavy), Seal: psd2.Seal{Key: key}, Now: func() time.Time { return now }, MaxList: test.limit,
		})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]int{}
		broken := ""
		for cursor := ""; ; {
			read, err := connector.Transactions(t.Context(), call, account, oxlin.Date{}, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range read.Transactions {
				seen[row.BankID]++
			}
			broken, cursor = read.Broken, read.Next
			if cursor == "" {
				break
			}
		}
		for id, count := range seen {
			if count != 1 {
				t.Errorf("%s: row %s is counted %d times", test.name, id, count)
			}
		}
		if (broken != "") != test.broken || !test.broken && len(seen) != 600 || len(seen) == 0 || asked.Load() > 40 {
			t.Errorf("%s: %d rows of 600, broken %q, %d requests", test.name, len(seen), broken, asked.Load())
		}
	}
}

func TestAFewEmptyPagesInBetweenAreNoEnd(t *testing.T) {
	rows, err := transactions(t, answers(t, plain(), page("?page=1"), page("?page=2"), page("", booked("2026-11-20", "A"))), account)
	if err != nil || len(rows) != 1 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestTwinsInOneDayAreBothKept(t *testing.T) {
	twin := strings.Replace(booked("2026-11-20", ""), `"entryReference":"",`, "", 1)
	rows, err := transactions(t, answers(t, plain(), page("?page=2", twin, twin), page("", twin)), account)
	if err != nil || len(rows) != 3 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestAnAccountWithASpecialIDIsAskedForInOneSegment(t *testing.T) {
	odd := bank.AccountRef{Address: "a/b?c d'é", Type: oxlin.AccountCheckings}
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.EscapedPath() != "/psd2/v1/accounts/a%2Fb%3Fc%20d%27%C3%A9/transactions" {
			t.Errorf("the bank was asked %s", r.URL.EscapedPath())
		}
		if r.URL.Query().Get("page") == "" {
			fmt.Fprint(w, page("/psd2/v1/accounts/a%2Fb%3Fc%20d'%C3%A9/transactions?page=2", booked("2026-11-20", "A")))
			return
		}
		fmt.Fprint(w, page("", booked("2026-11-19", "B")))
	})
	connector := connectUnchecked(t, plain(), bare)
	rows, err := transactions(t, connector, odd)
	if err != nil || len(rows) != 2 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
