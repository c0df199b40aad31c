package widget_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/widget"
)

const dot = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="

// atPier opens the bank's page of an address and returns how it sends the user back: the address
// and the fragment, which browsers keep for themselves.
func (b *browser) atPier(address string) (back, fragment string) {
	b.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Get(address)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	back, fragment, _ = strings.Cut(response.Header.Get("Location"), "#")
	if back == "" {
		b.t.Fatalf("%s sends nobody back: HTTP %d", address, response.StatusCode)
	}
	return back, fragment
}

// A user answers a question before the redirect, comes back with a fragment, is sent to the bank
// once more, approves in an app, and goes on in the flow.
func TestAWayWithPagesOfOurOwn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		pier := banktest.NewPier(t, banktest.PierBranch, banktest.PierFragment, banktest.PierConsent, banktest.PierApp)
		pier.Picture = dot
		w := newWorldOf(t, db, platformtest.Options{Catalogue: platformtest.Pier{Bank: pier}}, func(*widget.Options) {})
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "1", "redirect_url", "https://app.example.test/")
		b.want("notice").act("authorize").want("leaving")
		b.open(b.leaves())
		b.want("challenge").goOn().wantStatus(http.StatusUnprocessableEntity).goOn("branch", "x").wantStatus(http.StatusUnprocessableEntity)
		b.goOn("branch", "123").want("leaving")

		back, fragment := b.atPier(b.leaves())
		b.open(back)
		if b.page.Find("script[src*=fragment]").Length() != 1 || !strings.Contains(b.page.Find("noscript").Text(), "JavaScript") {
			t.Fatalf("no page reads the fragment: %s", b.body)
		}
		b.open(back + "?" + url.Values{"fragment": {fragment}}.Encode())
		if !strings.Contains(b.away, "/login?") {
			t.Fatalf("after the fragment the browser is %s", b.at())
		}
		back, fragment = b.atPier(b.away)
		if fragment != "" || strings.Contains(back, "code=") {
			t.Fatalf("the second return is %s#%s", back, fragment)
		}
		b.open(back)
		if b.page.Find("meta[http-equiv=refresh]").Length() != 1 || b.page.Find("button[value=cancel]").Length() != 1 ||
			!strings.Contains(b.text(), "compare 42") || b.page.Find("main img").Last().AttrOr("src", "") != dot ||
			!strings.Contains(b.answer.Get("Content-Security-Policy"), "img-src 'self' data:") {
			t.Fatalf("no page waits for the app: %s", b.body)
		}
		w.Clock.Advance(2 * time.Second)
		b.reload()
		if len(p.connections()) != 0 {
			t.Error("there is a connection before the approval")
		}
		pier.Decide("valid")
		w.Clock.Advance(2 * time.Second)
		b.reload().wait().want("consent")
		if len(p.accounts()) != 1 {
			t.Errorf("%d accounts", len(p.accounts()))
		}
	})
}

// A page that waits can be left: the flow shows that, and the bank deletes what was begun.
func TestAWayThatIsCancelledOnItsPage(t *testing.T) {
	t.Parallel()
	db, _ := storetest.SQLite(t)
	pier := banktest.NewPier(t, banktest.PierApp)
	w := newWorldOf(t, db, platformtest.Options{Catalogue: platformtest.Pier{Bank: pier}}, func(*widget.Options) {})
	p := w.person(t, sandbox)
	b := p.visit("add_connection", "provider_id", "1", "redirect_url", "https://app.example.test/")
	b.want("notice").act("authorize").want("leaving")
	b.open(b.leaves())
	b.act("cancel").want("leaving")
	b.open(w.URL + b.leaves())
	b.want("notice")
	for _, job := range w.Queue.TakeRevocations() {
		err := w.Engine.Revoke(t.Context(), job.Provider, job.Definition, job.Sealed)
		if err != nil {
			t.Error(err)
		}
	}
	if counted := pier.Statuses(); counted["deleted"] != 1 {
		t.Errorf("the bank has %v", counted)
	}
}

// The address of a page is no way for another browser to an access of its own: what comes of it
// is held, and asked about in the browser that left.
func TestAWayThatGoesOnInAnotherBrowserIsAskedAbout(t *testing.T) {
	t.Parallel()
	db, _ := storetest.SQLite(t)
	pier := banktest.NewPier(t, banktest.PierBranch, banktest.PierApp)
	w := newWorldOf(t, db, platformtest.Options{Catalogue: platformtest.Pier{Bank: pier}}, func(*widget.Options) {})
	p := w.person(t, sandbox)
	b := p.visit("add_connection", "provider_id", "1", "redirect_url", "https://app.example.test/")
	b.want("notice").act("authorize").want("leaving")
	stranger := p.browser()
	stranger.open(b.leaves())
	stranger.want("challenge").goOn("branch", "123").want("leaving")
	page := stranger.leaves()
	pier.Decide("valid")
	w.Clock.Advance(2 * time.Second)
	w.Service.Ways.TickDue(t.Context()) // nobody's page
	if len(p.connections()) != 0 {
		t.Fatal("another browser's steps made a connection without a question")
	}
	stranger.open(page)
	stranger.want("question")
	if len(p.connections()) != 0 || w.connectedElsewhere() {
		t.Error("the access is attached before the answer")
	}
}

func (w *world) connectedElsewhere() bool {
	return len(w.Queue.Runs()) > 0
}

// In mode A the address of authorize_url is a page of ours where the bank needs one.
func TestModeAShowsThePagesThatABankNeeds(t *testing.T) {
	t.Parallel()
	db, _ := storetest.SQLite(t)
	pier := banktest.NewPier(t, banktest.PierApp)
	w := newWorldOf(t, db, platformtest.Options{Catalogue: platformtest.Pier{Bank: pier}}, func(*widget.Options) {})
	p := w.person(t, licensed)
	body := `{"redirect_uri": "https://app.example.test/back", "redirect_state": "s"}`
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/v2.1/providers/1/channel_definitions/11/authorize_url", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+p.access)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close() // only the header counts
	b := p.browser()
	b.open(response.Header.Get("Location"))
	if !strings.Contains(b.text(), "Approve in your bank") {
		t.Fatalf("the page is %s", b.body)
	}
	pier.Decide("valid")
	w.Clock.Advance(2 * time.Second)
	b.reload()
	end, err := url.Parse(b.away)
	if err != nil || end.Host != "app.example.test" || end.Query().Get("status") != "success" || end.Query().Get("state") != "s" ||
		end.Query().Get("connection_id") != p.connection().ID.String() {
		t.Errorf("the way ends at %s, %v", b.away, err)
	}
	if channel := p.channel("11"); channel.Status != oxlin.ChannelRunning {
		t.Errorf("the channel is %s", channel.Status)
	}
}
