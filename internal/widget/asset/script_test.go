package asset_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// text returns the text of an element.
func text(tab tab, selector string) string {
	tab.t.Helper()
	return strings.Join(strings.Fields(value[string](tab, fmt.Sprintf("document.querySelector(%q).textContent", selector))), " ")
}

// integrator is a site that frames or opens the widget and receives its messages.
func integrator(t *testing.T) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, `<!DOCTYPE html><title>integrator</title><script>
			const heard = [];
			addEventListener("message", (event) => heard.push(event.origin + " " + JSON.stringify(event.data)));
			function frame(address) {
				const frame = document.createElement("iframe");
				frame.src = address;
				document.body.append(frame);
				return new Promise((loaded) => { frame.onload = () => loaded(true); });
			}
		</script><body>`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func messagesTo(origins ...string) string {
	list, _ := json.Marshal(origins)
	return `<body data-messages=` + attribute(`[{"eventName":"login"},{"eventName":"redirect_to","redirect_url":"/success","status":"success"}]`) +
		` data-origins=` + attribute(string(list)) + `><main></main>`
}

func TestTheWindowsAroundHearWhatHappened(t *testing.T) {
	around := integrator(t)
	s := newSite(t)
	s.page("/ours", messagesTo("https://elsewhere.example", around))
	s.page("/theirs", messagesTo("https://elsewhere.example"))
	s.page("/anyone", messagesTo("not an origin", "*"))
	s.page("/silent", `<main></main>`)
	want := []string{
		s.address + ` {"eventName":"login"}`,
		s.address + ` {"eventName":"redirect_to","redirect_url":"/success","status":"success"}`,
	}
	for _, test := range []struct{ path, open string }{
		{"/ours", "frame(%q)"},
		{"/anyone", "frame(%q)"},
		{"/ours", "Boolean(window.opened = open(%q))"},
	} {
		t.Run(fmt.Sprintf(test.open, test.path), func(t *testing.T) {
			tab := newTab(t)
			tab.open(around)
			for _, path := range []string{"/theirs", "/silent"} { // a wrong message would arrive first
				value[bool](tab, fmt.Sprintf("frame(%q)", s.address+path))
			}
			value[bool](tab, fmt.Sprintf(test.open, s.address+test.path))
			tab.until(fmt.Sprintf("heard.length >= %d", len(want)))
			if diff := cmp.Diff(want, value[[]string](tab, "heard")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			tab.run("if (window.opened) opened.close();")
		})
	}
}

func TestTheEndLeadsOn(t *testing.T) {
	around := integrator(t)
	s := newSite(t)
	target := s.address + "/target?a=1&b=2"
	s.page("/target", `<main id="arrived"></main>`)
	s.page("/done", strings.Replace(messagesTo(around), "<main>", `<main data-go=`+attribute(target)+` data-after="0">`, 1))
	s.page("/later", `<main data-go=`+attribute(target)+` data-after="5"></main>`, "/hasty.js")

	tab := newTab(t)
	tab.open(around)
	entries := value[int](tab, "history.length")
	value[bool](tab, fmt.Sprintf("frame(%q)", s.address+"/done"))
	tab.until("heard.length === 2")
	tab.open(s.address + "/later")
	tab.waitFor("#arrived")
	if address := value[string](tab, "location.href"); address != target {
		t.Errorf("it leads to %s", address)
	}
	if s.visited("/target") != 2 {
		t.Errorf("it was reached %d times, once from the frame", s.visited("/target"))
	}
	if value[int](tab, "history.length") != entries+1 {
		t.Error("the back button leads to the end again")
	}
}

// events serves the streams at /events in order, and then repeats the last.
func (s *site) events(streams ...http.HandlerFunc) {
	var number atomic.Int64
	s.mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		next := min(int(number.Add(1)), len(streams))
		w.Header().Set("Content-Type", "text/event-stream")
		streams[next-1](w, r)
	})
}

// progress returns the page shown during a synchronisation.
const progress = `<main data-events="/events"><progress id="progress"></progress>
	<p id="progress-text" role="status">Start</p></main>`

