package widget_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin/internal/store/storetest"
)

// While the database is away, the bank's callback shows a page that goes on by itself: it
// loads the same address again, and continues with the flow when the database is back.
func TestTheCallbackOfAFlowDuringAnOutage(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "87").want("notice").act("authorize")
		back := b.backFrom("dev")
		var once sync.Once
		end := func() {}
		w.Calls.Hook(func(r *http.Request) *http.Response {
			if strings.HasSuffix(r.URL.Path, "/token") {
				once.Do(func() { end = storetest.Outage(t, w.DB) })
			}
			return nil
		})
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, back, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, cookie := range b.jar.Cookies(request.URL) {
			request.AddCookie(cookie)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		shown, err := goquery.NewDocumentFromReader(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") != "3" {
			t.Errorf("%s, Retry-After %q", response.Status, response.Header.Get("Retry-After"))
		}
		if shown.Find(`head > meta[http-equiv=refresh][content="3"]`).Length() != 1 {
			t.Errorf("the page does not load itself again: %s", shown.Text())
		}
		end()
		for try := 0; try < 100 && len(p.connections()) == 0; try++ {
			time.Sleep(50 * time.Millisecond) // the work goes on without the browser
		}
		b.open(back)
		b.wait().want("consent").act("consent").wait().wantEnd("success created")
		p.connection() // exactly one
		b.open(back)   // the browser that left gets the same redirect again
		b.wantEnd("success created")
		other := p.browser()
		other.open(back) // the redirect of a flow carries its session
		other.wantStatus(http.StatusOK).want("over").wantNoSession()
	})
}
