package testbank

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// browser is a customer's browser at a web site of the bank: it keeps cookies,
// follows redirects and fills forms.
type browser struct {
	*rig
	client *http.Client
	page   *goquery.Document
	status int
	at     *url.URL
	body   string
}

func (r *rig) browser() *browser {
	r.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return &browser{rig: r, client: &http.Client{Jar: jar}}
}

// open goes to an address and gives the page.
func (b *browser) open(path string) *goquery.Document {
	b.t.Helper()
	resp, err := b.client.Get(b.url(path))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.arrived(resp)
}

func (b *browser) arrived(resp *http.Response) *goquery.Document {
	b.t.Helper()
	defer resp.Body.Close()
	var err error
	b.page, err = goquery.NewDocumentFromReader(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.status, b.at = resp.StatusCode, resp.Request.URL
	b.body, _ = b.page.Html()
	return b.page
}

// submit fills the page's form and presses the button with the given value, or the
// first button.
func (b *browser) submit(form, button string, fields map[string]string) *goquery.Document {
	b.t.Helper()
	f := b.page.Find(form)
	if f.Length() != 1 {
		b.t.Fatalf("no %s at %s: %s", form, b.at, b.page.Find("main").Text())
	}
	values := url.Values{}
	f.Find("input[name]").Each(func(_ int, input *goquery.Selection) {
		if input.AttrOr("type", "") != "checkbox" {
			values.Set(input.AttrOr("name", ""), input.AttrOr("value", ""))
		}
	})
	pressed := f.Find("button").First()
	if button != "" {
		pressed = f.Find(`button[value="` + button + `"]`)
	}
	if name := pressed.AttrOr("name", ""); name != "" {
		values.Set(name, pressed.AttrOr("value", ""))
	}
	for name, value := range fields {
		values.Set(name, value)
	}
	target, err := b.at.Parse(f.AttrOr("action", ""))
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := b.client.PostForm(target.String(), values)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.arrived(resp)
}

// sees fails the test unless the page holds a match of the selector.
func (b *browser) sees(selector string) {
	b.t.Helper()
	if b.page.Find(selector).Length() == 0 {
		b.t.Fatalf("no %s at %s (%d): %s", selector, b.at, b.status, strings.Join(strings.Fields(b.page.Find("main").Text()), " "))
	}
}

func (b *browser) signInAtSite(login, password string) {
	b.t.Helper()
	b.open("/site/connexion")
	b.submit("#connexion", "", map[string]string{"identifiant": login, "motdepasse": password})
}

// inside goes through the SMS as well.
func (b *browser) inside(login string) *browser {
	b.t.Helper()
	b.signInAtSite(login, "dev")
	b.sees("#envoi-sms")
	b.submit("#envoi-sms", "envoyer", nil)
	b.submit("#saisie-code", "valider", map[string]string{"code": "123456"})
	return b
}

func (b *browser) text(selector string) string {
	return strings.Join(strings.Fields(b.page.Find(selector).First().Text()), " ")
}

func TestSiteShowsEverything(t *testing.T) {
	b := start(t, Options{PageSize: 30}).browser().inside("dev")
	b.sees("#mes-comptes")
	for section, want := range map[string]string{
		"#comptes-courants": "COMPTE COURANT", "#cartes": "CARTE DEBIT DIFFERE", "#epargne": "LIVRET A", "#credits": "PRET VOITURE",
	} {
		if got := b.text(section + " h3"); got != want {
			t.Errorf("%s shows %q first, want %q", section, got, want)
		}
	}
	if got := b.page.Find("#comptes-courants .solde").First().Text(); got != "3\u202f282,37\u00a0€" {
		t.Errorf("the balance is %q", got)
	}
	if strings.Contains(b.body, "CHK000000001") || strings.Contains(b.body, "data-") {
		t.Error("a page of a real bank has no identifiers")
	}
	for path, wants := range map[string][]string{
		"/site/comptes/1": {"FR76 9998 7000 0100 0123 4567 810", "CAMILLE TESTARD"},
		"/site/comptes/3": {"Débit différé", "30/11/2026", "00012345678"},
		"/site/comptes/4": {"1,70 %", "22 950,00 €"},
		"/site/comptes/5": {"10 000,00 €", "6 798,40 €", "2,90 %", "10/12/2026", "32"},
		"/site/profil":    {"CAMILLE TESTARD", "29 févr. 1988", "06******1", "LILLE"},
	} {
		b.open(path)
		shown := b.text("dl")
		for _, want := range wants {
			if !strings.Contains(shown, want) {
				t.Errorf("%s lacks %q: %s", path, want, shown)
			}
		}
	}
}

func TestSitePageDrawnByItsScript(t *testing.T) {
	r := start(t, Options{})
	b := r.browser().inside("dev+script")
	b.open("/site/comptes/4")
	b.sees(`#fiche[aria-busy="true"] ~ script`)
	if shown := b.text("#fiche"); shown != "" {
		t.Errorf("without its script the page shows %q", shown)
	}
	b.open("/site/comptes/4/fiche.json")
	for _, want := range []string{`{"name":"Taux","value":"1,70 %"}`, `{"name":"Plafond","value":"22 950,00 €"}`} {
		if facts := b.text("body"); !strings.Contains(facts, want) {
			t.Errorf("the script does not find %s: %s", want, facts)
		}
	}
	b.open("/site/comptes/5")
	b.sees(`#fiche dt`)
	stranger := r.browser()
	stranger.open("/site/comptes/4/fiche.json")
	stranger.sees("#connexion")
}

func TestSiteStatement(t *testing.T) {
	r := start(t, Options{PageSize: 30})
	b := r.browser().inside("dev")
	rows, pages, full := 0, 0, 0
	next := "/site/comptes/1/operations"
	for next != "" {
		b.open(next)
		pages++
		rows += b.page.Find("#operations tbody tr").Length()
		full += b.page.Find("#operations .complet").Length()
		b.page.Find("#operations .libelle").Each(func(_ int, label *goquery.Selection) {
			if n := len([]rune(label.Text())); n > shortLabel+1 {
				t.Errorf("a label has %d characters", n)
			}
		})
		next = b.page.Find(`a[rel="next"]`).AttrOr("href", "")
	}
	truth := decode[struct {
		Customers []truthCustomer `json:"customers"`
	}](t, r.control("GET", "/control/customers", ""))
	want := truth.Customers[0].Accounts[0]
	if rows != want.Booked+want.Pending || pages != (rows+29)/30 || full == 0 {
		t.Errorf("%d rows on %d pages, %d with details; the truth is %+v", rows, pages, full, want)
	}
	b.open("/site/comptes/1/operations")
	b.sees("tr.a-venir em")
	first := b.page.Find("#operations tbody tr").First()
	if day := first.Find(".date").Text(); day != "21 nov. 2026" {
		t.Errorf("the newest row is of %q", day)
	}
	if sum := first.Find(".montant").Text(); !strings.HasPrefix(sum, "−") && !strings.HasPrefix(sum, "+") {
		t.Errorf("an amount without its sign: %q", sum)
	}
	b.open("/site/comptes/99/operations")
	if b.status != http.StatusNotFound {
		t.Errorf("an account that is not there: %d", b.status)
	}
}

func TestSiteLogin(t *testing.T) {
	for _, tc := range []struct{ name, login, password, sees string }{
		{"wrong password", "dev", "nope", ".erreur"},
		{"unknown scenario", "dev+flying", "dev", ".erreur"},
		{"locked", "dev+locked", "dev", "#acces-bloque"},
		{"new password", "dev+password_change", "dev", "#mot-de-passe-expire"},
		{"new device", "dev", "dev", "#envoi-sms"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := start(t, Options{}).browser()
			b.signInAtSite(tc.login, tc.password)
			b.sees(tc.sees)
			if strings.Contains(b.body, "nope") {
				t.Error("the password is in the page")
			}
		})
	}
}

