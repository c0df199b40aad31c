package website_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/omit"
)

// These tests run a real Chromium. The login dev+script makes the test bank draw
// the page of the savings account, the fourth of the list, by a script.
const (
	drawnPage  = "/site/comptes/4"
	drawnFacts = "/site/comptes/4/fiche.json"
	itsScript  = "/site/fiche.js"
)

// withBrowser returns a world in which a page must be rendered, and access to it. The
// browser writes only below folder.
func withBrowser(t *testing.T) (w *world, access bank.Access, folder string) {
	t.Helper()
	omit.Without(t, 1, "chromium", "chromium")
	// Chromium makes a socket in it: the path must be short.
	folder, err := os.MkdirTemp("", "drawn")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	t.Setenv("TMPDIR", folder)
	w = start(t)
	w.instead = map[string]http.HandlerFunc{}
	return w, w.inside(sites[0], "dev+script"), folder
}

func (w *world) listed(access bank.Access) ([]bank.Account, error) {
	page, err := w.connector(sites[0]).Accounts(w.t.Context(), bank.Call{Access: access}, "")
	return page.Accounts, err
}

// script serves a script that ends by rendering the page as the bank's own does.
func script(text string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/javascript")
		fmt.Fprintf(rw, `(async () => {
			%s
			const list = document.getElementById("fiche");
			for (const fact of await (await fetch(location.pathname + "/fiche.json")).json()) {
				list.insertAdjacentHTML("beforeend", "<dt>" + fact.name + "</dt><dd>" + fact.value + "</dd>");
			}
			list.setAttribute("aria-busy", "false");
		})()`, text)
	}
}

// nothingLeft fails the test if a file or a process of a browser is left.
func nothingLeft(t *testing.T, folder string) {
	t.Helper()
	left, err := os.ReadDir(folder)
	if err != nil || len(left) > 0 {
		t.Errorf("the browser leaves files behind: %v %v", left, err)
	}
	if running := browsers(t, folder); len(running) > 0 {
		t.Errorf("the browser still runs: %v", running)
	}
}

// browsers returns the main processes of the browsers whose profile is below a folder.
func browsers(t *testing.T, folder string) []int {
	t.Helper()
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var running []int
	for _, name := range commands {
		text, err := os.ReadFile(name)
		if err == nil && bytes.Contains(text, []byte("--user-data-dir="+folder)) && !bytes.Contains(text, []byte("--type=")) {
			pid, _ := strconv.Atoi(strings.Split(name, "/")[2])
			running = append(running, pid)
		}
	}
	return running
}

func TestAPageThatAScriptDrawsIsReadAsAnyOther(t *testing.T) {
	w, access, folder := withBrowser(t)
	drawn, err := w.listed(access)
	if err != nil {
		t.Fatal(err)
	}
	if seen := strings.Join(w.taken(), "\n"); strings.Count(seen, drawnFacts) != 1 {
		t.Errorf("the script did not ask for its data once:\n%s", seen)
	}
	nothingLeft(t, folder)

	w.deps.Browser = "no-such-browser" // a page without scripts is still read
	plain, err := w.listed(w.inside(sites[0], "dev"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain, drawn, cmpopts.IgnoreFields(bank.Account{}, "Raw"), cmpopts.EquateComparable(oxlin.Date{})); diff != "" {
		t.Errorf("drawn, the accounts are others (-plain +drawn):\n%s", diff)
	}
	if details := drawn[3].Details.Savings; details == nil || details.Rate == nil || details.Ceiling == nil {
		t.Errorf("the savings account lacks what the script shows of it: %+v", details)
	}
}

func TestABrowserThatIsNotThere(t *testing.T) {
	w := start(t)
	w.deps.Browser = "no-such-browser"
	_, err := w.listed(w.inside(sites[0], "dev+script"))
	if kind := kindOf(t, err); kind != bank.Unavailable || !strings.Contains(err.Error(), "Chromium") {
		t.Errorf("%v", err)
	}
	w.deps.Browser = "false" // a program that exits at once
	_, err = w.listed(w.inside(sites[0], "dev+script"))
	if kind := kindOf(t, err); kind != bank.Unavailable {
		t.Errorf("%v", err)
	}
}

func TestTheBrowserSharesTheCookiesOfTheVisit(t *testing.T) {
	w, access, _ := withBrowser(t)
	var mu sync.Mutex
	brought := map[string]string{}
	note := func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range r.Cookies() {
			brought[r.URL.Path+" "+c.Name] = c.Value
		}
	}
	w.instead["/site/mesure"] = func(rw http.ResponseWriter, r *http.Request) {
		note(r)
		body, _ := io.ReadAll(r.Body)
		http.SetCookie(rw, &http.Cookie{Name: "cache", Value: "7", Path: "/site", HttpOnly: true})
		http.SetCookie(rw, &http.Cookie{Name: "visible", Value: string(body), Path: "/site"})
		http.SetCookie(rw, &http.Cookie{Name: "fini", Path: "/site", MaxAge: -1})
	}
	w.instead["/site/comptes/5"] = func(rw http.ResponseWriter, r *http.Request) {
		note(r)
		rw.WriteHeader(http.StatusServiceUnavailable)
	}
	w.instead[itsScript] = script(`
		document.cookie = "ecran=large; path=/site; max-age=600";
		document.cookie = "fini=non; path=/site";
		await fetch("/site/mesure", {method: "POST", body: document.cookie.includes("session") ? "leaked" : "held"});
		document.cookie = "vu=" + document.cookie.replace(/[^a-z]+/g, "-") + "; path=/site";
	`)
	_, err := w.listed(access)
	if kind := kindOf(t, err); kind != bank.Unavailable {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"/site/mesure ecran": "large", "/site/mesure fini": "non", "/site/comptes/5 ecran": "large", "/site/comptes/5 cache": "7",
		"/site/comptes/5 visible": "held", "/site/comptes/5 fini": "", "/site/comptes/5 vu": "ecran-large-visible-held",
	} {
		if brought[name] != want {
			t.Errorf("%s is %q, want %q", name, brought[name], want)
		}
	}
	if brought["/site/mesure session"] == "" || brought["/site/mesure session"] != brought["/site/comptes/5 session"] {
		t.Error("the session's cookie is not brought along")
	}
}

