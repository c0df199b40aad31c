package testbank

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// logOn119 types what the second site asks for, up to the SMS.
func (b *browser) logOn119(user, answer, secret, trust string) {
	b.t.Helper()
	b.open("/site119/")
	b.submit("form[name=logon]", "", map[string]string{"userid": user})
	b.submit("form[name=verify]", "", map[string]string{"answer": answer, "secret": secret, "trust": trust})
}

func TestSite119Login(t *testing.T) {
	for _, tc := range []struct{ name, user, answer, secret, sees string }{
		{"right", "dev-0119", "dev", "dev-0119", "form[name=textme]"},
		{"another answer", "dev-0119", "nope", "dev-0119", ".msg--error"},
		{"another password", "dev-0119", "dev", "nope-0119", ".msg--error"},
		{"short password", "dev-0119", "dev", "dev", ".msg--error"},
		{"short identifier", "dev", "dev", "dev-0119", ".msg--error"},
		{"nothing", "-0119", "", "-0119", ".msg--error"},
		{"locked", "dev.locked-0119", "dev", "dev-0119", ".notice--suspended"},
		{"new password", "dev+password_change-0119", "dev", "dev-0119", ".notice--new-password"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := start(t, Options{}).browser()
			b.logOn119(tc.user, tc.answer, tc.secret, "")
			b.sees(tc.sees)
		})
	}
}

func TestSite119KnowsADeviceByItsToken(t *testing.T) {
	r := start(t, Options{})
	b := r.browser()
	b.logOn119("dev-0119", "dev", "dev-0119", "")
	b.submit("form[name=textme]", "", nil)
	b.submit("form[name=passcode]", "", map[string]string{"passcode": "000000"})
	b.sees(`[data-left="2"]`)
	b.submit("form[name=passcode]", "", map[string]string{"passcode": "123456"})
	trust := b.page.Find("#trust").AttrOr("value", "")
	b.open("/site119/overview")
	b.sees(".products")
	b.logOn119("dev-0119", "dev", "dev-0119", "")
	b.sees("form[name=textme]")
	b.logOn119("dev-0119", "dev", "dev-0119", trust)
	b.sees(".products")
	b.logOn119("dev.action_required-0119", "dev", "dev-0119", trust)
	b.sees("form[name=textme]")
	b.submit("form[name=textme]", "", nil)
	r.clock.add(codeTime + 1)
	b.submit("form[name=passcode]", "", map[string]string{"passcode": "123456"})
	b.sees("form[name=textme]")
}

// inside119 goes through the SMS as well.
func (b *browser) inside119(user string) {
	b.t.Helper()
	b.logOn119(user, "dev", "dev-0119", "")
	b.submit("form[name=textme]", "", nil)
	b.submit("form[name=passcode]", "", map[string]string{"passcode": "123456"})
	b.open("/site119/overview")
}

func TestSite119ShowsEverything(t *testing.T) {
	r := start(t, Options{PageSize: 30})
	b := r.browser()
	b.inside119("dev-0119")
	if n := b.page.Find(".product").Length(); n != 5 {
		t.Fatalf("%d products", n)
	}
	if got := b.text(`.product[data-kind="savings"] strong`); got != "EUR 5,240.88 CR" {
		t.Errorf("the savings are %q", got)
	}
	if got := b.text(`.product[data-kind="loan"] strong`); got != "EUR 6,798.40 DR" {
		t.Errorf("the loan is %q", got)
	}
	truth := decode[struct {
		Customers []truthCustomer `json:"customers"`
	}](t, r.control("GET", "/control/customers", "")).Customers[0]
	for i, want := range truth.Accounts {
		rows := 0
		next := "/site119/product?ref=" + strconv.Itoa(i+1)
		for next != "" {
			b.open(next)
			rows += b.page.Find(".move").Length()
			next = b.page.Find(".more").AttrOr("data-src", "")
		}
		if rows != want.Booked+want.Pending {
			t.Errorf("%s has %d rows, the truth is %+v", want.Name, rows, want)
		}
	}
	b.open("/site119/product?ref=5")
	for _, want := range []string{"10,000.00", "6,798.40", "2026-12-10", "2.90%"} {
		if !strings.Contains(b.text(".terms"), want) {
			t.Errorf("the loan's page lacks %s: %s", want, b.text(".terms"))
		}
	}
	b.open("/site119/profile")
	if got := b.text(".terms"); !strings.Contains(got, "06******1") || !strings.Contains(got, "29 Feb 1988") {
		t.Errorf("the profile says %s", got)
	}
}

func TestSite119CountsRowsWithinTheirDay(t *testing.T) {
	r := start(t, Options{PageSize: 3})
	b := r.browser()
	b.inside119("dev-0119")
	seen := map[string]bool{}
	next := "/site119/product?ref=1"
	for range 20 {
		b.open(next)
		b.page.Find(".move").Each(func(_ int, move *goquery.Selection) {
			pos, booked := move.Attr("data-pos")
			if pending := move.Parent().Find("em").Length() > 0; booked == pending {
				t.Errorf("a row with the place %q, pending %v", pos, pending)
			}
			if booked && seen[pos] {
				t.Errorf("the place %s is given twice", pos)
			}
			seen[pos] = true
		})
		next = b.page.Find(".more").AttrOr("data-src", "")
	}
	if !seen["2026-11-20-1"] && !seen["2026-11-19-1"] {
		t.Errorf("no first row of a day: %v", seen)
	}
}

func TestSite119IsWrittenInLatin1(t *testing.T) {
	r := start(t, Options{})
	a := r.get("/site119/")
	if !strings.Contains(a.header.Get("Content-Type"), "iso-8859-1") {
		t.Errorf("the page is %v", a.header)
	}
	w := httptest.NewRecorder()
	latinWriter{w}.Write([]byte("Zoé doit 3 €"))
	if got := w.Body.String(); got != "Zo\xe9 doit 3 &#8364;" {
		t.Errorf("written as %q", got)
	}
}

func TestSite119RefusesACursorOfNobody(t *testing.T) {
	b := start(t, Options{}).browser()
	b.inside119("dev-0119")
	b.open("/site119/activity?ref=1&after=nonsense")
	b.sees(".notice--lost")
	if b.status != http.StatusNotFound {
		t.Errorf("answered with %d", b.status)
	}
}