func TestFrontDoors(t *testing.T) {
	b := start(t, Options{}).browser()
	for _, site := range []string{"/site", "/site119", "/site182"} {
		for _, slash := range []string{"", "/"} {
			b.open(site + slash)
			b.sees("form")
		}
	}
	b.open("/")
	b.sees(`a[href="/site/"]`)
}

func TestSiteForms(t *testing.T) {
	r := start(t, Options{})
	b := r.browser()
	b.open("/site/connexion")
	b.submit("#connexion", "", map[string]string{"identifiant": "dev", "motdepasse": "dev", "jeton": "another"})
	b.sees("#formulaire-perime")
	b.open("/site/comptes")
	b.sees("#connexion") // not inside yet
	b.signInAtSite("dev", "dev")
	b.open("/site/comptes")
	b.sees("#envoi-sms") // the password alone is not enough
	b.submit("#envoi-sms", "annuler", nil)
	b.sees("#connexion")
	b.open("/site182/comptes")
	b.sees("#connexion")
}

func TestSiteRemembersTheDevice(t *testing.T) {
	r := start(t, Options{DataDir: t.TempDir()})
	b := r.browser().inside("dev")
	for _, tc := range []struct {
		after time.Duration
		sees  string
	}{{time.Hour, "#mes-comptes"}, {89 * 24 * time.Hour, "#mes-comptes"}, {24 * time.Hour, "#envoi-sms"}} {
		r.clock.add(tc.after)
		b.signInAtSite("dev", "dev")
		b.sees(tc.sees)
	}
	b.inside("dev")
	b.signInAtSite("dev+new_account", "dev")
	b.sees("#envoi-sms") // somebody else's telephone
	other := r.browser()
	other.signInAtSite("dev", "dev")
	other.sees("#envoi-sms")
}

