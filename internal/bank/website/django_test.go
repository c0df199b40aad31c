package website_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/website"
	"github.com/oxlin/oxlin/internal/omit"
)

// booked is a row of a program's books, in cents.
type booked struct {
	Account, Day, Label string
	Cents               int
}

// ledger makes the rows of an account: one on every second day, with amounts of each size and sign.
func ledger(account string, rows int) []booked {
	var all []booked
	first := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for n := range rows {
		cents := []int{-1, 99, -123_45, 1_234_56, -1_000_000_00, 7}[n%6] * (1 + n%3)
		all = append(all, booked{account, first.AddDate(0, 0, 2*n).Format(time.DateOnly), fmt.Sprintf("Row %d & <%s>", n, account), cents})
	}
	return all
}

func inUnits(cents int) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}

// freePort returns a port of the loopback interface that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// startDjango starts Django's admin site with the books, behind a proxy with TLS.
func startDjango(t *testing.T, books map[string][]booked) *httptest.Server {
	t.Helper()
	const python = "/usr/bin/python3"
	if exec.Command(python, "-c", "import django").Run() != nil {
		omit.Skip(t, 1, "Django is not installed (.ci/django)")
	}
	folder, err := filepath.Abs("testdata/django")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	environment := append(os.Environ(), "PYTHONPATH="+folder, "PYTHONDONTWRITEBYTECODE=1", "DJANGO_SETTINGS_MODULE=settings",
		"BANK_DATABASE="+filepath.Join(home, "bank.sqlite"), "DJANGO_SUPERUSER_PASSWORD=s3same")
	django := func(arguments ...string) *exec.Cmd {
		command := exec.CommandContext(t.Context(), python, append([]string{"-m", "django"}, arguments...)...)
		command.Env, command.Dir = environment, home
		return command
	}
	fixture := filepath.Join(home, "books.json")
	err = os.WriteFile(fixture, fixtureOf(books), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for _, arguments := range [][]string{
		{"migrate", "--run-syncdb", "-v0"}, {"createsuperuser", "--noinput", "--username", "zoe", "--email", "zoe@bank.example"}, {"loaddata", "-v0", fixture},
	} {
		output, err := django(arguments...).CombinedOutput()
		if err != nil {
			t.Fatalf("django %s: %v\n%s", arguments[0], err, output)
		}
	}
	address := freePort(t)
	server := django("runserver", "--noreload", "-v0", address)
	err = server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	waitFor(t, address)
	behind := &url.URL{Scheme: "http", Host: address}
	proxy := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(behind)
		r.Out.Host = r.In.Host
		r.Out.Header.Set("X-Forwarded-Proto", "https")
	}})
	t.Cleanup(proxy.Close)
	return proxy
}

