package auth_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/auth"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/web"
)

// town is a platform behind a proxy, so that people have addresses.
type town struct {
	*world
	*testing.T
}

func newTown(t *testing.T, db *store.DB) town {
	t.Helper()
	w := newWorld(t, db)
	w.Server = w.NewAuth("http://platform.test", func(o *auth.Options) { o.Log, o.TrustProxy = platformtest.Quiet, true })
	mux := http.NewServeMux()
	w.Register(mux)
	doors := web.NewDoors(w.Clock.Now, platformtest.Quiet)
	doors.TrustProxy = true
	w.URL = platformtest.Serve(t, doors.Handler(mux))
	return town{w, t}
}

// person is a browser at an address.
type person struct {
	town
	browser *browser
	address string
}

func (w town) person(address string) person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	return person{w, &browser{w.world, jar}, address}
}

// signin opens the page and sends the form. The browser keeps its cookies.
func (p person) signin(email, password string) answer {
	p.Helper()
	page := p.browser.open(p.T, signinPath("lng", "en"), "Cookie", p.cookies(), "X-Forwarded-For", p.address)
	if page.StatusCode != http.StatusOK {
		return page
	}
	return p.answer(page, email, password)
}

func (p person) answer(page answer, email, password string) answer {
	p.Helper()
	values := url.Values{"username": {email}, "password": {password}, "form": {parse(p.T, page).Find("input[name=form]").AttrOr("value", "")}}
	a := p.post(p.T, signinPath("lng", "en"), values.Encode(), "Cookie", p.cookies(), "Sec-Fetch-Site", "same-origin", "X-Forwarded-For", p.address)
	p.browser.jar.SetCookies(a.Request.URL, a.Cookies())
	return a
}

func (p person) cookies() string {
	address, err := url.Parse(p.URL + "/signin")
	if err != nil {
		p.Fatal(err)
	}
	var texts []string
	for _, cookie := range p.browser.jar.Cookies(address) {
		texts = append(texts, cookie.String())
	}
	return strings.Join(texts, "; ")
}

// grant asks for tokens as the client of a user at an address.
func (w town) grant(email, password, address string) answer {
	w.Helper()
	var headers []string
	if address != "" {
		headers = []string{"PSU-IP-Address", address}
	}
	return w.post(w.T, "/token", form("grant_type", "password", "username", email, "password", password), headers...)
}

// attack sends wrong passwords for a user to the sign-in page, each from another address, and
// returns how many answers had which status.
func (w town) attack(email string, tries int) map[int]int {
	w.Helper()
	attacker := w.person("198.51.100.1")
	page := attacker.browser.open(w.T, signinPath("lng", "en"), "X-Forwarded-For", attacker.address)
	statuses := make([]int, tries)
	var all errgroup.Group
	all.SetLimit(4)
	for i := range tries {
		all.Go(func() error {
			one := attacker
			one.address = fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
			statuses[i] = one.answer(page, email, "wrong "+strconv.Itoa(i)).StatusCode
			return nil
		})
	}
	_ = all.Wait() // no attempt returns an error
	count := map[int]int{}
	for _, status := range statuses {
		count[status]++
	}
	return count
}

// Ten thousand wrong passwords from as many addresses keep the owner out neither from a known
// device nor through a client; a new device waits with the strangers.
func TestLockoutIsNoWeapon(t *testing.T) {
	db, _ := storetest.SQLite(t)
	w := newTown(t, db)
	owner := w.person("203.0.113.7")
	if a := owner.signin(email, password); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("the first sign-in: %d %s", a.StatusCode, a.text)
	}
	got := w.attack(email, 10_000)
	if got[http.StatusBadRequest] != 100 || got[http.StatusTooManyRequests] != 9_900 {
		t.Errorf("the attacker's answers: %v", got)
	}
	if a := owner.signin(email, password); a.StatusCode != http.StatusSeeOther {
		t.Errorf("the known device: %d %s", a.StatusCode, a.text)
	}
	owner.address = "198.51.100.200"
	if a := owner.signin(email, password); a.StatusCode != http.StatusSeeOther {
		t.Errorf("the known device at another address: %d %s", a.StatusCode, a.text)
	}
	for _, address := range []string{"203.0.113.7", "2001:db8::7", ""} {
		if a := w.grant(email, password, address); a.StatusCode != http.StatusOK {
			t.Errorf("through the client, the user at %q: %d %s", address, a.StatusCode, a.text)
		}
	}
	stranger := w.person("203.0.113.8")
	if a := stranger.signin(email, password); a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") != "3600" {
		t.Errorf("a new device: %d, Retry-After %q", a.StatusCode, a.Header.Get("Retry-After"))
	}
	w.Clock.Advance(time.Hour)
	if a := stranger.signin(email, password); a.StatusCode != http.StatusSeeOther {
		t.Errorf("a new device after the wait: %d %s", a.StatusCode, a.text)
	}
}