func TestTheBrowserSpeaksWithTheBankOnly(t *testing.T) {
	w, access, _ := withBrowser(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another host is asked for %s", r.URL)
	}))
	defer elsewhere.Close()
	// The page itself would allow all of these.
	w.instead[drawnPage] = func(rw http.ResponseWriter, _ *http.Request) {
		io.WriteString(rw, `<!doctype html><html><body><a id="quitter" href="/site/deconnexion"></a>
			<dl id="fiche" aria-busy="true"></dl><script src="/site/fiche.js"></script></body></html>`)
	}
	w.instead[itsScript] = script(strings.ReplaceAll(`
		await fetch("ELSEWHERE/fetch", {mode: "no-cors"}).catch(() => {});
		navigator.sendBeacon("ELSEWHERE/beacon", "x");
		window.open("ELSEWHERE/window");
		await new Promise(done => { const socket = new WebSocket("ELSEWHERE/socket"); socket.onclose = socket.onerror = done; });
		await new Promise(done => { const frame = document.createElement("iframe"); frame.src = "ELSEWHERE/frame"; frame.onload = frame.onerror = done; document.body.append(frame); });
		await new Promise(done => { const image = new Image(); image.onload = image.onerror = done; image.src = "ELSEWHERE/image"; });
		await new Promise(done => { const script = document.createElement("script"); script.onload = script.onerror = done; script.src = "ELSEWHERE/script"; document.body.append(script); });
		await new Promise(done => { const worker = new Worker(URL.createObjectURL(new Blob(["fetch('ELSEWHERE/worker', {mode: 'no-cors'}).catch(() => {}).then(() => postMessage(1))"]))); worker.onmessage = worker.onerror = done; });
	`, "ELSEWHERE", elsewhere.URL))
	_, err := w.listed(access)
	if err != nil {
		t.Error(err)
	}
}

func TestPagesThatAreNotDrawn(t *testing.T) {
	for _, tc := range []struct {
		name   string
		path   string
		answer http.HandlerFunc
		kind   bank.FailureKind
		limit  int // seconds; 0 for the default
	}{
		{"the session is over", drawnFacts, func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "/site/connexion?expiree=1", http.StatusSeeOther)
		}, bank.AccessLost, 0},
		{"the script goes elsewhere", itsScript, script(`location = "https://elsewhere.example/"; await new Promise(() => {});`), "", 0}, // the account is kept without details
		{"the script never ends", itsScript, script(`for (;;);`), bank.Unavailable, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, access, folder := withBrowser(t)
			w.instead[tc.path] = tc.answer
			site := sites[0]
			site.config.TimeoutSeconds = tc.limit
			_, err := w.connector(site).Accounts(t.Context(), bank.Call{Access: access}, "")
			if kind := kindOf(t, err); kind != tc.kind {
				t.Errorf("%v", err)
			}
			nothingLeft(t, folder)
		})
	}
}

func TestABrowserThatIsKilled(t *testing.T) {
	w, access, folder := withBrowser(t)
	w.instead[drawnFacts] = func(_ http.ResponseWriter, r *http.Request) {
		session, err := r.Cookie("session")
		if err != nil {
			t.Error(err)
			return
		}
		// Even while the browser runs, no file holds the session.
		err = filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return nil // files come and go
			}
			text, _ := os.ReadFile(name)
			if bytes.Contains(text, []byte(session.Value)) {
				t.Errorf("%s holds the session", name)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		running := browsers(t, folder)
		if len(running) != 1 {
			t.Errorf("the browsers are %v", running)
		}
		for _, pid := range running {
			process, err := os.FindProcess(pid)
			if err == nil {
				err = process.Kill()
			}
			if err != nil {
				t.Error(err)
			}
		}
		<-r.Context().Done()
	}
	_, err := w.listed(access)
	if kind := kindOf(t, err); kind != bank.Unavailable {
		t.Errorf("%v", err)
	}
	nothingLeft(t, folder)
}

func TestOneBrowserAtATime(t *testing.T) {
	w, access, folder := withBrowser(t)
	w.instead[itsScript] = func(rw http.ResponseWriter, r *http.Request) {
		if running := browsers(t, folder); len(running) != 1 {
			t.Errorf("%d browsers run", len(running))
		}
		script("")(rw, r)
	}
	connector := w.connector(sites[0])
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			_, err := connector.Accounts(t.Context(), bank.Call{Access: access}, "")
			if err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	nothingLeft(t, folder)
}

func TestAPageThatNobodyWantsAnyMore(t *testing.T) {
	w, access, folder := withBrowser(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.instead[itsScript] = func(http.ResponseWriter, *http.Request) { cancel() }
	_, err := w.connector(sites[0]).Accounts(ctx, bank.Call{Access: access}, "")
	if kind := kindOf(t, err); kind != bank.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	nothingLeft(t, folder)
}
