package testbank

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFaults(t *testing.T) {
	for _, tc := range []struct {
		scenario string
		want     int
		body     string
	}{
		{"down", 503, "indisponible"},
		{"rate_limited", 429, "Limite des appels"},
		{"consent_expired", 403, "consentement"},
		{"slow-1", 200, "accounts"},
		{"garbage", 200, "<!doctype html>"},
		{"garbage-types", 200, `"name":true`},
		{"garbage-truncated", 200, `"accounts"`},
	} {
		t.Run(tc.scenario, func(t *testing.T) {
			r := start(t, Options{})
			check := func(login string) {
				t.Helper()
				s := r.attended(v15, r.connect(login))
				req := s.request("GET", "/accounts", "")
				a := r.do(req)
				if a.status != tc.want || !strings.Contains(a.body, tc.body) {
					t.Errorf("%d %s, want %d %q", a.status, a.body, tc.want, tc.body)
				}
				if strings.HasPrefix(tc.scenario, "garbage") {
					if tc.scenario != "garbage-types" && json.Valid([]byte(a.body)) {
						t.Error("this is good JSON")
					}
					return
				}
				official(t, stet15, s.request("GET", "/accounts", ""), a)
				if (tc.want == 503 || tc.want == 429) != (a.header.Get("Retry-After") != "") {
					t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
				}
			}
			check("dev+" + tc.scenario)
			r.control("POST", "/control/scenario", `{"login":"dev","scenario":"`+tc.scenario+`"}`)
			check("dev")
			r.control("DELETE", "/control/scenario?login=dev", "")
			if a := r.attended(v15, r.connect("dev")).get("/accounts"); a.status != 200 {
				t.Errorf("after the reset: %d", a.status)
			}
		})
	}
}

func TestFaultForSomeCalls(t *testing.T) {
	r := start(t, Options{})
	s := r.attended(v15, r.connect("dev"))
	r.control("POST", "/control/scenario", `{"login":"dev","scenario":"down","times":2}`)
	var got []int
	for range 3 {
		got = append(got, s.get("/accounts").status)
	}
	if !slices.Equal(got, []int{503, 503, 200}) {
		t.Errorf("got %v", got)
	}
}

func TestRefuseAndExpired(t *testing.T) {
	r := start(t, Options{})
	if q := r.signIn(authorizeQuery("aisp"), "dev+refuse", "dev", ""); q.Get("error") != "access_denied" || q.Get("code") != "" {
		t.Errorf("got %v", q)
	}
	tok := r.connect("dev")
	r.control("POST", "/control/scenario", `{"login":"dev","scenario":"consent_expired"}`)
	if next := r.token(refreshForm(tok.Refresh)); next.Error != "invalid_grant" {
		t.Errorf("refreshed: %+v", next)
	}
}

// seen holds the data that an aggregator reads for one login on one day.
type seen struct {
	accounts []gotAccount
	rows     map[string][]gotTransaction // by account name
}

func (r *rig) look(tok tokens) seen {
	r.t.Helper()
	s := r.attended(v15, tok)
	v := seen{s.accounts(), map[string][]gotTransaction{}}
	for _, a := range v.accounts {
		v.rows[a.Name] = s.all(a.ResourceID, "")
	}
	return v
}

func (v seen) ids(name string) []string {
	var list []string
	for _, tx := range v.rows[name] {
		if tx.EntryReference != "" {
			list = append(list, tx.EntryReference)
		}
	}
	return list
}

