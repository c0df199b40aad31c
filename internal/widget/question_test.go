package widget_test

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/widget"
)

const (
	onWindows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
	onIPhone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)

func (b *browser) as(userAgent string) *browser {
	b.header.Set("User-Agent", userAgent)
	return b
}

// wantNoSession fails if the browser has met the session of a flow in the last answer.
func (b *browser) wantNoSession() *browser {
	b.t.Helper()
	for _, text := range []string{b.address, b.body, b.away, b.answer.Get("Location")} {
		if strings.Contains(text, "session_id") {
			b.t.Errorf("a browser that has not left gets a session: %s", text)
		}
	}
	return b
}

// wantNothing fails if the user has anything of the bank's.
func (p *person) wantNothing() {
	p.t.Helper()
	p.work()
	if connections, accounts := p.connections(), p.accounts(); len(connections) != 0 || len(accounts) != 0 {
		p.t.Errorf("before a yes there are %+v with %d accounts", connections, len(accounts))
	}
	for _, event := range p.events() {
		if !strings.HasPrefix(string(event.Type), "WIDGET_") {
			p.t.Errorf("before a yes there is a %s", event.Type)
		}
	}
}

// wantRevoked fails unless the bank was asked to end so many accesses.
func (w *world) wantRevoked(n int) {
	w.T.Helper()
	w.Revoke()
	if got := w.Calls.Count("POST /revoke"); got != n {
		w.T.Errorf("%d accesses were handed back to the bank, want %d", got, n)
	}
}

func (w *world) sweep() {
	w.T.Helper()
	err := w.Engine.Sweep(w.T.Context())
	if err == nil {
		err = w.widget.Sweep(w.T.Context())
	}
	if err != nil {
		w.T.Fatal(err)
	}
}

// lure begins at the attacker's, who sends the bank's address to somebody with another browser.
// It returns the browsers of both; the other one is back from the bank.
func (w *world) lure(p *person, pairs ...string) (attacker, victim *browser, back string) {
	p.t.Helper()
	attacker = p.browser().as(onWindows)
	attacker.open(p.session("add_connection", form("provider_id", "87")) + "&" + form(pairs...).Encode())
	flow := attacker.want("notice").address
	back = attacker.act("authorize").backFrom("dev")
	attacker.open(flow)
	victim = p.browser().as(onIPhone)
	victim.open(back)
	return attacker, victim, back
}

// node is another process on the same database.
func (w *world) node() string {
	service := connect.New(connect.Options{
		DB: w.DB, Vault: w.Vault, Catalogue: w.Catalogue, Engine: w.Engine, Events: w.Events, Audit: w.Audit,
		CallbackURL: w.URL + "/oauth2/aisp", Now: w.Clock.Now, Rand: rand.Reader, Log: w.Log.Logger(),
	})
	mux := http.NewServeMux()
	widget.New(widget.Options{
		DB: w.DB, Auth: w.auth, Users: w.Users, Service: service, Vault: w.Vault, PublicURL: w.URL,
		Now: w.Clock.Now, Rand: rand.Reader, Log: w.Log.Logger(),
	}).Register(mux)
	server := httptest.NewServer(mux)
	w.T.Cleanup(server.Close)
	return server.URL
}