func TestProgressIsShownAsItHappens(t *testing.T) {
	s := newSite(t)
	go_ := make(chan struct{})
	steps := make(chan string)
	s.events(func(w http.ResponseWriter, r *http.Request) {
		flusher := http.NewResponseController(w)
		for {
			select {
			case step := <-steps:
				fmt.Fprintf(w, "event: progress\ndata: %s\n\n", step)
			case <-go_:
				fmt.Fprint(w, "event: go\ndata: {}\n\n")
				flusher.Flush()
				<-r.Context().Done()
				return
			case <-r.Context().Done():
				return
			}
			flusher.Flush()
		}
	})
	s.page("/loading", progress)
	s.page("/next", `<main id="arrived"></main>`)
	tab := newTab(t)
	tab.open(s.address + "/loading")
	tab.run(`window.changes = 0;
		new MutationObserver(() => { changes++; }).observe(document.getElementById("progress-text"), { childList: true });`)
	for _, step := range []struct{ json, bar string }{
		{`{"text":"2 of 5","done":2,"total":5}`, "0.4"},
		{`{"text":"Nobody knows","done":0,"total":0}`, "-1"},
		{`not JSON`, "-1"},
		{`{"text":"Almost","done":4,"total":5}`, "0.8"},
		{`{"text":"Almost","done":5,"total":5}`, "1"},
	} {
		steps <- step.json
		var event struct{ Text string }
		if json.Unmarshal([]byte(step.json), &event) != nil {
			continue
		}
		tab.until(fmt.Sprintf(`document.getElementById("progress-text").textContent === %q && document.getElementById("progress").position === %s`, event.Text, step.bar))
	}
	if changes := value[int](tab, "changes"); changes != 3 {
		t.Errorf("the three texts are read out %d times", changes)
	}
	tab.run(`document.querySelector("main").dataset.self = "/next";`)
	close(go_)
	tab.waitFor("#arrived")
}

func TestWithoutEventsThePageAsksAgain(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	cutOff := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "retry: 1\n\n") }
	heldBack := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for _, test := range []struct {
		name    string
		before  string
		streams []http.HandlerFunc
	}{
		{"an error", hasty, []http.HandlerFunc{status(http.StatusBadGateway)}},
		{"nothing", hasty, []http.HandlerFunc{status(http.StatusNoContent)}},
		{"cut off again and again", hasty, []http.HandlerFunc{cutOff}},
		{"held back", hasty, []http.HandlerFunc{heldBack}},
		{"no EventSource", hasty + "delete window.EventSource;", []http.HandlerFunc{heldBack}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t)
			s.events(test.streams...)
			s.mux.HandleFunc("GET /before.js", s.script(test.before))
			s.page("/loading", strings.Replace(progress, "<main", `<main data-self="/again"`, 1), "/before.js")
			s.page("/again", `<main id="arrived"></main>`)
			tab := newTab(t)
			tab.open(s.address + "/loading")
			tab.waitFor("#arrived")
		})
	}
}

func TestAStreamThatIsCutOffOnceGoesOn(t *testing.T) {
	s := newSite(t)
	s.events(
		func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "retry: 1\nevent: progress\ndata: {\"text\":\"1\"}\n\n")
		},
		func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "event: progress\ndata: {\"text\":\"2\"}\n\n")
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	)
	s.page("/loading", progress)
	tab := newTab(t)
	tab.open(s.address + "/loading")
	tab.until(`document.getElementById("progress-text").textContent === "2"`)
	if s.visited("/loading") != 1 {
		t.Errorf("the page was asked for %d times", s.visited("/loading"))
	}
}

func TestTheTimeLeftIsCountedDown(t *testing.T) {
	s := newSite(t)
	s.page("/challenge", `<main><p id="countdown" data-seconds="63">There are <span>1:03</span> left.</p></main>`, "/clock.js")
	tab := newTab(t)
	tab.open(s.address + "/challenge#part")
	spoken := []string{}
	for left := 62; left >= 1; left-- {
		tab.run("pass(1)")
		shown := fmt.Sprintf("There are %d:%02d left.", left/60, left%60)
		if got := text(tab, "#countdown"); got != shown {
			t.Fatalf("it says %q, want %q", got, shown)
		}
		said := text(tab, "main > [role=status]")
		if len(spoken) == 0 && said != "" || len(spoken) > 0 && said != spoken[len(spoken)-1] {
			spoken = append(spoken, said)
		}
	}
	if diff := cmp.Diff([]string{"There are 1:00 left.", "There are 0:30 left.", "There are 0:10 left."}, spoken); diff != "" {
		t.Errorf("read out (-want +got):\n%s", diff)
	}
	tab.run("pass(1)")
	tab.waitFor("#again")
}

func TestAHiddenTabCountsByTheClock(t *testing.T) {
	s := newSite(t)
	s.page("/challenge", `<main><p id="countdown" data-seconds="120"><span>2:00</span></p></main>`, "/clock.js")
	tab := newTab(t)
	tab.open(s.address + "/challenge")
	tab.run("now += 49000; pass(1);")
	if got := text(tab, "#countdown"); got != "1:10" {
		t.Errorf("after 50 seconds it says %q", got)
	}
}

