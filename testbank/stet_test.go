package testbank

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/omit"
)

// TestSynchronisation is the way of an aggregator on its first day, in both
// versions: accounts, balances, a year of transactions.
func TestSynchronisation(t *testing.T) {
	for _, v := range []version{v14, v15} {
		t.Run(string(v), func(t *testing.T) {
			r := start(t, Options{})
			s := r.attended(v, r.connect("dev"))
			accounts := s.accounts()
			if len(accounts) != 3 {
				t.Fatalf("%d accounts, want two current accounts and a card", len(accounts))
			}
			for _, a := range accounts {
				for _, resource := range []string{"balances", "transactions"} {
					if a.Links[resource].Href == "" {
						t.Errorf("%s has no link to its %s", a.Name, resource)
					}
				}
				if got := s.get("/accounts/" + a.ResourceID + "/balances"); got.status != 200 {
					t.Errorf("balances: %d %s", got.status, got.body)
				}
				year := s.all(a.ResourceID, "?dateFrom=2025-11-01T00:00:00%2B01:00")
				if a.CashAccountType == "CACC" && len(year) < 100 {
					t.Errorf("%s has %d transactions in a year, want at least 100", a.Name, len(year))
				}
				seen := map[string]bool{}
				for _, tx := range year {
					if tx.EntryReference == "" && tx.Status == "BOOK" || seen[tx.ResourceID] {
						t.Errorf("reference missing or twice: %v", tx)
					}
					seen[tx.ResourceID] = true
				}
			}
		})
	}
}

// TestShapes are the differences between the versions, and the card.
func TestShapes(t *testing.T) {
	r := start(t, Options{})
	tok := r.connect("dev")
	old, now := r.attended(v14, tok), r.attended(v15, tok)
	for _, s := range []aggregator{old, now} {
		accounts := s.accounts()
		current, card := accounts[0], accounts[2]
		if current.CashAccountType != "CACC" || !validIBAN(current.AccountID.IBAN) || current.Usage != "PRIV" {
			t.Errorf("%s: %+v", s.v, current)
		}
		if card.CashAccountType != "CARD" || card.AccountID.IBAN != "" || card.AccountID.Other.SchemeName != "CPAN" ||
			card.AccountID.Other.Identification != "4970 XXXX XXXX 1234" || card.LinkedAccount != current.ResourceID {
			t.Errorf("%s: %+v", s.v, card)
		}
		balances := decode[struct {
			Balances []struct{ BalanceType, ReferenceDate string }
		}](t, s.get(card.Links["balances"].Href)).Balances
		for _, b := range balances {
			if b.BalanceType != "OTHR" || b.ReferenceDate == "" {
				t.Errorf("%s: card balance %+v", s.v, b)
			}
		}
		statuses := map[string]int{}
		for _, tx := range s.all(current.ResourceID, "") {
			statuses[tx.Status]++
			first := strings.TrimSpace(string(tx.Remittance))[:1]
			number := tx.Amount.Amount[0] != '"'
			if (first == "[") != (s.v == v14) || number != (s.v == v15) || (tx.Code != nil) != (s.v == v15) {
				t.Errorf("%s: shape of %v", s.v, tx)
			}
			if tx.Status == "PDNG" && (tx.EntryReference != "" || (s.v == v15 && tx.BookingDate != "")) {
				t.Errorf("%s: pending %v", s.v, tx)
			}
		}
		if statuses["PDNG"] == 0 || statuses["BOOK"] == 0 {
			t.Errorf("%s: statuses %v", s.v, statuses)
		}
	}
	if a := old.accounts()[0]; a.Currency != "EUR" || a.AccountID.Currency != "" || !strings.HasPrefix(a.Links["balances"].Href, "/stet/v1.4/") {
		t.Errorf("1.4: %+v", a)
	}
	if a := now.accounts()[0]; a.Currency != "" || a.AccountID.Currency != "EUR" || !strings.HasPrefix(a.Links["balances"].Href, r.srv.URL) {
		t.Errorf("1.5: %+v", a)
	}
	joint := now.accounts()[1]
	owners := decode[struct{ Identities []person }](t, now.get(joint.Links["owners"].Href)).Identities
	if len(owners) != 2 || owners[1].FullName != "BASILE MARTIN" {
		t.Errorf("owners %+v", owners)
	}
	if a := now.get(joint.Links["overdrafts"].Href); a.status != http.StatusOK {
		t.Errorf("overdrafts: %d", a.status)
	}
	if id := decode[struct{ Identity person }](t, now.get("/end-user-identity")).Identity; id.FullName != "CAMILLE TESTARD" || id.Prefix != "MADM" {
		t.Errorf("identity %+v", id)
	}
	for _, s := range []aggregator{old, now} {
		if a := s.get("/trusted-beneficiaries"); a.status != http.StatusNoContent || a.body != "" {
			t.Errorf("beneficiaries: %d %s", a.status, a.body)
		}
	}
	if a := old.get("/accounts/" + joint.ResourceID + "/owners"); a.status != http.StatusNotFound {
		t.Errorf("1.4 has owners: %d", a.status)
	}
}

