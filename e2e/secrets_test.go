package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/oxlin/oxlin/e2e/journey"
	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// TestNoSecretLiesAbout plants unique secrets, plays a journey with mistakes, and
// searches for them in the log at DEBUG, in all files of the database, in every answer
// and in the metrics.
func TestNoSecretLiesAbout(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		data := t.TempDir()
		secrets(t, data, data)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		database := storetest.Postgres(t)
		address, err := url.Parse(database)
		if err != nil {
			t.Fatal(err)
		}
		files := filepath.Join(address.Query().Get("host"), "data")
		secrets(t, t.TempDir(), files, "--database", database)
	})
}

// The planted secrets. Wrong passwords count as secrets too, because they are one slip
// away from the right one.
const (
	bankLogin         = "canary-login-Vn4tq8"
	bankPassword      = "canary-Bank-Pw-x7Lr2m"
	mistypedPassword  = "canary-Bank-Pw-x7Lr2n"
	openPassword      = "canary-sent-in-the-open-9sKw"
	smsCode           = "730519"
	wrongCode         = "730591"
	userPassword      = "canary-User-Pw-Zc61dh"
	wrongUserPassword = "canary-User-Pw-Zc61dj"
	wrongSecret       = "canary-client-secret-4vMq"
	fileName          = "canary-file-h2Yw0e.txt"
)

// bankFile is a customer of the test bank.
const bankFile = `
CREDENTIALS|` + bankLogin + `|` + bankPassword + `
CREDENTIALS_OWNER|Jo Testard
CHALLENGE|SMS|` + smsCode + `|0612345678
ACCOUNT|1|00011122233|D|1200.50|Checkings||||COMPTE COURANT|||FR7630001007941234567890185|EUR
TRANSACTION|-12.30|D-3|CB BOULANGERIE
TRANSACTION|1500.00|D-10|VIR SALAIRE
ACCOUNT|2|00011122244|D|300.00|Savings||||LIVRET A||||EUR
TRANSACTION|300.00|D-20|VERSEMENT
`

