package testbank

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

// web is a site of files, some of them unpleasant.
func web(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/jo.txt", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, sample) })
	mux.HandleFunc("/moved.txt", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/jo.txt?dl=1", http.StatusFound) })
	mux.HandleFunc("/loop.txt", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop.txt", http.StatusFound) })
	mux.HandleFunc("/elsewhere.txt", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
	})
	mux.HandleFunc("/broken.txt", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "CREDENTIALS|jo|secret\nACCOUNT|u|1|||Checkings\nTRANSACTION|x|01/01/26|L\n")
	})
	mux.HandleFunc("/large.txt", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("#\n", maxFileSize)) })
	mux.HandleFunc("/slow.txt", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(3 * time.Second):
		}
	})
	mux.HandleFunc("/pointer.txt", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "CREDENTIALS|x|y\nURL|http://%s/jo.txt\n", r.Host)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv
}

func TestFileURL(t *testing.T) {
	site := web(t)
	r := start(t, Options{AllowPrivateFileURLs: true, FetchTimeout: 200 * time.Millisecond})
	for _, path := range []string{"/jo.txt", "/moved.txt", "/pointer.txt"} {
		t.Run(path, func(t *testing.T) {
			r.t = t
			back := r.signIn(authorizeQuery("aisp"), "jo", "secret", site.URL+path)
			accounts := r.attended(v15, r.token(codeForm(back.Get("code")))).accounts()
			if len(accounts) != 1 || accounts[0].Name != "MAIN" {
				t.Errorf("got %+v", accounts)
			}
		})
	}
	for path, want := range map[string]string{
		"/loop.txt": "pu être lu à cette adresse", "/elsewhere.txt": "pu être lu", "/broken.txt": "ligne 3", "/large.txt": "1 Mio", "/slow.txt": "trop de temps", "/none.txt": "404",
	} {
		t.Run(path, func(t *testing.T) {
			r.t = t
			id := r.get("/authorize?" + authorizeQuery("aisp").Encode()).session(t)
			a := r.post("/authorize", url.Values{"session": {id}, "login": {"jo"}, "password": {"secret"}, "file_url": {site.URL + path}})
			if a.status != http.StatusUnprocessableEntity || !strings.Contains(strings.ReplaceAll(a.body, "&#39;", "'"), want) {
				t.Errorf("%d, want %q: %s", a.status, want, a.body)
			}
		})
	}
}

// TestFileURLStaysPublic: without the option no private address is reached,
// however it is written and wherever a redirect leads.
func TestFileURLStaysPublic(t *testing.T) {
	site := web(t)
	r := start(t, Options{})
	port := site.URL[strings.LastIndex(site.URL, ":")+1:]
	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "127.1"} {
		id := r.get("/authorize?" + authorizeQuery("aisp").Encode()).session(t)
		a := r.post("/authorize", url.Values{"session": {id}, "login": {"jo"}, "password": {"secret"}, "file_url": {"http://" + host + ":" + port + "/jo.txt"}})
		if a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s was reached: %d", host, a.status)
		}
	}
}

func TestIsPublic(t *testing.T) {
	for ip, want := range map[string]bool{
		"8.8.8.8": true, "2a00:1450:4007::1": true,
		"127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false,
		"0.0.0.0": false, "224.0.0.1": false, "255.255.255.255": false, "198.18.0.1": false, "192.0.2.1": false,
		"::": false, "::1": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "ff02::1": false,
		"::ffff:10.0.0.1": false, "64:ff9b::a00:1": false, "2002:a00:1::": false, "2001::1": false,
	} {
		if got := isPublic(netip.MustParseAddr(ip)); got != want {
			t.Errorf("%s: public %v", ip, got)
		}
	}
}

// TestOwnFile: the bank's own file can be named although it is on a private
// address.
func TestOwnFile(t *testing.T) {
	r := start(t, Options{PublicURL: "http://127.0.0.1:9"})
	if q := r.signIn(authorizeQuery("aisp"), "dev", "dev", "http://127.0.0.1:9/stettestbank/test-bank.txt"); q.Get("code") == "" {
		t.Errorf("got %v", q)
	}
	if a := r.get("/stettestbank/test-bank.txt"); a.body != defaultFile || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
		t.Error("the default file is not served as it is")
	}
}

// TestFileChanges: what the site serves counts from the next day's
// synchronisation on, and a site that is down changes nothing.
func TestFileChanges(t *testing.T) {
	text, up := sample, true
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !up {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		fmt.Fprint(w, text)
	}))
	defer site.Close()
	r := start(t, Options{AllowPrivateFileURLs: true})
	back := r.signIn(authorizeQuery("aisp"), "jo", "secret", site.URL)
	tok := r.token(codeForm(back.Get("code")))
	count := func() int {
		s := r.attended(v15, tok)
		return len(s.all(s.accounts()[0].ResourceID, ""))
	}
	next := func() {
		r.clock.add(24 * time.Hour)
		tok = r.token(refreshForm(tok.Refresh))
	}
	if n := count(); n != 2 {
		t.Fatalf("%d rows, want 2", n)
	}
	text = strings.Replace(sample, "TRANSACTION|100", "TRANSACTION|-3|16/11/26|LATE\nTRANSACTION|100", 1)
	if n := count(); n != 2 {
		t.Errorf("%d rows on the same day, want 2", n)
	}
	next()
	if n := count(); n != 3 {
		t.Errorf("%d rows on the next day, want 3", n)
	}
	up = false
	next()
	if n := count(); n != 3 {
		t.Errorf("%d rows while the site is down, want 3", n)
	}
}