func TestPagination(t *testing.T) {
	r := start(t, Options{PageSize: 7})
	tok := r.connect("dev")
	whole := start(t, Options{})
	wholeTok := whole.connect("dev")
	for _, v := range []version{v14, v15} {
		s, w := r.attended(v, tok), whole.attended(v, wholeTok)
		id := s.accounts()[0].ResourceID
		const query = "?dateFrom=2026-09-01&dateTo=2026-11-01"
		small, large := s.all(id, query), w.all(id, query)
		if len(small) < 15 || fmt.Sprint(small) != fmt.Sprint(large) {
			t.Errorf("%s: %d rows in small pages, %d in large", v, len(small), len(large))
		}
		for _, tx := range small {
			if tx.BookingDate < "2026-09-01" || tx.BookingDate[:10] > "2026-10-31" {
				t.Errorf("%s: %v is outside of the window", v, tx)
			}
		}
		if a := s.get("/accounts/" + id + "/transactions?page=9999"); a.status != http.StatusOK || strings.Contains(a.body, `"next"`) {
			t.Errorf("%s: beyond the end: %d", v, a.status)
		}
	}
	// The longest link of 1.4 still fits into its 140 characters.
	s := r.attended(v14, tok)
	id := s.accounts()[0].ResourceID
	ref := s.all(id, "?dateTo=2026-10-01")[3].EntryReference
	s.get("/accounts/" + id + "/transactions?dateFrom=2025-11-21T00:00:00Z&dateTo=2026-11-21T00:00:00Z&afterEntryReference=" + ref)
}

func TestWindow(t *testing.T) {
	r := start(t, Options{})
	tok := r.connect("dev")
	s := r.attended(v15, tok)
	id := s.accounts()[0].ResourceID
	all := s.all(id, "")
	booked := slices.DeleteFunc(slices.Clone(all), func(x gotTransaction) bool { return x.Status != "BOOK" })
	middle := booked[len(booked)/2].EntryReference
	count := func(v version, query string) int { return len(r.attended(v, tok).all(id, query)) }

	after, until := count(v15, "?entryReferenceFrom="+middle), count(v15, "?entryReferenceTo="+middle)
	if after+until != len(booked) || after == 0 || until == 0 {
		t.Errorf("%d after, %d until, %d in all", after, until, len(booked))
	}
	if n := count(v15, "?entryReferenceto="+middle); n != until {
		t.Errorf("the standard's spelling gives %d, want %d", n, until)
	}
	if n := count(v14, "?afterEntryReference="+middle); n != after {
		t.Errorf("1.4 gives %d after, want %d", n, after)
	}
	// 00:00 in Paris is inclusive below and exclusive above.
	day := count(v15, "?dateFrom=2026-11-16T23:00:00Z&dateTo=2026-11-17T23:00:00Z")
	if day != count(v15, "?dateFrom=2026-11-17&dateTo=2026-11-18") || day == 0 {
		t.Errorf("%d rows on the 17th", day)
	}
	if a, b := count(v15, "?dateType=transactionDate&dateFrom=2026-10-01"), count(v15, "?dateType=bookingDate&dateFrom=2026-10-01"); a == 0 || b == 0 {
		t.Errorf("by made %d, by booked %d", a, b)
	}
	if a := s.get("/accounts/" + id + "/transactions?dateFrom=2026-11-21&dateTo=2026-11-21"); a.status != http.StatusNoContent {
		t.Errorf("an empty window: %d", a.status)
	}
	for _, bad := range []string{"dateFrom=tomorrow", "dateTo=31/12/26", "dateType=valueDate", "entryReferenceFrom=" + strings.Repeat("x", 41)} {
		if a := s.get("/accounts/" + id + "/transactions?" + bad); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, a.status)
		}
	}
}