// Somebody who opens the bank's address of another browser is asked, and nobody gets anything
// before a yes.
func TestTheReturnIsBoundToTheBrowserThatLeft(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		attacker, victim, back := w.lure(p)
		victim.wantStatus(http.StatusOK).want("question").wantNoSession()
		for _, word := range []string{"Linxo Test Bank", "Budget Malin", "18 November 2026, 10:30", "A computer (Firefox, Windows)", "A phone (Safari, iOS)", "answer no"} {
			if !strings.Contains(victim.text(), word) {
				t.Errorf("the question does not name %q: %s", word, victim.text())
			}
		}
		if policy := victim.answer.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "form-action 'self'") {
			t.Errorf("the question may be framed: %s", policy)
		}
		if victim.page.Find("form [type=submit]").First().AttrOr("value", "") != "refuse_return" {
			t.Error("the first button is not the no")
		}
		question := victim.address
		victim.reload().want("question")
		victim.open(back)
		if victim.want("question"); victim.address != question {
			t.Errorf("the repeated callback leads to %s, want %s", victim.address, question)
		}
		p.wantNothing()
		if attacker.reload().want("notice"); attacker.alert() != "" {
			t.Errorf("the other browser hears %s", attacker.alert())
		}
		w.wantRevoked(0)

		victim.act("confirm_return").wantNoSession().want("over")
		if victim.page.Find("main a").Length() != 0 {
			t.Errorf("the answer has a link: %s", victim.body)
		}
		attacker.reload().wait().want("consent").act("consent").wait().wantEnd("success created")
		for _, action := range []string{"confirm_return", "refuse_return"} { // later answers change nothing
			victim.send(http.MethodPost, question, form("action", action))
			victim.wantStatus(http.StatusOK).want("over").wantNoSession()
		}
		victim.open(back)
		victim.wantStatus(http.StatusOK).want("over").wantNoSession()
		if !strings.Contains(victim.text(), "goes on in the other window") {
			t.Errorf("the repeated callback shows %s", victim.text())
		}
		p.connection() // exactly one
		w.wantRevoked(0)
		if n := w.Calls.Count("POST /token"); n != 1 {
			t.Errorf("the code was exchanged %d times", n)
		}
	})
}

// A no, or no answer in time, hands the access back to the bank, and the flow shows why.
func TestAnAccessThatNobodyConfirmsIsHandedBack(t *testing.T) {
	const noticeOfNo, noticeOfNone = "they had not started this", "within ten minutes"
	for _, row := range []struct {
		name    string
		end     func(w *world, victim *browser)
		notices string
		// shows is a part of the page that the browser with the question ends at.
		shows string
	}{
		{"no", func(_ *world, victim *browser) { victim.act("refuse_return") }, noticeOfNo, "Nothing was shared"},
		{"a no, then a yes", func(_ *world, victim *browser) {
			question := victim.address
			victim.act("refuse_return").want("over")
			victim.send(http.MethodPost, question, form("action", "confirm_return"))
		}, noticeOfNo, "Nothing was shared"},
		{"nobody answers, and a node sweeps", func(w *world, victim *browser) {
			w.Clock.Advance(10*time.Minute - time.Microsecond)
			w.sweep()
			victim.reload().want("question")
			w.Clock.Advance(time.Microsecond)
			w.sweep()
			w.sweep() // as another node does
			victim.reload()
		}, noticeOfNone, "The time to answer is over"},
		{"a yes after the time", func(w *world, victim *browser) {
			w.Clock.Advance(10 * time.Minute)
			victim.act("confirm_return")
		}, noticeOfNone, "The time to answer is over"},
		{"the page is loaded after the time", func(w *world, victim *browser) {
			w.Clock.Advance(10 * time.Minute)
			victim.reload()
		}, noticeOfNone, "The time to answer is over"},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachWorld(t, func(t *testing.T, w *world) {
				p := w.person(t, sandbox)
				attacker, victim, back := w.lure(p)
				row.end(w, victim.want("question"))
				victim.wantStatus(http.StatusOK).want("over").wantNoSession()
				if !strings.Contains(victim.text(), row.shows) {
					t.Errorf("the browser with the question sees %s", victim.text())
				}
				p.wantNothing()
				w.wantRevoked(1)
				if attacker.reload().want("notice"); !strings.Contains(attacker.alert(), row.notices) {
					t.Errorf("the flow tells %q", attacker.alert())
				}
				attacker.open(back) // even there, nothing comes of it any more
				attacker.want("notice")
				p.wantNothing()
				w.wantRevoked(1)
				// The user may try again where they began.
				attacker.act("authorize").atBank("dev").wait().want("consent")
			})
		})
	}
}