func TestAnAnswerOnItsWayIsNotOvertaken(t *testing.T) {
	s := newSite(t)
	s.page("/challenge", `<main><p id="countdown" data-seconds="2"><span>0:02</span></p>
		<form method="post" action="/stay" data-once><button id="ok" name="307" value="true">OK</button></form></main>`, "/clock.js")
	tab := newTab(t)
	tab.open(s.address + "/challenge")
	tab.run(`document.getElementById("ok").click(); pass(3);`)
	s.posted(tab)
	if got := text(tab, "#countdown"); got != "0:00" || s.visited("/challenge") != 1 {
		t.Errorf("%s left, the page was asked for %d times", got, s.visited("/challenge"))
	}
}

func TestADoubleClickSendsOnce(t *testing.T) {
	s := newSite(t)
	s.slow = make(chan struct{})
	s.page("/consent", `<main><form method="post" action="/answer" data-once>
		<button id="ok" name="action" value="consent">OK</button><button name="action" value="cancel">Cancel</button></form></main>`)
	tab := newTab(t)
	tab.open(s.address + "/consent")
	tab.run(`for (const button of document.querySelectorAll("button")) { button.click(); button.click(); }`)
	got := s.posted(tab)
	if got.body != "action=consent" {
		t.Errorf("got %q", got.body)
	}
	close(s.slow)
	tab.waitFor("#arrived")
	s.nothingElse()
}

// The bank opens in a separate tab: if the user closes it by mistake, the page remains.
func TestAFormForAnotherTabCanBeSentAgainLater(t *testing.T) {
	s := newSite(t)
	s.page("/notice", `<main><form method="post" action="/stay" target="bank" data-once>
		<button id="ok" name="action" value="authorize">OK</button></form></main>`, "/hasty.js")
	tab := newTab(t)
	tab.open(s.address + "/notice")
	for range 2 {
		tab.run(`document.getElementById("ok").click(); document.getElementById("ok").click();`)
		s.posted(tab)
		tab.until(`!document.getElementById("ok").hasAttribute("aria-disabled")`)
		s.nothingElse()
	}
	tab.run(`open("", "bank").close();`)
}

// offer returns a page that posts its form automatically.
const offer = `<main><h1>Add the others?</h1><form method="post" action="/answer" data-once data-submit-after="10" data-action="finish">
	<button id="add" name="action" value="add_channel">Add</button><button name="action" value="finish">No</button>
	<p id="line" hidden>In <span id="seconds">10</span> seconds</p></form></main>`

func TestAnOfferGoesOnByItself(t *testing.T) {
	s := newSite(t)
	s.page("/offer", offer, "/clock.js")
	tab := newTab(t)
	tab.open(s.address + "/offer")
	tab.waitFor("#line:not([hidden])")
	tab.run("pass(7);")
	if got := text(tab, "#line"); got != "In 3 seconds" {
		t.Errorf("it says %q", got)
	}
	s.nothingElse()
	tab.run("pass(10);")
	if got := s.posted(tab); got.body != "action=finish" {
		t.Errorf("got %q", got.body)
	}
	tab.waitFor("#arrived")
	s.nothingElse()
}

func TestAnOfferWaitsForWhoIsThere(t *testing.T) {
	for name, touch := range map[string]chromedp.Action[chromedp.Void]{
		"a key":   chromedp.KeyEvent("\t"),
		"a click": chromedp.Click(chromedp.CSS("h1")),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.page("/offer", offer, "/clock.js")
			tab := newTab(t)
			tab.open(s.address + "/offer")
			tab.do(touch)
			tab.run("pass(60);")
			if !value[bool](tab, `document.getElementById("line").hidden`) {
				t.Error("it still says that it goes on by itself")
			}
			tab.do(chromedp.Click(chromedp.CSS("#add")))
			if got := s.posted(tab); got.body != "action=add_channel" {
				t.Errorf("got %q", got.body)
			}
			tab.waitFor("#arrived")
			s.nothingElse()
		})
	}
}

// search returns a page with a search for banks.
const search = `<main><form role="search" method="get" action="/banks" data-live="1" data-once>
	<input type="hidden" name="session_id" value="S &amp; 1"><div class="search-input"><input id="bank-search-input" name="q" value=""></div>
	<button type="submit" name="action" value="shadow">Search</button></form>
	<div id="bank-list"><p role="status"></p><button id="first" name="provider_id" value="1">All banks</button></div></main>`

