package widget_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
)

// noticed is the context of a request; asked is closed when Done is called.
type noticed struct {
	context.Context
	once  sync.Once
	asked chan struct{}
}

func (n *noticed) Done() <-chan struct{} {
	n.once.Do(func() { close(n.asked) })
	return n.Context.Done()
}

// A browser may disconnect during a callback, or load it again. The callback is handled
// once and completely, and the second request gets its result.
func TestACallbackIsDoneToItsEnd(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		reached, release := make(chan struct{}), make(chan struct{})
		w.Calls.Hook(func(r *http.Request) *http.Response {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/token") {
				close(reached)
				<-release
			}
			return nil
		})
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "87").want("notice")
		flow := b.address
		back := b.act("authorize").backFrom("dev")
		arrive := func(ctx context.Context) *http.Request {
			request := httptest.NewRequestWithContext(ctx, http.MethodGet, back, nil)
			for _, cookie := range b.jar.Cookies(request.URL) {
				request.AddCookie(cookie)
			}
			return request
		}
		mux := http.NewServeMux()
		w.widget.Register(mux)
		var both sync.WaitGroup
		first, leave := context.WithCancel(t.Context())
		defer leave()
		both.Go(func() {
			mux.ServeHTTP(httptest.NewRecorder(), arrive(first))
		})
		<-reached
		leave()
		second := &noticed{Context: t.Context(), asked: make(chan struct{})}
		answer := httptest.NewRecorder()
		both.Go(func() { mux.ServeHTTP(answer, arrive(second)) })
		<-second.asked
		close(release)
		both.Wait()
		if got := w.URL + answer.Header().Get("Location"); answer.Code != http.StatusSeeOther || got != flow {
			t.Errorf("who loads the callback again is answered %d %s, want %s", answer.Code, got, flow)
		}
		b.open(flow)
		b.wait().want("consent").act("consent").wait().wantEnd("success created")
		p.connection() // exactly one
	})
}

// The page in the bank's tab has an address that can be reloaded and the style of the
// flow, and its text depends on the outcome.
func TestThePageInTheTabOfTheBank(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, licensed)
	frame := p.browser().framed()
	frame.open(p.session("add_connection", form("provider_id", "87", "hide_logo", "true", "font_color", "red", "lng", "fr")))
	address, values := frame.want("notice").form("button[value=authorize]")
	told := map[string]bool{}
	for _, row := range []struct {
		login, code string
		sign        string
	}{{"dev+refuse", "", ".plain"}, {"dev", "wrong", ".bad"}, {"dev", "", ".good"}} {
		tab := p.browser()
		tab.send(http.MethodPost, address, values)
		back := tab.backFrom(row.login)
		tab.open(strings.Replace(back, "code=", "code="+row.code, 1))
		for range 2 {
			tab.wantStatus(http.StatusOK).want("over")
			for _, spent := range []string{"state=", "code=", "session_id="} {
				if strings.Contains(tab.address, spent) {
					t.Errorf("the page stands at %s", tab.address)
				}
			}
			if tab.page.Find(".mark"+row.sign).Length() != 1 || tab.page.Find("html").AttrOr("lang", "") != "fr" {
				t.Errorf("%s: the tab says %s", row.login, tab.text())
			}
			if strings.Contains(tab.body, "Oxlin") || tab.page.Find("link[href*='font_color=red']").Length() != 1 {
				t.Errorf("the tab does not look as the flow does: %s", tab.body)
			}
			told[tab.text()] = true
			tab.reload()
		}
		// Another answer of the bank for the same state is refused. The page does not link to the
		// previous page, which may be the bank's.
		tab.open(strings.Replace(back, "?", "?code=another&", 1))
		tab.wantStatus(http.StatusBadRequest).want("over")
		if !strings.Contains(tab.text(), "If another tab is waiting for you") || strings.Contains(tab.text(), "the page before") {
			t.Errorf("%s", tab.text())
		}
	}
	if len(told) != 3 {
		t.Errorf("a refusal, a failure and a success are told alike: %v", told)
	}
}

// HEAD has no effect.
func TestHEADDoesNothing(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		head := func(address string, status int) {
			t.Helper()
			response, err := http.Head(address)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != status {
				t.Errorf("HEAD %s: %d, want %d", response.Request.URL.Path, response.StatusCode, status)
			}
		}
		link := p.session("add_connection", form("provider_id", "87"))
		head(link, http.StatusOK)
		head(w.URL+"/widget/nothing", http.StatusNotFound)
		if n := len(p.events()); n != 0 {
			t.Errorf("HEAD has begun a flow: %d events", n)
		}
		b := p.browser()
		b.open(link)
		back := b.want("notice").act("authorize").backFrom("dev")
		head(back, http.StatusOK)
		b.open(back)
		head(b.want("loading").stream(), http.StatusOK)
		b.wait().want("consent").act("consent").wait().wantEnd("success created")

		// A question from a synchronisation without the user is not repeated.
		p = w.person(t, licensed)
		id, err := w.Service.Credentials.Connect(t.Context(), p.caller(), connect.NewConnection{
			ProviderID: "182", DefinitionID: "17650",
			Credentials: connect.CredentialValues{Values: map[oxlin.CredentialID]string{"10001": "demo+sms-10"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		p.work()
		p.visit("user_input").want("challenge").sms("123456").wantEnd("success updated")
		w.Clock.Advance(11 * time.Minute)
		away := p.caller()
		away.PSU = nil
		err = w.Service.Connections.Synchronize(t.Context(), away, id, oxlin.SyncAll)
		if err != nil {
			t.Fatal(err)
		}
		p.work()
		head(p.session("user_input", nil), http.StatusOK)
		if got := p.channel("17650").Status; got != oxlin.ChannelChallengeRequired {
			t.Errorf("HEAD has made the channel %s", got)
		}
	})
}
