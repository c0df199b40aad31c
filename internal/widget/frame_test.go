package widget_test

import (
	"bufio"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/jobs"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/synchro"
	"github.com/oxlin/oxlin/internal/widget"
)

// framed loads the pages in a frame of the client's.
func (b *browser) framed() *browser {
	b.header.Set("Sec-Fetch-Dest", "iframe")
	return b
}

// From a frame the bank opens in a new tab, because banks do not allow frames. The tab
// tells the user to close it, and the frame continues.
func TestInAFrame(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		frame := p.browser().framed()
		frame.open(p.session("add_connection", form("provider_id", "87")))
		frame.want("notice")
		if frame.page.Find("form[target=_blank][rel=noopener] button[value=authorize]").Length() != 1 || frame.stream() == "" {
			t.Errorf("the bank does not open in another tab: %s", frame.body)
		}
		refusing, tab := p.browser(), p.browser()
		events := frame.stream()
		address, values := frame.form("button[value=authorize]")
		refusing.send(http.MethodPost, address, values)
		refusing.atBank("dev+refuse").want("over")
		if got := frame.hear(events); got != "go" {
			t.Errorf("the frame hears %s of a refusal", got)
		}
		if frame.reload().want("notice"); frame.alert() == "" {
			t.Errorf("the frame does not say that it was refused: %s", frame.text())
		}
		events = frame.stream()
		tab.send(http.MethodPost, address, values)
		tab.atBank("dev").want("over")
		if tab.page.Find(".mark.good").Length() != 1 || tab.page.Find("a.button, meta[http-equiv=refresh], form").Length() != 0 {
			t.Errorf("the tab says %s", tab.text())
		}
		if got := frame.hear(events); got != "go" {
			t.Errorf("the frame hears %s", got)
		}
		frame.reload().wait().want("consent").act("consent").wait().wantEnd("success created")
	})
}

// stream returns the address of the page's stream of events.
func (b *browser) stream() string {
	b.t.Helper()
	events := b.page.Find("main").AttrOr("data-events", "")
	if events == "" {
		return ""
	}
	return b.URL + events
}

// hear returns the name of the first event of a stream other than progress.
func (b *browser) hear(stream string) string {
	b.t.Helper()
	for _, event := range b.listen(stream) {
		if event != "progress" {
			return event
		}
	}
	return "nothing"
}

// listen returns the events of a stream until it ends.
func (b *browser) listen(stream string) []string {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, stream, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		b.t.Fatalf("the stream is HTTP %d %v", response.StatusCode, response.Header)
	}
	var events []string
	lines := bufio.NewScanner(response.Body)
	for first := true; lines.Scan(); first = false {
		if first && lines.Text() != "retry: 1000" {
			b.t.Errorf("the stream begins with %q", lines.Text())
		}
		if name, found := strings.CutPrefix(lines.Text(), "event: "); found {
			events = append(events, name)
		}
	}
	return events
}

// A page of the client between bank and widget opens the widget again. The flow continues,
// however often the page is loaded.
func TestTheWayBackByAPageOfTheClient(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		link := p.session("add_connection", nil) + "&provider_id=87&aspsp_callback_uri=https%3A%2F%2Fapp.example.test%2Fbank%3Fa%3Db"
		b := p.browser().framed()
		b.open(link)
		flow := b.want("notice").address
		b.open(link)
		if b.address == flow {
			t.Error("before the bank a link opens a flow of its own")
		}
		flow = b.address
		b.act("authorize").atBank("dev+refuse")
		if b.away != "https://app.example.test/bank?a=b" {
			t.Fatalf("the bank leads to %s", b.away)
		}
		b.open(link)
		if b.want("notice"); b.address != flow || b.alert() == "" {
			t.Errorf("the flow does not go on: %s", b.text())
		}
		b.act("authorize").atBank("dev")
		for range 3 {
			b.open(link)
			if b.want("loading"); b.address != flow {
				t.Errorf("the flow does not go on, but %s", b.address)
			}
		}
		b.open(strings.Replace(link, "add_connection", "terms", 1)) // another entry point begins a new flow
		b.wantEnd("success validated")
	})
}