// TestChanges: each change affects its subject only.
func TestChanges(t *testing.T) {
	const current = "COMPTE COURANT"
	for _, tc := range []struct {
		scenario string
		check    func(t *testing.T, before, after seen)
	}{
		{"renumbered", func(t *testing.T, before, after seen) {
			if before.accounts[0].ResourceID == after.accounts[0].ResourceID {
				t.Error("the account keeps its id")
			}
			old := before.ids(current)
			for _, id := range after.ids(current) {
				if slices.Contains(old, id) {
					t.Fatalf("%s stays", id)
				}
			}
			if len(old) != len(after.ids(current)) {
				t.Error("rows came or went")
			}
		}},
		{"relabelled", func(t *testing.T, before, after seen) {
			if !slices.Equal(before.ids(current), after.ids(current)) {
				t.Error("identifiers changed")
			}
			n := 0
			for _, tx := range after.rows[current] {
				if strings.Contains(string(tx.Remittance), "LIBELLE REVU") {
					n++
				}
			}
			if n == 0 || n == len(after.rows[current]) {
				t.Errorf("%d labels changed", n)
			}
		}},
		{"backdated", func(t *testing.T, before, after seen) {
			old := before.ids(current)
			added := slices.DeleteFunc(after.ids(current), func(id string) bool { return slices.Contains(old, id) })
			if len(added) != 1 {
				t.Fatalf("%d rows were added", len(added))
			}
			for _, tx := range after.rows[current] {
				if tx.EntryReference == added[0] && tx.BookingDate[:10] != "2026-11-16" {
					t.Errorf("booked on %s", tx.BookingDate)
				}
			}
			if slices.Max(after.ids(current)) != added[0] {
				t.Error("an incremental reader would miss it")
			}
		}},
		{"pending_booked", func(t *testing.T, before, after seen) {
			old, open, n := before.ids(current), 0, 0
			for _, tx := range before.rows[current] {
				if tx.Status == "PDNG" {
					open++
				}
			}
			for _, tx := range after.rows[current] {
				if strings.Contains(string(tx.Remittance), `"REGLE `) && tx.Status == "BOOK" && !slices.Contains(old, tx.EntryReference) {
					n++
				}
			}
			if n == 0 || n != open-1 { // the card's imprint is never booked
				t.Errorf("%d of %d were booked", n, open)
			}
		}},
		{"vanished_account", func(t *testing.T, before, after seen) {
			if len(after.accounts) != len(before.accounts)-1 || after.rows["COMPTE JOINT"] != nil || after.rows[current] == nil {
				t.Errorf("%d accounts, were %d", len(after.accounts), len(before.accounts))
			}
		}},
		{"vanished_account-CHK000000001", func(t *testing.T, before, after seen) {
			if after.rows[current] != nil {
				t.Error("the named account is still there")
			}
		}},
		{"new_account", func(t *testing.T, before, after seen) {
			if len(after.accounts) != len(before.accounts)+1 || len(after.rows["COMPTE TOUT NEUF"]) == 0 {
				t.Errorf("%d accounts, were %d", len(after.accounts), len(before.accounts))
			}
		}},
		{"professional", func(t *testing.T, before, after seen) {
			if a := after.accounts[len(after.accounts)-1]; a.Usage != "ORGA" {
				t.Errorf("the last account is %+v", a)
			}
		}},
	} {
		t.Run(tc.scenario, func(t *testing.T) {
			r := start(t, Options{})
			tok := r.connect("dev")
			before := r.look(tok)
			r.control("POST", "/control/scenario", `{"login":"dev","scenario":"`+tc.scenario+`"}`)
			after := r.look(tok)
			tc.check(t, before, after)
			again := r.look(tok)
			if !slices.Equal(after.ids(current), again.ids(current)) {
				t.Error("two looks on one day differ")
			}
			// What a scenario made stays what it is on the days after.
			r.clock.add(5 * 24 * time.Hour)
			later := r.look(r.token(refreshForm(tok.Refresh)))
			for _, id := range after.ids(current) {
				inWindow := id > "20260901" // older rows leave the ninety days
				if inWindow && !slices.Contains(later.ids(current), id) {
					t.Errorf("%s is gone five days later", id)
				}
			}
		})
	}
}

// TestChangeByLogin: chosen by name, a change takes hold on the second day.
func TestChangeByLogin(t *testing.T) {
	r := start(t, Options{})
	tok := r.connect("dev+new_account")
	if n := len(r.look(tok).accounts); n != 3 {
		t.Errorf("%d accounts on the first day", n)
	}
	r.control("POST", "/control/clock", `{"advance_days":1}`)
	if n := len(r.look(r.token(refreshForm(tok.Refresh))).accounts); n != 4 {
		t.Errorf("%d accounts on the second", n)
	}
}