// waitFor waits until a program listens.
func waitFor(t *testing.T, address string) {
	t.Helper()
	for range 300 {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			connection.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("nobody listens on %s", address)
}

// fixtureOf writes the books as Django's loaddata reads them.
func fixtureOf(books map[string][]booked) []byte {
	type record struct {
		Model  string         `json:"model"`
		PK     int            `json:"pk"`
		Fields map[string]any `json:"fields"`
	}
	var all []record
	for number, rows := range books {
		account := len(all) + 1
		balance := 0
		for _, row := range rows {
			balance += row.Cents
		}
		all = append(all, record{"bank.account", account, map[string]any{"number": number, "name": "Account of " + number, "balance": inUnits(balance)}})
		for _, row := range rows {
			all = append(all, record{"bank.movement", len(all) + 1, map[string]any{"account": account, "day": row.Day, "label": row.Label, "amount": inUnits(row.Cents)}})
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // texts always marshal
	}
	return text
}

// checkBooks reads all accounts from each of some days on, and compares them with the books.
func checkBooks(t *testing.T, connector func() *website.Connector, call bank.Call, books map[string][]booked) {
	t.Helper()
	accounts, err := connector().Accounts(t.Context(), call, "")
	if err != nil || len(accounts.Accounts) != len(books) || len(accounts.Unreadable) != 0 {
		t.Fatalf("%d accounts, want %d: %v", len(accounts.Accounts), len(books), err)
	}
	for _, account := range accounts.Accounts {
		balance := 0
		for _, row := range books[account.Number] {
			balance += row.Cents
		}
		told, err := connector().Balances(t.Context(), call, account.Ref(), "")
		if err != nil || banktest.Shown(told).Amount != oxlin.Amount(balance)*1000 {
			t.Errorf("%s: the balance is %v (%v), want %s", account.Number, banktest.Shown(told), err, inUnits(balance))
		}
		for _, from := range []string{"2026-01-01", "2026-03-01", "2026-04-30", "2026-05-01", "2026-12-31"} {
			day, err := oxlin.ParseDate(from)
			if err != nil {
				t.Fatal(err)
			}
			want := slices.DeleteFunc(slices.Clone(books[account.Number]), func(row booked) bool { return row.Day < from })
			var got []booked
			cursor := ""
			for more := true; more; more = cursor != "" {
				page, err := connector().Transactions(t.Context(), call, account.Ref(), day, cursor)
				if err != nil || page.Broken != "" || len(page.Unreadable) != 0 {
					t.Fatalf("%s from %s: %v %+v", account.Number, from, err, page)
				}
				for _, row := range page.Transactions {
					got = append(got, booked{account.Number, row.BookingDate.String(), strings.Join(row.Remittance, " "), int(row.Amount / 1000)})
				}
				cursor = page.Next
			}
			slices.SortStableFunc(got, func(a, b booked) int { return strings.Compare(a.Day, b.Day) })
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s from %s (-want +got):\n%s", account.Number, from, diff)
			}
		}
	}
}

// noReferer sends requests as a client does that tells nobody where they come from.
type noReferer struct{ http.RoundTripper }

func (n noReferer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Del("Referer")
	return n.RoundTripper.RoundTrip(r)
}

// TestDjangoAsABank reads the admin site of the real Django, whose login refuses a form without a
// Referer, in American notation and with the oldest row first.
func TestDjangoAsABank(t *testing.T) {
	books := map[string][]booked{"4000-0001": ledger("4000-0001", 130), "4000-0002": ledger("4000-0002", 25), "4000-0003": nil}
	server := startDjango(t, books)
	transport := server.Client().Transport
	connector := func() *website.Connector {
		connector, err := website.New(website.Config{
			Recipe: "django-admin", BaseURL: server.URL, Fields: map[string]oxlin.CredentialID{"username": "1", "password": "2"},
		}, website.Deps{Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		return connector
	}
	typed := secrets("1", "zoe", "2", "s3same")
	result, err := banktest.LogIn(t.Context(), connector(), banktest.Login{Credentials: typed})
	if err != nil {
		t.Fatal(err)
	}
	call := bank.Call{Access: result.Access}
	checkBooks(t, connector, call, books)
	banktest.Exercise(t, banktest.Subject{
		New: func() bank.Connector { return connector() }, Call: call, From: oxlin.NewDate(2026, 5, 1), Logins: typed,
		Lost: bank.Call{Access: bank.Access{Token: oxlin.NewSecret(`{"cookies":[{"name":"sessionid","value":"old","path":"/"}]}`)}},
	})
	_, err = banktest.LogIn(t.Context(), connector(), banktest.Login{Credentials: secrets("1", "zoe", "2", "wrong"), Access: result.Access})
	if kind := kindOf(t, err); kind != bank.CredentialsRejected {
		t.Errorf("a wrong password: %q", kind)
	}
	_, err = connector().Accounts(t.Context(), call, "")
	if kind := kindOf(t, err); kind != bank.AccessLost {
		t.Errorf("a session that was left at the bank: %q", kind)
	}
	transport = noReferer{transport}
	_, err = banktest.LogIn(t.Context(), connector(), banktest.Login{Credentials: typed})
	if kind := kindOf(t, err); kind != bank.Refused {
		t.Errorf("a form that comes from nowhere: %q; nothing shows that Django wants a Referer", kind)
	}
}
