package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// The widget is measured with more banks than a page shows, and has a budget: what
// a browser loads for the first page, and how long the server takes to write it.
const (
	sizeBudget = 30.0  // kB
	timeBudget = 100.0 // ms
	// pagesTimed is how many requests a time is taken from, one after the other.
	pagesTimed = 400
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

// widgetFigure is one line about the widget. A budget or bare of 0 is not printed.
type widgetFigure struct {
	name                string
	value, budget, bare float64
	unit, format        string
}

// measureWidget measures the first page of add_connection, on a platform that knows
// 3,000 banks more than the sandbox.
func (b *bench) measureWidget(ctx context.Context, directory, database string) ([]widgetFigure, error) {
	providers := filepath.Join(directory, "providers")
	err := writeProviders(providers)
	if err != nil {
		return nil, err
	}
	platform, err := startPlatform(ctx, b.settings, directory, database, "--providers="+providers)
	if err != nil {
		return nil, err
	}
	defer platform.end()
	user := b.user
	user.Integrator.Platform = platform.address
	var session struct {
		Links map[string]string `json:"_links"`
	}
	_, err = user.Post(ctx, "/widget_session", map[string]string{
		"client_id": user.Integrator.ClientID, "client_secret": user.Integrator.ClientSecret, "access_token": user.Tokens.AccessToken,
	}, &session)
	if err != nil {
		return nil, err
	}
	first, err := openPage(ctx, session.Links["add_connection"])
	if err != nil {
		return nil, err
	}
	figures := []widgetFigure{
		{name: "first page, gzip, bodies", value: first.bodies, budget: sizeBudget, unit: "kB", format: "%.1f"},
		{name: "with headers and the first redirect", value: first.all, budget: sizeBudget, unit: "kB", format: "%.1f"},
	}
	// A typing error costs the search most.
	search := "&" + url.Values{"q": {"credit agrikole"}}.Encode()
	page := first.load("")
	for _, l := range []load{page, first.load(search, "X-Fragment", "banks"), first.load(search)} {
		banks, err := l.banks(ctx)
		if err != nil {
			return nil, err
		}
		if banks == 0 {
			return nil, fmt.Errorf("%s shows no bank", l.address)
		}
	}
	for _, timed := range []struct {
		name string
		load
	}{
		{"first page", page},
		{"a search, with the script", first.load(search, "X-Fragment", "banks")},
		{"a search, without", first.load(search)},
	} {
		say("%s", timed.name)
		times, bare, err := timed.latency(ctx)
		if err != nil {
			return nil, err
		}
		figures = append(figures,
			widgetFigure{timed.name + ", median", percentile(times, 50), timeBudget, percentile(bare, 50), "ms", "%.2f"},
			widgetFigure{timed.name + ", 99th percentile", percentile(times, 99), timeBudget, percentile(bare, 99), "ms", "%.2f"})
	}
	say("pages per second")
	rate, err := page.measure(ctx, b.settings.seconds)
	if err != nil {
		return nil, err
	}
	return append(figures, widgetFigure{name: "first pages", value: rate.value, bare: rate.ceiling, unit: "/s", format: "%.0f"}), nil
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

// load is the request for the page, with more in its query and in its headers.
func (o opened) load(query string, headers ...string) load {
	path := o.address.RequestURI() + query
	return load{"pages", func(address string) (*http.Request, error) {
		request, err := asBrowser(context.Background(), address+path)
		for pair := range slices.Chunk(headers, 2) {
			request.Header.Set(pair[0], pair[1])
		}
		return request, err
	}, o.address.Scheme + "://" + o.address.Host}
}

// banks returns the number of banks in the answer to a load.
func (l load) banks(ctx context.Context) (int, error) {
	request, err := l.request(l.address)
	if err != nil {
		return 0, err
	}
	response, err := client.Do(request.WithContext(ctx))
	if err != nil {
		return 0, err
	}
	document, _, err := read(response)
	if err != nil {
		return 0, err
	}
	return document.Find(".bank__name").Length(), nil
}

// latency makes the request over and over, one at a time, then the same of a bare
// server whose answers have the same size.
func (l load) latency(ctx context.Context) (times, bare []time.Duration, err error) {
	times, size, err := l.times(ctx, l.address)
	if err != nil {
		return nil, nil, err
	}
	server, err := startBare(ctx, size)
	if err != nil {
		return nil, nil, err
	}
	defer server.end()
	bare, _, err = l.times(ctx, server.address)
	return times, bare, err
}

// times are sorted, and come with the size of an answer.
func (l load) times(ctx context.Context, address string) ([]time.Duration, int, error) {
	var times []time.Duration
	var size int
	for n := range pagesTimed + pagesTimed/10 {
		begun := time.Now()
		var err error
		size, err = l.once(ctx, address)
		if err != nil {
			return nil, 0, err
		}
		if n >= pagesTimed/10 { // those before were to warm up
			times = append(times, time.Since(begun))
		}
	}
	slices.Sort(times)
	return times, size, nil
}

// percentile is the time in ms that so many of a hundred do not exceed.
func percentile(sorted []time.Duration, hundredth int) float64 {
	return milliseconds(sorted[len(sorted)*hundredth/100])
}
