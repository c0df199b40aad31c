package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// brands and places make 3,000 banks. The first branch of each brand is a common
// one, so that the first page has names that differ.
var (
	brands = []string{
		"Caisse d'Épargne", "Crédit Agricole", "Banque Populaire", "Crédit Mutuel", "Société Générale", "La Banque Postale", "BNP Paribas",
		"Crédit Coopératif", "Boursorama", "Fortuneo", "Hello bank", "Monabanq", "Crédit du Nord", "Bred", "Axa Banque", "Nickel", "Lydia",
		"Banque Palatine", "Milleis", "Orange Bank",
	}
	regions = []string{
		"Alpes", "Alsace", "Aquitaine", "Auvergne", "Bourgogne", "Bretagne", "Centre", "Champagne", "Corse", "Guadeloupe", "Languedoc", "Limousin",
		"Loire", "Lorraine", "Martinique", "Midi-Pyrénées", "Normandie", "Picardie", "Poitou", "Provence", "Pyrénées", "Réunion", "Rhône", "Savoie", "Seine",
	}
	parts = []string{"Atlantique", "Centre", "Est", "Nord", "Ouest", "Sud"}
)

// bankFile is a provider file for one brand, whose branches are those of {{id}}. The
// addresses lead nowhere: nobody is sent to these banks.
const bankFile = `{
  "id": "{{id}}", "name": %q, "branch_name": "{{branch_name}}", "base_url": "https://bank.example", "country_code": "FRA",
  "channel_definitions": [{
    "id": "{{id}}01", "mode": "REDIRECT", "account_types": ["CHECKINGS", "CREDIT_CARD"],
    "connector": "stet",
    "config": {
      "version": "1.5", "base_url": "https://api.bank.example/stet",
      "oauth": {"authorize_url": "https://bank.example/authorize", "token_url": "https://bank.example/token", "client_id": "bench",
        "client_authentication": "none", "scopes": "aisp"},
      "consent_model": "full", "consent_days": 180, "unattended_per_day": 4, "history": {"days": 365, "date_format": "instant"},
      "id_field": "entryReference", "ids": "STABLE", "balance_priority": ["CLBD"]
    }
  }],
  "branches": %s
}`

// writeProviders fills a directory with the files of 3,000 banks.
func writeProviders(directory string) error {
	err := os.Mkdir(directory, 0o700)
	if err != nil {
		return err
	}
	for b, brand := range brands {
		var branches []map[string]any
		for _, region := range regions {
			for _, part := range parts {
				branches = append(branches, map[string]any{
					"id": fmt.Sprint(100_000 + 1000*b + len(branches)), "branch_name": region + " " + part, "common": len(branches) == 0,
				})
			}
		}
		list, err := json.Marshal(branches)
		if err != nil {
			return err
		}
		err = os.WriteFile(filepath.Join(directory, fmt.Sprintf("brand-%d.json", b)), fmt.Appendf(nil, bankFile, brand, list), 0o600)
		if err != nil {
			return err
		}
	}
	return nil
}

// measureWidget measures the first page of add_connection, on a platform that knows 3,000 banks
// more than the sandbox. Its ceiling is a handler that gives an answer of the same size.
func measureWidget(ctx context.Context, b *bench) ([]figure, error) {
	err := b.populate(ctx)
	if err != nil {
		return nil, err
	}
	providers := filepath.Join(b.directory, "providers")
	err = errors.Join(writeProviders(providers), b.startCeiling(ctx), b.stop())
	if err != nil {
		return nil, err
	}
	say("the widget with %d banks", len(brands)*len(regions)*len(parts))
	b.platform, err = b.launch(ctx, "--providers="+providers)
	if err != nil {
		return nil, err
	}
	defer b.stop() // the others measure a platform with few banks
	var paths []string
	var loaded opened
	for _, u := range b.users {
		var session struct {
			Links map[string]string `json:"_links"`
		}
		_, err = u.Post(ctx, "/widget_session", map[string]string{
			"client_id": u.Integrator.ClientID, "client_secret": u.Integrator.ClientSecret, "access_token": u.token(),
		}, &session)
		if err != nil {
			return nil, err
		}
		page, err := openPage(ctx, session.Links["add_connection"])
		if err != nil {
			return nil, err
		}
		paths, loaded = append(paths, page.address.RequestURI()), page
	}
	// A typing error costs the search most.
	search := "&" + url.Values{"q": {"credit agrikole"}}.Encode()
	figures := []figure{
		{Name: "the widget's first page, bodies", Unit: "kB", Value: loaded.bodies, Target: "30 kB"},
		{Name: "with headers and the first redirect", Unit: "kB", Value: loaded.all, Target: "30 kB"},
	}
	for _, l := range []struct {
		name, more string
		headers    []string
	}{
		{"the widget's first page", "", nil},
		{"a search for a bank, with the script", search, []string{"X-Fragment: banks"}},
		{"a search for a bank, without", search, nil},
	} {
		var requests [][]byte
		for _, path := range paths {
			requests = append(requests, request("GET", path+l.more, "", l.headers...))
		}
		f, err := b.widgetPage(ctx, l.name, load{callers: 1, requests: requests})
		if err != nil {
			return figures, fmt.Errorf("%s: %w", l.name, err)
		}
		figures = append(figures, f)
	}
	return figures, nil
}