func TestTriesCountForWhoTries(t *testing.T) {
	t.Parallel()
	const unknown = "nobody@example.test"
	facts := []struct {
		fact string
		test func(w town)
	}{
		{"a known user and an unknown one are refused alike, at every step", func(w town) {
			var texts [2][]string
			for i, name := range []string{email, unknown} {
				p := w.person("203.0.113.9")
				for n := range 101 {
					p.address = "203.0.113." + strconv.Itoa(n)
					a := p.signin(name, "wrong")
					page := parse(w.T, a)
					page.Find("input").RemoveAttr("value")
					page.Find("form").RemoveAttr("data-challenge") // as the form's value, another one each time
					html, _ := page.Html()
					texts[i] = append(texts[i], fmt.Sprint(a.StatusCode, a.Header.Get("Retry-After"), len(a.Cookies()), strings.ReplaceAll(html, name, "")))
				}
			}
			for n, text := range texts[0] {
				if text != texts[1][n] {
					w.Fatalf("try %d: %s; of an unknown user %s", n+1, text, texts[1][n])
				}
			}
		}},
		{"a right password of a stranger gives the others no new attempts", func(w town) {
			w.attack(email, 99)
			if a := w.person("203.0.113.1").signin(email, password); a.StatusCode != http.StatusSeeOther {
				w.Fatalf("the owner: %d", a.StatusCode)
			}
			if got := w.attack(email, 2); got[http.StatusBadRequest] != 1 || got[http.StatusTooManyRequests] != 1 {
				w.Errorf("the next two: %v", got)
			}
		}},
		{"a known device has ten tries of its own, and others go on", func(w town) {
			thief, owner := w.person("203.0.113.1"), w.person("203.0.113.2")
			thief.signin(email, password)
			owner.signin(email, password)
			for n := range 11 {
				a := thief.signin(email, "wrong")
				want := http.StatusBadRequest
				if n == 10 {
					want = http.StatusTooManyRequests
				}
				if a.StatusCode != want || (a.Header.Get("Retry-After") == "60") != (n == 10) {
					w.Fatalf("try %d: %d, Retry-After %q", n+1, a.StatusCode, a.Header.Get("Retry-After"))
				}
			}
			if a := thief.signin(email, password); a.StatusCode != http.StatusTooManyRequests {
				w.Errorf("the right password after too many wrong ones: %d", a.StatusCode)
			}
			for _, a := range []answer{owner.signin(email, password), w.person("203.0.113.3").signin(email, password)} {
				if a.StatusCode != http.StatusSeeOther {
					w.Errorf("another device: %d", a.StatusCode)
				}
			}
		}},
		{"a device is known for its users alone", func(w town) {
			other := "other@example.test"
			_, err := w.Users.Create(w.Context(), oxlin.Client{ID: "sandbox"}, other, oxlin.NewSecret(password))
			if err != nil {
				w.Fatal(err)
			}
			p := w.person("203.0.113.1")
			p.signin(other, password)
			w.attack(email, 100)
			if a := p.signin(email, password); a.StatusCode != http.StatusTooManyRequests {
				w.Errorf("as another user: %d", a.StatusCode)
			}
			w.Clock.Advance(time.Hour)
			p.signin(email, password)
			w.attack(email, 100)
			w.attack(other, 100)
			for _, name := range []string{email, other} { // one browser, two people
				if a := p.signin(name, password); a.StatusCode != http.StatusSeeOther {
					w.Errorf("%s: %d", name, a.StatusCode)
				}
			}
		}},
		{"a changed cookie is no known device, and a device is forgotten after half a year", func(w town) {
			p := w.person("203.0.113.1")
			var cookie *http.Cookie
			for _, c := range p.signin(email, password).Cookies() {
				if c.Name == "oxlin_device" {
					cookie = c
				}
			}
			if cookie == nil || !cookie.HttpOnly || cookie.Path != "/signin" || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != 180*24*60*60 {
				w.Fatalf("the cookie is %v", cookie)
			}
			parts := strings.Split(cookie.Value, ".")
			w.attack(email, 100)
			try := func(value string, want int) {
				w.Helper()
				page := p.browser.open(w.T, signinPath("lng", "en"), "X-Forwarded-For", p.address)
				form := url.Values{"username": {email}, "password": {password}, "form": {parse(w.T, page).Find("input[name=form]").AttrOr("value", "")}}
				cookies := page.Cookies()[0].String() + "; oxlin_device=" + value
				a := w.post(w.T, signinPath("lng", "en"), form.Encode(), "Cookie", cookies, "Sec-Fetch-Site", "same-origin", "X-Forwarded-For", p.address)
				if a.StatusCode != want {
					w.Errorf("with %q: %d, want %d", value, a.StatusCode, want)
				}
			}
			later := "9" + parts[2]
			for _, value := range []string{
				"", "...", "~", cookie.Value + "A", strings.Join([]string{parts[0], parts[1], later, parts[3]}, "."),
				strings.Join([]string{"1" + parts[0], parts[1], parts[2], parts[3]}, "."), strings.Join([]string{parts[0], "x" + parts[1], parts[2], parts[3]}, "."),
			} {
				try(value, http.StatusTooManyRequests)
			}
			try("x~"+cookie.Value, http.StatusSeeOther)
			w.Clock.Advance(180 * 24 * time.Hour)
			w.attack(email, 100)
			try(cookie.Value, http.StatusTooManyRequests)
		}},
		{"users who come through a client have a count for each address", func(w town) {
			for n := range 10 {
				if a := w.grant(email, "wrong", "198.51.100.1"); a.StatusCode != http.StatusBadRequest {
					w.Fatalf("try %d: %d", n+1, a.StatusCode)
				}
			}
			for _, row := range []struct {
				address string
				status  int
			}{
				{"198.51.100.1", http.StatusTooManyRequests}, {"203.0.113.1", http.StatusOK}, {"", http.StatusOK},
				{"no address", http.StatusBadRequest}, {"2001:db8::1", http.StatusOK},
			} {
				a := w.grant(email, password, row.address)
				if a.StatusCode != row.status || (a.Header.Get("Retry-After") == "60") != (row.status == http.StatusTooManyRequests) {
					w.Errorf("from %q: %d %s, Retry-After %q", row.address, a.StatusCode, a.text, a.Header.Get("Retry-After"))
				}
				if row.address == "no address" && !strings.Contains(a.field("error_description"), "PSU-IP-Address") {
					w.Errorf("the refusal does not name the header: %s", a.text)
				}
			}
			for n := range 10 { // one network of IPv6 is one source
				w.grant(email, "wrong", "2001:db8::"+strconv.Itoa(n+2))
			}
			if a := w.grant(email, password, "2001:db8::ffff"); a.StatusCode != http.StatusTooManyRequests {
				w.Errorf("another address of the network: %d", a.StatusCode)
			}
		}},
		{"one address may try as many users through a client as through the page", func(w town) {
			for n := range 61 {
				a := w.grant(strconv.Itoa(n)+"@example.test", "wrong", "198.51.100.1")
				want := http.StatusBadRequest
				if n == 60 {
					want = http.StatusTooManyRequests
				}
				if a.StatusCode != want {
					w.Fatalf("user %d: %d", n+1, a.StatusCode)
				}
			}
			if a := w.grant(email, password, "203.0.113.1"); a.StatusCode != http.StatusOK {
				w.Errorf("another address: %d", a.StatusCode)
			}
		}},
		{"strangers behind the address of a known device do not keep it out", func(w town) {
			p, neighbour := w.person("203.0.113.1"), w.person("203.0.113.1")
			p.signin(email, password)
			for range 300 { // the pages of an address, and its forms, are used up
				neighbour.get(w.T, signinPath(), "X-Forwarded-For", neighbour.address)
				neighbour.post(w.T, signinPath(), "username=x&password=y", "X-Forwarded-For", neighbour.address)
			}
			if a := neighbour.signin(email, password); a.StatusCode != http.StatusTooManyRequests {
				w.Errorf("the neighbour: %d", a.StatusCode)
			}
			if a := p.signin(email, password); a.StatusCode != http.StatusSeeOther {
				w.Errorf("the known device: %d %s", a.StatusCode, a.text)
			}
		}},
		{"a password that has leaked makes few devices known", func(w town) {
			known := 0
			for n := range 25 {
				p := w.person("203.0.113." + strconv.Itoa(n))
				if a := p.signin(email, password); a.StatusCode != http.StatusSeeOther {
					w.Fatalf("sign-in %d: %d", n+1, a.StatusCode)
				}
				if strings.Contains(p.cookies(), "oxlin_device") {
					known++
				}
			}
			if known != 20 {
				w.Errorf("%d devices became known", known)
			}
		}},
	}
	for _, row := range facts {
		t.Run(row.fact, func(t *testing.T) {
			t.Parallel()
			db, _ := storetest.SQLite(t)
			row.test(newTown(t, db))
		})
	}
}

// Both databases count alike.
func TestTriesAreCountedOnEachDatabase(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db)
		owner := w.person("203.0.113.7")
		owner.signin(email, password)
		if got := w.attack(email, 105); got[http.StatusBadRequest] != 100 || got[http.StatusTooManyRequests] != 5 {
			t.Errorf("the attacker's answers: %v", got)
		}
		for name, a := range map[string]answer{"device": owner.signin(email, password), "client": w.grant(email, password, "")} {
			if a.StatusCode != http.StatusSeeOther && a.StatusCode != http.StatusOK {
				t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
			}
		}
	})
}