// secrets plays and searches: files is the directory of the database.
func secrets(t *testing.T, data, files string, flags ...string) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	bankWire, bank := tapped(t)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, bankFile) }))
	defer page.Close()
	file := page.URL + "/" + fileName

	address := freeAddress(t)
	serve := append([]string{
		"serve", "--log-level", "DEBUG", "--sandbox", "--roles", "api", "--roles", "worker", "--data", data,
		"--listen", address, "--testbank-url", bank,
	}, flags...)
	platform := run(t, "platform", serve...)
	platform.where(t, "platform")
	software := ownClient(t, data, flags)
	software.Platform = "http://" + address
	heard := &transcript{}
	software.HTTP = &http.Client{Transport: heard}

	slips := mistakenJourney(t, ctx, software, journey.Customer{Login: bankLogin, Password: bankPassword, Code: smsCode, File: file})

	searches := append(bankWire.searches(), slips...)
	for name, text := range map[string]string{
		"the identifier": bankLogin, "the password": bankPassword, "the mistyped password": mistypedPassword,
		"the password sent in the open": openPassword, "the SMS code": smsCode, "the wrong SMS code": wrongCode,
		"the user's password": userPassword, "the user's mistyped password": wrongUserPassword,
		"the client's secret": software.ClientSecret, "a wrong client secret": wrongSecret, "the file's address": fileName,
	} {
		searches = append(searches, searchFor(name, text))
	}
	for _, name := range []string{"the bank's access_token", "the bank's refresh_token", "the bank's authorisation code", "the bank's cookie"} {
		if !slices.ContainsFunc(searches, func(s search) bool { return strings.HasPrefix(s.name, name) }) {
			t.Errorf("%s was not noted", name)
		}
	}
	// The last value written is public: files that contain it contain everything
	// written before.
	const last = "written-last@example.test"
	client, err := software.ClientToken(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CreateUser(ctx, last, userPassword)
	if err != nil {
		t.Fatal(err)
	}
	for len(inFiles(t, files, []search{searchFor("", last)})) == 0 {
		if ctx.Err() != nil {
			t.Fatal("the search does not find in the files what is there")
		}
		time.Sleep(50 * time.Millisecond)
	}
	// A killed platform leaves its files as they are while it runs.
	err = platform.End(syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	for _, where := range slices.Compact([]string{data, files, filepath.Dir(platform.Log)}) {
		for _, found := range inFiles(t, where, searches) {
			t.Errorf("there is %s", found)
		}
	}
	for _, s := range searches {
		if s.found(heard.text.Bytes()) {
			t.Errorf("%s is in an answer", s.name)
		}
	}
	log, err := os.ReadFile(platform.Log)
	if err != nil {
		t.Fatal(err)
	}
	for _, marker := range []string{"synchronised", "synchronisation met a failure", "operation="} {
		if !strings.Contains(string(log), marker) {
			t.Errorf("the log lacks %q: there was nothing to look at", marker)
		}
	}
}

// ownClient creates a client, whose secret is in no source file.
func ownClient(t *testing.T, data string, flags []string) scenario.Integrator {
	t.Helper()
	args := append([]string{"client", "create", "--data", data, "--licensed", "--redirect-uri", "https://integrator.example/return"}, flags...)
	p := run(t, "client", append(args, "Canary")...)
	var said strings.Builder
	for line := range p.Lines {
		said.WriteString(line + "\n")
	}
	words := regexp.MustCompile(`(?s)client_id +(\S+).*client_secret +(\S+)`).FindStringSubmatch(said.String())
	if words == nil {
		t.Fatalf("the client was not made:\n%s", said.String())
	}
	return scenario.Integrator{ClientID: words[1], ClientSecret: words[2]}
}

// mistakenJourney goes through both channels with the usual mistakes of users. It
// returns searches for the platform's own tokens.
func mistakenJourney(t *testing.T, ctx context.Context, software scenario.Integrator, c journey.Customer) []search {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	mistake := func(what string, err error) {
		t.Helper()
		if !journey.Refused(err, 400, 401, 403, 404, 409, 422) {
			t.Errorf("%s: %v", what, err)
		}
	}
	jo, err := journey.Arrive(ctx, software, "jo@example.test", userPassword, c)
	check(err)
	_, err = software.UserToken(ctx, "jo@example.test", wrongUserPassword)
	mistake("a wrong password of the user", err)
	stranger := software
	stranger.ClientSecret = wrongSecret
	_, err = stranger.ClientToken(ctx)
	mistake("a wrong client secret", err)
	renewed, err := software.Token(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {jo.User.Tokens.RefreshToken}})
	check(err)
	first := jo.User.Tokens
	jo.User.Tokens = renewed
	nobody := jo.User
	nobody.Tokens.AccessToken = "none"
	mistake("a token in the address", nobody.Get(ctx, "/accounts?access_token="+renewed.AccessToken, nil))

	check(jo.ConnectByRedirect(ctx))
	check(jo.Converse(ctx))

	key, err := jo.User.CreateKey(ctx)
	check(err)
	mistyped, err := scenario.Encrypt(key.PublicKey, mistypedPassword)
	check(err)
	typed := func(password string) []scenario.Credential {
		return []scenario.Credential{{ID: "300", Value: c.Login}, {ID: "301", Value: password}, {ID: "302", Value: c.File}}
	}
	mistake("a password that is not encrypted", jo.User.SetChannel(ctx, jo.Connection, "8700", key.ID, typed(openPassword)))
	mistake("a password for no key", jo.User.SetChannel(ctx, jo.Connection, "8700", "0", typed(openPassword)))
	mistake("a credential that is a list", post(ctx, jo.User, "/connections", `{"provider_id":"87","credentials":[{"id":"300","value":["`+openPassword+`"]}]}`))
	mistake("a body that breaks off", post(ctx, jo.User, "/connections", `{"provider_id":"87","credentials":[{"id":"300","value":"`+openPassword))
	check(jo.User.SetChannel(ctx, jo.Connection, "8700", key.ID, typed(mistyped)))
	check(jo.Converse(ctx))
	if said := jo.Said("8700"); said[len(said)-1] != "LIST_ACCOUNTS_FAILED" {
		t.Fatalf("with a mistyped password channel 8700 told %v", said)
	}
	check(jo.AddEmbedded(ctx))
	jo.Slips = []string{wrongCode}
	check(jo.Converse(ctx))
	mistake("an answer that nobody waits for", jo.User.Answer(ctx, jo.Connection, "8700", []scenario.Credential{{ID: "306", Value: smsCode}}))
	check(jo.Arrived(ctx))
	_, err = journey.Belongings(ctx, jo.User)
	check(err)
	response, err := software.HTTP.Get(software.Platform + "/metrics")
	check(err)
	response.Body.Close()
	return []search{
		searchFor("an access token", first.AccessToken), searchFor("a refresh token", first.RefreshToken),
		searchFor("a renewed access token", renewed.AccessToken), searchFor("a renewed refresh token", renewed.RefreshToken),
		searchFor("an id token", first.IDToken),
	}
}

// post sends a body unchanged.
func post(ctx context.Context, user scenario.Session, resource, body string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, user.Integrator.Platform+"/v2.1"+resource, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+user.Tokens.AccessToken)
	request.Header.Set("Content-Type", "application/json")
	response, err := user.Integrator.HTTP.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	return &scenario.StatusError{Request: "POST " + resource, Status: response.StatusCode, Body: string(answer)}
}

// transcript is a client's transport that keeps every answer except those with tokens.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *transcript) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := journey.Answer(request)
	if err != nil || request.URL.Path == "/token" && response.StatusCode == http.StatusOK {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(&l.text, "%s %s\n%v\n%s\n", response.Status, request.URL.Path, response.Header, body)
	return response, nil
}