// widgetPage measures a page of the widget, one request at a time.
func (b *bench) widgetPage(ctx context.Context, name string, l load) (figure, error) {
	say("%s", name)
	c, err := dial(ctx, b.platform.host())
	if err != nil {
		return figure{}, err
	}
	defer c.close()
	c.want, c.body = http.StatusOK, new(bytes.Buffer)
	err = c.ask(l.requests[0])
	if err != nil {
		return figure{}, err
	}
	document, err := goquery.NewDocumentFromReader(c.body)
	if err == nil && document.Find(".bank__name").Length() == 0 {
		err = errors.New("the page shows no bank")
	}
	if err != nil {
		return figure{}, err
	}
	us, err := l.run(ctx, b.platform, 0, b.settings.timed)
	if err != nil {
		return figure{}, err
	}
	ceiling, err := load{callers: 1, requests: [][]byte{request("GET", fmt.Sprintf("/bare/%d", us.size), "")}}.run(ctx, b.ceiling, 0, b.settings.timed)
	return figure{
		Name: name, Unit: "ms", Value: milliseconds(us.p50), Ceiling: milliseconds(ceiling.p50), CPU: us.cpu, CeilingCPU: ceiling.cpu,
		P50: milliseconds(us.p50), P99: milliseconds(us.p99), CeilingP99: milliseconds(ceiling.p99), Target: "100 ms",
		Note: fmt.Sprintf("%.1f kB, which nobody compresses: the page holds a session", float64(us.size)/1000),
	}, err
}

// opened is a page as a browser loads it, with its files.
type opened struct {
	address *url.URL
	// bodies and all are kB received, without and with headers and redirects.
	bodies, all float64
}

// openPage loads a page and its files in a browser with an empty cache.
func openPage(ctx context.Context, address string) (opened, error) {
	var total, bodies atomic.Int64
	browser := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DisableCompression: true, // we ask for it ourselves, to see it
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			connection, err := new(net.Dialer).DialContext(ctx, network, address)
			return received{connection, &total}, err
		},
	}}
	defer browser.CloseIdleConnections()
	fetch := func(address string) (*goquery.Document, *url.URL, error) {
		request, err := asBrowser(ctx, address)
		if err != nil {
			return nil, nil, err
		}
		response, err := browser.Do(request)
		if err != nil {
			return nil, nil, err
		}
		document, size, err := read(response)
		bodies.Add(int64(size))
		return document, response.Request.URL, err
	}
	document, final, err := fetch(address)
	if err != nil {
		return opened{}, err
	}
	for _, needed := range document.Find("link[rel=stylesheet], script[src], img[src]").EachIter() {
		file, err := final.Parse(needed.AttrOr("src", needed.AttrOr("href", "")))
		if err != nil {
			return opened{}, err
		}
		_, _, err = fetch(file.String())
		if err != nil {
			return opened{}, err
		}
	}
	return opened{final, float64(bodies.Load()) / 1000, float64(total.Load()) / 1000}, nil
}

// received counts what comes in over a connection.
type received struct {
	net.Conn
	bytes *atomic.Int64
}

func (r received) Read(into []byte) (int, error) {
	n, err := r.Conn.Read(into)
	r.bytes.Add(int64(n))
	return n, err
}

// asBrowser is a request for what every browser takes; newer ones take zstd as well.
func asBrowser(ctx context.Context, address string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept-Encoding", "gzip")
	return request, nil
}

// read reads an answer to its end, and gives its size as it travelled.
func read(response *http.Response) (*goquery.Document, int, error) {
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("%s: %s", response.Request.URL.Path, response.Status)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, 0, err
	}
	var plain io.Reader = bytes.NewReader(body)
	if response.Header.Get("Content-Encoding") == "gzip" {
		plain, err = gzip.NewReader(plain)
		if err != nil {
			return nil, 0, err
		}
	}
	document, err := goquery.NewDocumentFromReader(plain)
	return document, len(body), err
}