func TestSiteOutlivesARestart(t *testing.T) {
	dir := t.TempDir()
	first := start(t, Options{DataDir: dir})
	b := first.browser()
	b.signInAtSite("dev", "dev")
	b.submit("#envoi-sms", "envoyer", nil)
	second := start(t, Options{DataDir: dir})
	address, _ := url.Parse(second.srv.URL)
	// The form goes to the new process, with the old one's cookies.
	b.at.Host = address.Host
	b.submit("#saisie-code", "valider", map[string]string{"code": "123456"})
	b.sees("#mes-comptes")
}

func TestSiteCodes(t *testing.T) {
	r := start(t, Options{})
	b := r.browser()
	wrong := map[string]string{"code": "000000"}
	b.signInAtSite("dev", "dev")
	b.submit("#envoi-sms", "envoyer", nil)
	if got := b.text(".telephone"); got != "0606060606" {
		t.Errorf("the SMS goes to %q", got)
	}
	for range 5 { // dev is shared and never locked
		b.submit("#saisie-code", "valider", wrong)
		if got := b.text(".essais"); got != "2" {
			t.Errorf("%q attempts left", got)
		}
	}
	r.clock.add(codeTime + time.Second)
	b.submit("#saisie-code", "valider", map[string]string{"code": "123456"})
	b.sees("#envoi-sms")
	b.sees(".erreur")

	b.signInAtSite("dev+sms", "dev")
	b.submit("#envoi-sms", "envoyer", nil)
	for _, left := range []string{"2", "1"} {
		b.submit("#saisie-code", "valider", wrong)
		if got := b.text(".essais"); got != left {
			t.Errorf("%q attempts left, want %s", got, left)
		}
	}
	b.submit("#saisie-code", "valider", wrong)
	b.sees("#echec-authentification")
	b.inside("dev+sms")
	b.signInAtSite("dev+sms", "dev")
	b.sees("#envoi-sms") // always

	b.inside("dev+sms-30")
	r.clock.add(30 * time.Minute)
	b.signInAtSite("dev+sms-30", "dev")
	b.sees("#mes-comptes")
	r.clock.add(time.Second)
	b.signInAtSite("dev+sms-30", "dev")
	b.sees("#envoi-sms")

	b.signInAtSite("dev+sms_wrong", "dev")
	b.submit("#envoi-sms", "envoyer", nil)
	b.submit("#saisie-code", "valider", map[string]string{"code": "123456"})
	b.sees(".essais")
}