// TestHistory: more than ninety days only with the scope, the first access
// token, and soon after the authentication.
func TestHistory(t *testing.T) {
	r := start(t, Options{})
	const old, young = "?dateFrom=2026-08-22", "?dateFrom=2026-08-23" // ninety days are up to the 23rd
	ask := func(tok tokens, query string) int {
		s := r.attended(v15, tok)
		return s.get("/accounts/" + s.accounts()[0].ResourceID + "/transactions" + query).status
	}
	plain := r.token(codeForm(r.signIn(authorizeQuery("aisp"), "dev", "dev", "").Get("code")))
	full := r.connect("dev")
	for _, tc := range []struct {
		name  string
		tok   tokens
		query string
		want  int
	}{
		{"without the scope", plain, old, 403}, {"ninety days", plain, young, 200}, {"with the scope", full, old, 200},
		{"refreshed", r.token(refreshForm(r.connect("dev").Refresh)), old, 403},
	} {
		if got := ask(tc.tok, tc.query); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
	r.clock.add(16 * time.Minute)
	if got := ask(full, old); got != 403 {
		t.Errorf("late: %d", got)
	}
}

// TestQuota: four accesses a day on its own, for each account and endpoint; the
// pages of one access are one; with the customer there is no limit.
func TestQuota(t *testing.T) {
	for _, v := range []version{v14, v15} {
		t.Run(string(v), func(t *testing.T) {
			r := start(t, Options{PageSize: 20})
			tok := r.connect("dev")
			alone, with := r.alone(v, tok), r.attended(v, tok)
			accounts := with.accounts()
			id, other := accounts[0].ResourceID, accounts[1].ResourceID
			for i := range 4 {
				if a := alone.get("/accounts"); a.status != 200 {
					t.Fatalf("access %d: %d", i+1, a.status)
				}
				if n := len(alone.all(id, "")); n < 40 {
					t.Fatalf("access %d: %d rows", i+1, n)
				}
			}
			fifth := alone.get("/accounts")
			if fifth.status != http.StatusTooManyRequests || !strings.Contains(fifth.body, "Limite des appels par jour dépassée") || fifth.header.Get("Retry-After") != "43200" {
				t.Errorf("fifth: %d, again after %s: %s", fifth.status, fifth.header.Get("Retry-After"), fifth.body)
			}
			for target, want := range map[string]int{
				"/accounts/" + id + "/transactions": 429, "/accounts/" + other + "/transactions": 200, "/accounts/" + id + "/balances": 200,
			} {
				if a := alone.get(target); a.status != want {
					t.Errorf("%s: %d, want %d", target, a.status, want)
				}
			}
			for range 6 {
				if a := with.get("/accounts"); a.status != 200 {
					t.Errorf("with the customer: %d", a.status)
				}
			}
			// A second consent of the same customer and client shares the quota.
			if a := r.alone(v, r.connect("dev")).get("/accounts"); a.status != 429 {
				t.Errorf("another token: %d", a.status)
			}
			r.clock.add(12 * time.Hour)
			if a := r.alone(v, r.token(refreshForm(tok.Refresh))).get("/accounts"); a.status != 200 {
				t.Errorf("the next day: %d", a.status)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	r := start(t, Options{})
	tok := r.connect("dev")
	for _, v := range []version{v14, v15} {
		s := r.attended(v, tok)
		id := s.accounts()[0].ResourceID
		for _, tc := range []struct {
			name, method, target string
			change               func(http.Header)
			want                 int
		}{
			{"no token", "GET", "/accounts", func(h http.Header) { h.Del("Authorization") }, 401},
			{"wrong token", "GET", "/accounts/" + id + "/balances", func(h http.Header) { h.Set("Authorization", "Bearer x") }, 401},
			{"no request id", "GET", "/accounts/" + id + "/balances", func(h http.Header) { h.Del("X-Request-ID") }, 400},
			{"no address", "GET", "/accounts/" + id + "/balances", func(h http.Header) { h.Set("PSU-IP-Address", "me") }, 400},
			{"another medium", "GET", "/accounts", func(h http.Header) { h.Set("Accept", "text/csv") }, 406},
			{"unknown account", "GET", "/accounts/NOBODY/transactions", nil, 404},
			{"unknown path", "GET", "/cards", nil, 404},
			{"write", "DELETE", "/accounts", nil, 405},
			{"consent without body", "PUT", "/consents", nil, 400},
		} {
			req := s.request(tc.method, tc.target, "")
			if tc.change != nil {
				tc.change(req.Header)
			}
			a := r.do(req)
			official(t, v.standard(), s.request(tc.method, tc.target, ""), a)
			var e struct {
				Status                          int
				Message, Path, Error, Timestamp string
			}
			if err := json.Unmarshal([]byte(a.body), &e); err != nil || a.status != tc.want || e.Status != tc.want || e.Message == "" || e.Timestamp == "" || !strings.HasPrefix(e.Path, v.prefix()) {
				t.Errorf("%s: %d %s, want %d", tc.name, a.status, a.body, tc.want)
			}
			if tc.name != "no request id" && a.header.Get("X-Request-ID") != "req-42" {
				t.Errorf("%s: the request id does not come back", tc.name)
			}
		}
	}
}

func TestConsentEnds(t *testing.T) {
	r := start(t, Options{ConsentLife: 10 * 24 * time.Hour})
	tok := r.connect("dev")
	r.clock.add(10*24*time.Hour - time.Minute)
	tok = r.token(refreshForm(tok.Refresh))
	if a := r.attended(v15, tok).get("/accounts"); a.status != 200 {
		t.Errorf("before the end: %d", a.status)
	}
	r.clock.add(2 * time.Minute)
	if a := r.attended(v15, tok).get("/accounts"); a.status != 403 || !strings.Contains(a.body, "consentement") {
		t.Errorf("after the end: %d %s", a.status, a.body)
	}
	if again := r.token(refreshForm(tok.Refresh)); again.status != 400 || again.Error != "invalid_grant" {
		t.Errorf("refreshed after the end: %+v", again)
	}
}

// TestPutConsents: the mixed model, in which the aggregator forwards the choice.
func TestPutConsents(t *testing.T) {
	for _, v := range []version{v14, v15} {
		r := start(t, Options{})
		s := r.attended(v, r.connect("dev"))
		accounts := s.accounts()
		id := fmt.Sprintf(`[{"iban":%q}]`, accounts[0].AccountID.IBAN)
		body := fmt.Sprintf(`{"balances":%s,"transactions":%s,"owners":[],"trustedBeneficiaries":false,"psuIdentity":false}`, id, id)
		if a := s.send(http.MethodPut, "/consents", body); a.status != http.StatusCreated {
			t.Fatalf("%s: %d %s", v, a.status, a.body)
		}
		again := s.accounts()
		if len(again) != 3 || again[0].Links["transactions"].Href == "" || again[1].Links["transactions"].Href != "" {
			t.Errorf("%s: links after the choice: %+v", v, again)
		}
		for target, want := range map[string]int{
			"/accounts/" + accounts[0].ResourceID + "/balances": 200, "/accounts/" + accounts[1].ResourceID + "/balances": 403, "/end-user-identity": 403, "/trusted-beneficiaries": 403,
		} {
			if a := s.get(target); a.status != want {
				t.Errorf("%s: %s: %d, want %d", v, target, a.status, want)
			}
		}
		for _, bad := range []string{`{`, `{"balances":[]}`, `{"balances":[{"iban":"FR00"}],"transactions":[],"owners":[],"trustedBeneficiaries":false,"psuIdentity":false}`} {
			if a := s.send(http.MethodPut, "/consents", bad); a.status != http.StatusBadRequest {
				t.Errorf("%s: %s: %d", v, bad, a.status)
			}
		}
	}
}

// TestBalanceMatchesTransactions: what the interface tells adds up.
func TestBalanceMatchesTransactions(t *testing.T) {
	r := start(t, Options{})
	tok := r.connect("dev")
	balance := func(id string) Amount {
		s := r.attended(v15, tok)
		list := decode[struct {
			Balances []struct {
				BalanceType   string
				BalanceAmount struct{ Amount json.Number }
			}
		}](t, s.get("/accounts/"+id+"/balances")).Balances
		a, err := ParseAmount(list[0].BalanceAmount.Amount.String())
		if err != nil || list[0].BalanceType != "CLBD" {
			t.Fatalf("%v %+v", err, list)
		}
		return a
	}
	for _, acc := range r.attended(v15, tok).accounts()[:2] {
		before := balance(acc.ResourceID)
		r.control(http.MethodPost, "/control/clock", `{"advance_days":40}`)
		tok = r.token(refreshForm(tok.Refresh))
		want := before
		from := DayOf(r.clock.now()) + 1
		for _, day := range []Day{from} {
			for _, tx := range r.attended(v15, tok).all(acc.ResourceID, "?dateFrom="+day.String()) {
				if tx.Status != "BOOK" {
					continue
				}
				a, err := ParseAmount(string(tx.Amount.Amount))
				if err != nil {
					t.Fatal(err)
				}
				if tx.Indicator == "DBIT" {
					a = -a
				}
				want += a
			}
		}
		if got := balance(acc.ResourceID); got != want || got == before {
			t.Errorf("%s: %v after forty days, the rows say %v", acc.Name, got, want)
		}
		r.control(http.MethodDelete, "/control/clock", "")
	}
}

// TestOfficialFilesAreStrict guards the guard: an answer of one version is not
// taken for the other's.
func TestOfficialFilesAreStrict(t *testing.T) {
	official0.once.Do(loadOfficial)
	if len(official0.routers) < 2 {
		omit.Skip(t, 1, "the official STET files are missing (OXLIN_SHARED)")
	}
	r := start(t, Options{})
	tok := r.connect("dev")
	s := r.attended(v15, tok)
	id := s.accounts()[0].ResourceID
	path := "/accounts/" + id + "/transactions"
	a := s.get(path)
	other := r.attended(v14, tok)
	if err := follows(stet14, other.request("GET", path, ""), a); err == nil {
		t.Error("a transaction of 1.5 passes for one of 1.4")
	}
	a.body = strings.Replace(a.body, `"status":"BOOK"`, `"status":"`+strconv.Itoa(7)+`"`, 1)
	if err := follows(stet15, s.request("GET", path, ""), a); err == nil {
		t.Error("a status that does not exist passes")
	}
}

// TestAwkwardFile: what a careless file holds still comes out in the shapes of
// the standard.
func TestAwkwardFile(t *testing.T) {
	text := "CREDENTIALS|odd|odd\n" +
		"ACCOUNT|card without more|4970123456789999|||CreditCard\nTRANSACTION|-5|D-1|X\n" +
		"ACCOUNT|no iban, no name|1|D|-0.005|Checkings||||||||USD\n" +
		"TRANSACTION|0|D|\n" +
		"TRANSACTION|-0.12345|D|" + strings.Repeat("é", 300) + "|" + strings.Repeat("long memo ", 40) + `\n` + "second|ref_with*odd#signs|X/Y/Z||+0||0000|" + strings.Repeat("n", 200) + "\n" +
		"TRANSACTION|999999999.99999|D|RICH|||||D|\n" +
		"ACCOUNT|" + strings.Repeat("u", 90) + "||D|1|Checkings|||" + strings.Repeat("o", 200) + "|" + strings.Repeat("name ", 40) + "\n" +
		"DETAILS|ORGA|" + strings.Repeat("p", 60) + "|" + strings.Repeat("s", 60) + "|" + strings.Repeat("d", 200) + "|" + strings.Repeat("w", 60) + "|LXTBFRPP|12.5\n" +
		"ACCOUNT|empty|9|D|0|Checkings\nACCOUNT|pot|9|D|0|Savings\nCARD|x|nobody|DEFERRED|31\n"
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
	defer site.Close()
	r := start(t, Options{AllowPrivateFileURLs: true})
	tok := r.token(codeForm(r.signIn(authorizeQuery("aisp"), "odd", "odd", site.URL).Get("code")))
	for _, v := range []version{v14, v15} {
		s := r.attended(v, tok)
		accounts := s.accounts()
		if len(accounts) != 4 {
			t.Fatalf("%s: %d accounts", v, len(accounts))
		}
		rows := 0
		for _, a := range accounts {
			for name, l := range a.Links {
				if got := s.get(l.Href); got.status >= 300 {
					t.Errorf("%s: %s of %s: %d %s", v, name, a.Name, got.status, got.body)
				}
			}
			rows += len(s.all(a.ResourceID, ""))
		}
		if rows != 4 {
			t.Errorf("%s: %d rows, want 4", v, rows)
		}
	}
	nobody := start(t, Options{AllowPrivateFileURLs: true})
	text = "CREDENTIALS|odd|odd\nACCOUNT|pot|9|D|0|Savings\n"
	tok = nobody.token(codeForm(nobody.signIn(authorizeQuery("aisp"), "odd", "odd", site.URL).Get("code")))
	if a := nobody.attended(v14, tok).get("/accounts"); a.status != http.StatusNoContent {
		t.Errorf("no payment account: %d", a.status)
	}
}

func TestHome(t *testing.T) {
	r := start(t, Options{})
	if a := r.get("/"); a.status != 200 || !strings.Contains(a.body, "/stettestbank/test-bank.txt") || !strings.Contains(a.body, "simulée") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := r.get("/testbank.css"); a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/css") {
		t.Errorf("style sheet: %d", a.status)
	}
	if a := r.get("/healthz"); a.status != 200 {
		t.Errorf("health: %d", a.status)
	}
}