// A user who opens the link again while at the bank returns to the flow that redirected
// them there, whatever the state of the other flows.
func TestTheWayBackWhateverWasOpenedMeanwhile(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		session := p.session("add_connection", nil)
		link := session + "&provider_id=87&aspsp_callback_uri=https%3A%2F%2Fapp.example.test%2Fbank"
		for _, meanwhile := range []func(b *browser){
			func(b *browser) { b.open(link); b.want("notice") },
			func(b *browser) { b.open(link); b.act("cancel").wantEnd("cancelled cancelled") },
			func(b *browser) { b.open(session); b.want("banks").act("cancel").wantEnd("cancelled cancelled") },
			func(b *browser) {
				b.open(strings.Replace(link, "add_connection", "terms", 1))
				b.wantEnd("success validated")
			},
		} {
			b := p.browser()
			b.open(link)
			flow := b.want("notice").address
			back := b.act("authorize").backFrom("dev")
			meanwhile(p.browser())
			b.open(back)
			b.open(link)
			if b.want("loading"); b.address != flow {
				t.Errorf("the flow does not go on, but %s", b.address)
			}
			b.wait().want("consent").act("consent").wait().wantEnd("success created")
			b.open(link) // an ended flow is not resumed
			b.want("notice").act("cancel").wantEnd("cancelled cancelled")
		}
	})
}

func TestTheWayBackEndsWithTheFlow(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	link := p.session("add_connection", nil) + "&provider_id=87&aspsp_callback_uri=https%3A%2F%2Fapp.example.test%2Fbank"
	b := p.browser()
	b.open(link)
	b.act("authorize").atBank("dev")
	b.open(link)
	ended := b.wait().want("consent").address
	b.act("cancel").wantEnd("cancelled cancelled")
	b.open(link)
	b.want("notice")
	// An ended flow keeps its ending, even after the session has expired.
	w.Clock.Advance(2 * time.Hour)
	b.open(ended)
	b.wantEnd("cancelled cancelled")
	b.open(link)
	b.wantEnd("error expired")
}

// A frame gets the message of an ending even without an address.
func TestAFrameHearsOfAnEndWithoutAnAddress(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, shop)
	b := p.visit("add_connection", "provider_id", "999").want("done")
	list, origins := b.messages()
	if len(list) != 1 || list[0]["eventName"] != "redirect_to" || list[0]["redirect_url"] != "/success" || list[0]["result"] != "invalid_provider" || len(origins) != 3 {
		t.Errorf("%v to %v", list, origins)
	}
	session := p.session("add_connection", nil)
	w.Clock.Advance(time.Hour)
	b.open(session)
	if list, _ := b.want("done").messages(); len(list) != 1 || list[0]["result"] != "expired" {
		t.Errorf("%v", list)
	}
}

// worker is the engine's service without notifications.
type worker struct{ *synchro.Engine }

func (worker) Notify(context.Context, oxlin.UserID, oxlin.EventID, string) error { return nil }

// TestTheJobEngine runs the real job engine and follows it by the stream of events.
func TestTheJobEngine(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		t.Parallel()
		engine, err := jobs.New(jobs.Options{DB: db, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		err = engine.Migrate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, db, func(*widget.Options) {})
		w.Jobs.Queue = engine
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev").want("loading")
		err = engine.Start(t.Context(), worker{w.Engine}) // only now, because it is fast
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			err := engine.Stop(ctx)
			if err != nil {
				t.Error(err)
			}
		})
		told := func(b *browser) {
			t.Helper()
			events := b.listen(b.stream())
			if len(events) == 0 || events[len(events)-1] != "go" {
				t.Fatalf("the page hears %v", events)
			}
			b.reload()
		}
		told(b)
		b.want("consent").act("consent")
		if b.at() == "loading" {
			told(b)
		}
		b.wantEnd("success created")
		p.wantAccounts(counts{oxlin.AccountActive: 3})
	})
}

// The stream starts with the progress, and ends when the widget closes.
func TestTheStreamOfProgress(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	b := p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev").want("loading")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.stream(), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Language", "en")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	var seen []string
	for lines.Scan() && len(seen) < 4 {
		seen = append(seen, lines.Text())
	}
	if got := strings.Join(seen, "|"); !strings.HasPrefix(got, `retry: 1000||event: progress|data: {"text":"`) || !strings.HasSuffix(got, `,"done":0,"total":0}`) {
		t.Errorf("the stream begins with %s", got)
	}
	w.widget.Close()
	for lines.Scan() {
		if strings.Contains(lines.Text(), "go") {
			t.Errorf("the stream ends with %s", lines.Text())
		}
	}
	if lines.Err() != nil {
		t.Errorf("the stream does not end in order: %v", lines.Err())
	}
	if b.want("loading"); b.page.Find("noscript meta[http-equiv=refresh][content='2']").Length() != 1 {
		t.Error("without script the page does not look again")
	}
}