// A held access ends with its flow: it goes back at once, and one whose user or
// session is deleted goes back with the next sweep.
func TestAHeldAccessEndsWithWhatItIsFor(t *testing.T) {
	for _, row := range []struct {
		name string
		end  func(t *testing.T, w *world, p *person, attacker *browser)
	}{
		{"the flow is cancelled", func(_ *testing.T, _ *world, _ *person, attacker *browser) {
			attacker.act("cancel").wantEnd("cancelled cancelled")
		}},
		{"the user is deleted", func(t *testing.T, w *world, p *person, _ *browser) {
			err := w.Users.Delete(t.Context(), p.caller())
			if err != nil {
				t.Fatal(err)
			}
			w.sweep()
		}},
		{"the session is deleted", func(_ *testing.T, w *world, _ *person, _ *browser) {
			w.Write(func(tx *store.Tx) error {
				return tx.Widget().DropSessions(w.T.Context(), w.Clock.Now().Add(48*time.Hour))
			})
			w.sweep()
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachWorld(t, func(t *testing.T, w *world) {
				p := w.person(t, sandbox)
				attacker, victim, _ := w.lure(p)
				victim.want("question")
				row.end(t, w, p, attacker)
				w.wantRevoked(1)
				victim.act("confirm_return").wantStatus(http.StatusBadRequest).want("over").wantNoSession()
				victim.reload().wantStatus(http.StatusBadRequest)
				w.wantRevoked(1)
			})
		})
	}
}

// The bank's answer and the question may come to different nodes, and a process may end in
// between: everything is in the database.
func TestAQuestionAtAnotherNode(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, answer := range []string{"confirm_return", "refuse_return"} {
			p := w.person(t, sandbox)
			attacker, victim, _ := w.lure(p)
			victim.open(strings.Replace(victim.want("question").address, w.URL, w.node(), 1))
			victim.want("question").act(answer).want("over").wantNoSession()
			attacker.reload()
			if answer == "confirm_return" {
				attacker.wait().want("consent")
			} else {
				attacker.want("notice")
				w.wantRevoked(1)
			}
		}
	})
}

// A preview without cookies may be faster than the browser that left, which is asked nothing.
func TestTheBrowserThatLeftNeedsNoQuestion(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "87").act("authorize")
		back := b.backFrom("dev")
		preview := p.browser()
		preview.open(back)
		preview.want("question")
		b.open(back)
		b.wait().want("consent")
		preview.act("refuse_return").want("over").wantNoSession() // too late
		b.act("consent").wait().wantEnd("success created")
		w.wantRevoked(0)
	})
}

// A refusal or a failure at the bank reaches the flow, whichever browser comes back; only the
// one that left gets on to it.
func TestARefusalInAnotherBrowser(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, row := range []struct{ login, code string }{{"dev+refuse", ""}, {"dev", "wrong"}} {
			p := w.person(t, sandbox)
			b := p.visit("add_connection", "provider_id", "87").want("notice")
			flow := b.address
			back := strings.Replace(b.act("authorize").backFrom(row.login), "code=", "code="+row.code, 1)
			other := p.browser()
			for range 2 {
				other.open(back)
				other.wantStatus(http.StatusOK).want("over").wantNoSession()
			}
			b.open(flow)
			if b.want("notice"); b.alert() == "" {
				t.Error("the flow does not tell what happened")
			}
			b.act("authorize") // a callback that is repeated later changes nothing
			b.reload()
			other.open(back)
			if b.reload().want("notice"); b.alert() != "" {
				t.Errorf("after another try the flow tells %s", b.alert())
			}
		}
	})
}

// With aspsp_callback_uri, a yes leads to that page of the client, which opens the widget again.
func TestAYesLeadsToThePageOfTheClient(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		link := p.session("add_connection", nil) + "&provider_id=87&aspsp_callback_uri=com.example.app%3A%2Fbank%3Fa%3Db"
		app := p.browser()
		app.open(link)
		flow := app.want("notice").address
		back := app.act("authorize").backFrom("dev")
		system := p.browser()
		system.open(back)
		system.want("question").act("confirm_return").wantNoSession()
		if got := system.leaves(); got != "com.example.app:/bank?a=b" {
			t.Errorf("the yes leads to %s", got)
		}
		app.open(link)
		if app.want("loading"); app.address != flow {
			t.Errorf("the flow does not go on, but %s", app.address)
		}
		app.wait().want("consent").act("consent").wait().wantEnd("success created")
	})
}