func TestSiteLocksAScenarioOnly(t *testing.T) {
	r := start(t, Options{})
	b := r.browser()
	for range 5 {
		b.signInAtSite("dev", "nope")
	}
	b.signInAtSite("dev", "dev")
	b.sees("#envoi-sms")
	for range maxWrongPasswords {
		b.signInAtSite("dev+down", "nope")
		b.sees(".erreur")
	}
	b.signInAtSite("dev+down", "dev")
	b.sees("#acces-bloque")
	r.clock.add(lockTime + time.Second)
	b.signInAtSite("dev+down", "dev")
	b.sees("#envoi-sms")
}

func TestSiteTerms(t *testing.T) {
	b := start(t, Options{}).browser().inside("dev+action_required")
	b.sees("#conditions")
	b.open("/site/comptes")
	b.sees("#conditions")
	b.submit("#conditions", "", nil)
	b.sees(".erreur")
	b.submit("#conditions", "", map[string]string{"accord": "oui"})
	b.sees("#mes-comptes")
	b.signInAtSite("dev+action_required", "dev")
	b.sees("#mes-comptes") // accepted once and for all
}

func TestSiteSessions(t *testing.T) {
	r := start(t, Options{})
	b := r.browser().inside("dev")
	r.clock.add(visitLife)
	b.open("/site/comptes")
	b.sees("#mes-comptes")
	r.clock.add(visitLife + time.Second)
	b.open("/site/comptes")
	b.sees("#connexion")
	b.sees(".erreur")

	b.inside("dev+session_timeout-3") // the list is the first page
	b.open("/site/comptes/1")
	b.open("/site/comptes/2")
	b.open("/site/comptes/3")
	b.sees("#connexion")
	b.signInAtSite("dev+session_timeout-3", "dev")
	for range 5 {
		b.open("/site/comptes")
		b.sees("#mes-comptes")
	}
	b.sees("#quitter")
	b.open("/site/deconnexion")
	b.open("/site/comptes")
	b.sees("#connexion")
}

func TestSiteTroubles(t *testing.T) {
	for _, tc := range []struct {
		scenario string
		status   int
		retry    bool
		ends     bool
	}{
		{"down", 503, true, true}, {"rate_limited", 429, true, true}, {"garbage", 200, false, true},
		{"garbage-truncated", 200, false, false}, {"slow-1", 200, false, true},
	} {
		t.Run(tc.scenario, func(t *testing.T) {
			r := start(t, Options{})
			b := r.browser().inside("dev")
			r.control("POST", "/control/scenario", `{"login":"dev","scenario":"`+tc.scenario+`","times":1}`)
			jar := b.client.Jar.Cookies(b.at)
			req, _ := http.NewRequest(http.MethodGet, r.url("/site/comptes"), nil)
			for _, cookie := range jar {
				req.AddCookie(cookie)
			}
			a := r.do(req)
			if a.status != tc.status || (a.header.Get("Retry-After") != "") != tc.retry || strings.Contains(a.body, "</html>") != tc.ends {
				t.Errorf("%d %v %s", a.status, a.header, a.body)
			}
			b.open("/site/comptes")
			b.sees("#mes-comptes")
		})
	}
}

func TestDemoSiteAsksForAnIdentifierOnly(t *testing.T) {
	b := start(t, Options{}).browser()
	b.open("/site182/connexion")
	if b.page.Find("input[type=password]").Length() != 0 {
		t.Error("the site asks for a password")
	}
	b.submit("#connexion", "", map[string]string{"identifiant": "somebody"})
	b.sees(".erreur")
	b.submit("#connexion", "", map[string]string{"identifiant": "demo"})
	b.sees("#envoi-sms")
	b.submit("#envoi-sms", "envoyer", nil)
	b.submit("#saisie-code", "valider", map[string]string{"code": "123456"})
	b.sees("#mes-comptes")
	b.open("/site182/connexion")
	b.submit("#connexion", "", map[string]string{"identifiant": "demo+locked"})
	b.sees("#acces-bloque")
}