// found returns the fragment for a search.
func found(query string) string {
	return `<div id="bank-list"><p role="status" aria-live="polite">Banks found for ` + query + `</p>
		<form method="post" action="/stay" data-once><button id="chosen" name="provider_id" value=` + attribute(query) + `>` + query + `</button></form></div>`
}

func TestBanksAreFoundWhileOneTypes(t *testing.T) {
	s := newSite(t)
	asked := make(chan url.Values, 10)
	left := make(chan struct{})
	s.page("/search", search)
	s.mux.HandleFunc("GET /banks", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		fragment := r.Header.Get("X-Fragment")
		asked <- query
		switch {
		case fragment != "banks":
			io.WriteString(w, `<!DOCTYPE html><title>found</title><main id="arrived"></main>`)
		case query.Get("q") == "broken":
			http.Error(w, `<main>Sorry</main>`, http.StatusInternalServerError)
		case query.Get("q") == "slow":
			<-r.Context().Done()
			close(left)
		default:
			io.WriteString(w, found(query.Get("q")))
		}
	})
	tab := newTab(t)
	tab.open(s.address + "/search")
	field := chromedp.CSS("#bank-search-input")
	write := func(query string) {
		tab.run(fmt.Sprintf(`const field = document.getElementById("bank-search-input"); field.value = %q; field.dispatchEvent(new Event("input", { bubbles: true }));`, query))
	}

	tab.do(chromedp.SendKeys(field, "cré")) // three keys, one request
	want := url.Values{"session_id": {"S & 1"}, "q": {"cré"}}
	if diff := cmp.Diff(want, <-asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	tab.until(`document.querySelector("#bank-list [role=status]").textContent === "Banks found for cré"`)
	if !value[bool](tab, `document.activeElement.id === "bank-search-input" && location.pathname === "/search"`) {
		t.Error("the field has lost the focus, or the page is another one")
	}

	write("slow")
	<-asked
	write("quick")
	<-asked
	tab.until(`document.getElementById("chosen").value === "quick"`)
	select {
	case <-left:
	case <-tab.ctx.Done():
		t.Error("an older answer may come last")
	}

	tab.run(`document.getElementById("chosen").focus();`)
	write("next")
	<-asked
	tab.until(`document.getElementById("chosen").value === "next"`)
	if focused := value[string](tab, `document.activeElement.id`); focused != "bank-search-input" {
		t.Errorf("the focus went with the list, to %q", focused)
	}

	write("broken")
	<-asked
	write("")
	<-asked
	tab.until(`document.getElementById("chosen").value === ""`)
	if len(asked) != 0 {
		t.Errorf("asked %d times more", len(asked))
	}

	write("back")
	<-asked
	tab.until(`document.getElementById("chosen").value === "back"`)
	tab.run(`document.getElementById("chosen").click(); document.getElementById("chosen").click();`)
	if got := s.posted(tab); got.body != "provider_id=back" {
		t.Errorf("a bank of the new list posts %q", got.body)
	}

	tab.do(chromedp.SendKeys(field, "\r"))
	tab.waitFor("#arrived")
	if got := <-asked; got.Get("q") != "back" {
		t.Errorf("Enter asks for %v", got)
	}
	s.nothingElse()
}

// After the back button, the browser restores the input.
func TestTheListFitsWhatTheBrowserFillsIn(t *testing.T) {
	s := newSite(t)
	s.page("/search", search)
	s.mux.HandleFunc("GET /fill.js", s.script(`document.getElementById("bank-search-input").value = "typed";`))
	s.page("/filled", search, "/fill.js")
	s.mux.HandleFunc("GET /banks", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, found(r.FormValue("q"))) })
	tab := newTab(t)
	tab.open(s.address + "/filled")
	tab.until(`document.querySelector("#bank-list button").value === "typed"`)
}

func TestAPasswordIsShownOnDemand(t *testing.T) {
	s := newSite(t)
	s.page("/login", `<main><form method="post" action="/answer" data-once><input id="301" name="301" type="password">
		<button type="button" id="reveal" data-reveal="301" aria-pressed="false" hidden>Show</button></form></main>`)
	tab := newTab(t)
	tab.open(s.address + "/login")
	state := func() string {
		return value[string](tab, `document.getElementById("301").type + " " + document.getElementById("reveal").getAttribute("aria-pressed")`)
	}
	for _, want := range []string{"password false", "text true", "password false"} {
		if got := state(); got != want {
			t.Errorf("it is %s, want %s", got, want)
		}
		tab.do(chromedp.Click(chromedp.CSS("#reveal"))) // waits until it is visible
	}
	s.nothingElse()
}