func TestClock(t *testing.T) {
	r := start(t, Options{})
	r.control("POST", "/control/clock", `{"advance_days":200}`) // over a change of clocks
	got := decode[clockAnswer](t, r.get("/control/clock"))
	if got.Today != "2027-06-09" || got.Now != "2027-06-09T12:00:00+02:00" {
		t.Errorf("got %+v", got)
	}
	r.control("POST", "/control/clock", `{"advance_hours":-1,"advance_minutes":30,"advance_seconds":-5}`)
	if got := decode[clockAnswer](t, r.get("/control/clock")); got.Now != "2027-06-09T11:29:55+02:00" {
		t.Errorf("got %+v", got)
	}
	r.control("DELETE", "/control/clock", "")
	if got := decode[clockAnswer](t, r.get("/control/clock")); got.OffsetSeconds != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestControlRefuses(t *testing.T) {
	r := start(t, Options{})
	for path, body := range map[string]string{
		"/control/scenario": `{"login":"dev","scenario":"flying"}`, "/control/clock": `{"advance_days":"many"}`,
	} {
		req, _ := http.NewRequest("POST", r.url(path), strings.NewReader(body))
		if a := r.do(req); a.status != 400 {
			t.Errorf("%s %s: %d", path, body, a.status)
		}
	}
	closed, err := New(Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer closed.Close()
	r.srv.Config.Handler = closed.Handler()
	if a := r.get("/control/clock"); a.status != 404 {
		t.Errorf("control is open: %d", a.status)
	}
}

// TestNewRows: as days pass the account goes on.
func TestNewRows(t *testing.T) {
	r := start(t, Options{})
	tok := r.connect("dev")
	before := r.look(tok)
	r.control("POST", "/control/clock", `{"advance_days":8}`)
	after := r.look(r.token(refreshForm(tok.Refresh)))
	fresh := 0
	for _, tx := range after.rows["COMPTE COURANT"] {
		if tx.Status == "BOOK" && tx.BookingDate > "2026-11-22" {
			fresh++
		}
		if strings.Contains(string(tx.Remittance), "EMPREINTE") {
			t.Error("the imprint is still there")
		}
	}
	if fresh < 5 {
		t.Errorf("%d new rows in eight days", fresh)
	}
	if slices.Equal(before.ids("COMPTE COURANT"), after.ids("COMPTE COURANT")) {
		t.Error("nothing happened")
	}
}

// TestCustomers: control tells what the bank knows, savings and loan included.
func TestCustomers(t *testing.T) {
	r := start(t, Options{})
	s := r.attended(v15, r.connect("dev"))
	got := decode[struct{ Customers []truthCustomer }](t, r.get("/control/customers")).Customers
	if len(got) != 1 || got[0].Login != "dev" || got[0].Anchor != "2026-11-21" || len(got[0].Accounts) != 5 {
		t.Fatalf("got %+v", got)
	}
	first := got[0].Accounts[0]
	if first.ResourceID != s.accounts()[0].ResourceID || first.Balance != "3282.37" || first.Booked < 300 || first.Pending == 0 {
		t.Errorf("got %+v", first)
	}
	for _, a := range got[0].Accounts {
		t.Logf("%+v", a)
	}
}

// TestControlStaysHome: a foreign page cannot move the clock.
func TestControlStaysHome(t *testing.T) {
	r := start(t, Options{})
	req, _ := http.NewRequest("POST", r.url("/control/clock"), strings.NewReader(`{"advance_days":1}`))
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	if a := r.do(req); a.status != http.StatusForbidden {
		t.Errorf("%d", a.status)
	}
}

// TestQuirks: what real banks do within the letter of the standard.
func TestQuirks(t *testing.T) {
	r := start(t, Options{PageSize: 50})
	for _, v := range []version{v14, v15} {
		s := r.attended(v, r.connect("dev+next_loop"))
		target := "/accounts/" + s.accounts()[1].ResourceID + "/transactions"
		for page := 1; ; page++ {
			a := s.get(target)
			l := decode[struct {
				Links map[string]link `json:"_links"`
			}](t, a).Links
			if l["next"] == l["self"] {
				break
			}
			if target = l["next"].Href; target == "" || page > 20 {
				t.Fatalf("%s: page %d has no loop: %v", v, page, l)
			}
		}
		s = r.attended(v, r.connect("dev+no_references"))
		for _, tx := range s.all(s.accounts()[0].ResourceID, "") {
			if tx.EntryReference != "" || tx.ResourceID != "" {
				t.Fatalf("%s: %v", v, tx)
			}
		}
	}
}

func TestOneAccountFails(t *testing.T) {
	r := start(t, Options{})
	s := r.attended(v15, r.connect("dev+partial-CHK000000002"))
	for _, a := range s.accounts() {
		want := http.StatusOK
		if strings.Contains(a.Name, "JOINT") {
			want = http.StatusServiceUnavailable
		}
		for _, resource := range []string{"balances", "transactions"} {
			if got := s.get("/accounts/" + a.ResourceID + "/" + resource); got.status != want {
				t.Errorf("%s, %s: %d, want %d", a.Name, resource, got.status, want)
			}
		}
	}
	b := r.browser().inside("dev+partial-CHK000000002")
	for path, want := range map[string]int{
		"/site/comptes": 200, "/site/comptes/2": 200, "/site/comptes/1/operations": 200, "/site/comptes/2/operations": 503,
	} {
		if b.open(path); b.status != want {
			t.Errorf("%s: %d, want %d", path, b.status, want)
		}
	}
	b.inside119("dev.partial-SAV000000001-0119")
	b.open("/site119/product?ref=4")
	b.sees(".later")
}

func TestEverySynchronisationHasANewRow(t *testing.T) {
	r := start(t, Options{})
	s := r.attended(v15, r.connect("dev+every_sync"))
	id := s.accounts()[0].ResourceID
	truth := func() (balance string, booked int) {
		for _, c := range decode[struct {
			Customers []truthCustomer `json:"customers"`
		}](t, r.control("GET", "/control/customers", "")).Customers {
			if c.Login == "dev+every_sync" {
				return c.Accounts[0].Balance, c.Accounts[0].Booked
			}
		}
		t.Fatal("the customer is not there")
		return "", 0
	}
	_, before := truth()
	rows := len(s.all(id, ""))
	s.accounts()
	if got := len(s.all(id, "")); got != rows+1 {
		t.Errorf("%d rows after the second time, %d after the first", got, rows)
	}
	b := r.browser().inside("dev+every_sync")
	b.open("/site/comptes/1/operations")
	if got := b.page.Find("#operations tbody").Text(); strings.Count(got, "LA NOUVEAUTE DU JOUR") != 3 {
		t.Errorf("the site shows %s", got)
	}
	balance, after := truth()
	if after != before+2 || balance != "3279.31" { // 3282.37 less 1.01, 1.02 and 1.03
		t.Errorf("%d rows and then %d, %s in the end", before, after, balance)
	}
}
