package testbank

import (
	"fmt"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestLargeFile: a file of ten thousand rows is served to its end in little time.
func TestLargeFile(t *testing.T) {
	var text strings.Builder
	text.WriteString("CREDENTIALS|big|big\nACCOUNT|u|1|D|0|Checkings||||BIG\n")
	for i := range 10_000 {
		fmt.Fprintf(&text, "TRANSACTION|-%d.05|D-%d|ROW %d\n", i%90+1, i%80, i)
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text.String()) }))
	defer site.Close()
	r := start(t, Options{AllowPrivateFileURLs: true, PageSize: 500})
	tok := r.token(codeForm(r.signIn(authorizeQuery("aisp"), "big", "big", site.URL).Get("code")))
	began := time.Now()
	s := r.attended(v15, tok)
	target := "/accounts/" + s.accounts()[0].ResourceID + "/transactions"
	n := 0
	for target != "" {
		req := s.request("GET", target, "")
		page := decode[struct {
			Transactions []struct{}
			Links        map[string]link `json:"_links"`
		}](t, r.do(req))
		n += len(page.Transactions)
		target = page.Links["next"].Href
	}
	if took := time.Since(began); n != 10_000 || took > 10*time.Second {
		t.Errorf("%d rows in %v", n, took)
	}
}

// TestHostileFile: the largest file with the most rows a line costs a bounded
// effort.
func TestHostileFile(t *testing.T) {
	text := "CREDENTIALS|a|b\nACCOUNT|u|1|D|0|Checkings\n" + strings.Repeat("RECURRING|-1|01/01/1970|L|every day||||PDNG|+9999\n", 15_000)
	f, err := ParseFile(text)
	if err != nil {
		t.Fatal(err)
	}
	b := newBook(customer{Login: "a", Anchor: sat, file: f}, scenarios{}, sat)
	if n := len(b.rows(b.accounts[0])); n > maxRows || b.steps > maxSteps+20_000 {
		t.Errorf("%d rows, %d steps", n, b.steps)
	}
}

// TestTogether: many aggregators at once; the race detector watches, and the
// quota lets exactly four through.
func TestTogether(t *testing.T) {
	r := start(t, Options{DataDir: t.TempDir()})
	tok := r.connect("dev")
	s := r.alone(v15, tok)
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[int]int{}
	for range 12 {
		wg.Go(func() {
			resp, err := r.http.Do(s.request("GET", "/accounts", ""))
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			mu.Lock()
			got[resp.StatusCode]++
			mu.Unlock()
		})
		wg.Go(func() {
			req, _ := http.NewRequest("POST", r.url("/token"), strings.NewReader(refreshForm(tok.Refresh).Encode()))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			resp, err := r.http.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			mu.Lock()
			got[-resp.StatusCode]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if got[200] != 4 || got[429] != 8 || got[-200] != 1 || got[-400] != 11 {
		t.Errorf("statuses %v (tokens negative)", got)
	}
}

// TestImports: the bank is a program of its own and knows the standard library only, and
// the template engine of its pages.
func TestImports(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") && path != "github.com/a-h/templ" && path != "github.com/a-h/templ/runtime" {
				t.Errorf("%s imports %s", e.Name(), path)
			}
		}
	}
}