// No page of another site answers the question, or shows it in a frame.
func TestTheQuestionIsAnsweredWhereItIsAsked(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	_, victim, _ := w.lure(p)
	question := victim.want("question").address
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
		{"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://sub.example"}},
		{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"null"}},
	} {
		foreign := p.browser()
		foreign.header = header
		foreign.send(http.MethodPost, question, form("action", "confirm_return"))
		foreign.wantStatus(http.StatusForbidden)
	}
	for _, ask := range []string{"", "x", strings.Repeat("A", 43)} {
		b := p.browser()
		b.send(http.MethodPost, w.URL+"/oauth2/aisp?ask="+ask, form("action", "confirm_return"))
		b.wantStatus(http.StatusBadRequest)
	}
	for _, action := range []string{"", "consent", "cancel"} {
		victim.send(http.MethodPost, question, form("action", action))
		victim.wantStatus(http.StatusOK).want("question")
	}
	frame := p.browser().framed()
	frame.open(question)
	if frame.page.Find("form").Length() != 0 || frame.page.Find("a.button[target=_blank]").Length() != 1 {
		t.Errorf("in a frame: %s", frame.body)
	}
	p.wantNothing()
	victim.open(question + "&lng=fr")
	if victim.want("question"); victim.page.Find("html").AttrOr("lang", "") != "fr" {
		t.Errorf("the question has no other language: %s", victim.text())
	}
}

// cookies returns the cookies of an answer whose name begins like that of a journey's.
func (b *browser) cookies(prefix string) []*http.Cookie {
	var found []*http.Cookie
	for _, cookie := range (&http.Response{Header: b.answer}).Cookies() {
		if strings.HasPrefix(cookie.Name, prefix) {
			found = append(found, cookie)
		}
	}
	return found
}

// The cookie of a journey is for its state alone, for scripts and other sites not at all, and
// for a short time.
func TestTheCookieOfAJourney(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		public, prefix string
		secure         bool
	}{{"http://127.0.0.1:8080", "oxlin_return_", false}, {"https://oxlin.example", "__Host-oxlin_return_", true}} {
		w := adjustedWorld(t, func(o *widget.Options) { o.PublicURL = row.public })
		p := w.person(t, sandbox)
		b := p.browser()
		link, err := url.Parse(p.session("add_connection", form("provider_id", "87")))
		if err != nil {
			t.Fatal(err)
		}
		b.open(w.URL + link.RequestURI())
		b.want("notice").act("authorize").want("leaving")
		set := b.cookies(row.prefix)
		if len(set) != 1 {
			t.Fatalf("%s: the answer sets %v", row.public, b.answer["Set-Cookie"])
		}
		got := set[0]
		if !got.HttpOnly || got.Secure != row.secure || got.SameSite != http.SameSiteLaxMode || got.Path != "/" || got.Domain != "" || got.MaxAge <= 0 || got.MaxAge > 70*60 {
			t.Errorf("%s: %s", row.public, got)
		}
		state, err := url.Parse(b.leaves())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(got.Name+got.Value, state.Query().Get("state")) || len(got.Value) < 22 {
			t.Errorf("the cookie follows from the state: %s", got)
		}
	}
}

// Several journeys of one browser go on side by side, and their cookies are bounded.
func TestJourneysSideBySide(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	first := p.visit("add_connection", "provider_id", "87")
	var tabs []*browser
	for range 3 {
		tab := first.tab()
		tab.open(p.session("add_connection", form("provider_id", "87")))
		tabs = append(tabs, tab.act("authorize").want("leaving"))
	}
	var backs []string
	for _, tab := range tabs {
		backs = append(backs, tab.backFrom("dev"))
	}
	for i := len(tabs) - 1; i >= 0; i-- {
		tabs[i].open(backs[i])
		tabs[i].want("loading")
	}
	flow := first.address
	for range 30 {
		first.open(flow)
		first.act("authorize")
	}
	at, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(first.jar.Cookies(at)); n > 20 {
		t.Errorf("the browser keeps %d cookies", n)
	}
	first.atBank("dev").want("loading") // the newest journey keeps its cookie
}

// An old browser does not say which site sent a form: an attacker's form could begin the
// attacker's journey in it. Its return is asked about.
func TestAFormOfUnknownOriginBindsNothing(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	b := p.visit("add_connection", "provider_id", "87").want("notice")
	b.header.Set("Sec-Fetch-Site", "")
	b.act("authorize").atBank("dev").want("question")
}

// A client that sends its users to the bank itself gets them back at once, with its own state.
// If it wants the question, nobody is redirected before a yes.
func TestTheReturnOfAClientsOwnJourney(t *testing.T) {
	for _, row := range []struct {
		name    string
		confirm bool
		answer  func(w *world, b *browser)
		result  string
		held    bool
	}{
		{"without the question", false, nil, "success created", false},
		{"a yes", true, func(_ *world, b *browser) { b.want("question").act("confirm_return") }, "success created", false},
		{"a no", true, func(_ *world, b *browser) { b.want("question").act("refuse_return") }, "cancelled cancelled", true},
		{"no answer", true, func(w *world, b *browser) {
			w.Clock.Advance(10 * time.Minute)
			w.sweep()
			b.want("question").reload()
		}, "error expired", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachWorld(t, func(t *testing.T, w *world) {
				own := client("own", "Carnet", true, "https://carnet.example/back")
				own.ConfirmReturn = row.confirm
				w.SaveClients(own)
				p := w.person(t, own)
				caller := p.caller()
				caller.Hosted, caller.PSU = false, &oxlin.PSU{IP: "203.0.113.7", UserAgent: onWindows}
				address, err := w.Service.Authorizations.Begin(t.Context(), caller, connect.AuthorizeRequest{
					ProviderID: "87", DefinitionID: "8701", ReturnURI: "https://carnet.example/back", ClientState: "a&b",
				})
				if err != nil {
					t.Fatal(err)
				}
				b := p.browser()
				b.open(w.LogIn(address, "dev").String())
				if row.answer != nil {
					if !strings.Contains(b.text(), "A computer (Firefox, Windows)") || !strings.Contains(b.text(), "Carnet") {
						t.Errorf("the question is %s", b.text())
					}
					p.wantNothing()
					row.answer(w, b)
				}
				target := b.away
				if b.page != nil {
					target = b.page.Find("main a").AttrOr("href", "")
				}
				back, err := url.Parse(target)
				if err != nil {
					t.Fatal(err)
				}
				query := back.Query()
				if got := query.Get("status") + " " + query.Get("result"); back.Host != "carnet.example" || got != row.result || query.Get("state") != "a&b" {
					t.Errorf("the user ends at %q", target)
				}
				if row.held {
					p.wantNothing()
					w.wantRevoked(1)
				} else {
					p.connection()
					w.wantRevoked(0)
				}
			})
		})
	}
}

// A return in another browser and the answer about it are in the audit log, without a secret.
func TestAReturnInAnotherBrowserIsAudited(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		kinds := func(p *person) []string {
			t.Helper()
			err := w.Audit.Flush(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			lines, err := w.Audit.Find(t.Context(), audit.Filter{User: p.id, Action: audit.BankReturnedElsewhere}, 100)
			if err != nil {
				t.Fatal(err)
			}
			var kinds []string
			for _, line := range lines {
				kinds = append(kinds, line.Details[string(audit.Kind)])
				if line.Client != "sandbox" || line.Source == "" && line.Actor != audit.Platform {
					t.Errorf("the entry is %+v", line)
				}
			}
			return kinds
		}
		refusing := w.person(t, sandbox)
		_, victim, back := w.lure(refusing)
		question := victim.want("question").address
		victim.act("refuse_return")
		victim.open(back)
		if got := strings.Join(kinds(refusing), " "); got != "held not_confirmed repeated" {
			t.Errorf("a no is audited as %s", got)
		}
		sleeping := w.person(t, sandbox)
		_, victim, _ = w.lure(sleeping)
		victim.want("question")
		w.Clock.Advance(10 * time.Minute)
		w.sweep()
		if got := strings.Join(kinds(sleeping), " "); got != "held not_answered" {
			t.Errorf("no answer is audited as %s", got)
		}
		bound := w.person(t, sandbox)
		bound.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev").want("loading")
		if got := kinds(bound); len(got) != 0 {
			t.Errorf("the return of the browser that left is audited as %v", got)
		}
		log := w.Log.String()
		for _, address := range []string{question, back} {
			parsed, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			for name, values := range parsed.Query() {
				if strings.Contains(log, values[0]) {
					t.Errorf("the log has the %s of the address", name)
				}
			}
		}
	})
}
