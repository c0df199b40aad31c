package banktest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	difference "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// Readdressed is a bank whose accounts change their ids: after each Renew, each account has the id
// that another one had before.
type Readdressed struct {
	bank http.Handler
	// shown finds an account's id in the member of an answer that holds it.
	shown *regexp.Regexp

	mu    sync.Mutex
	ids   []string
	turns int
}

// NewReaddressed returns a bank that gives the ids of accounts in a member of its answers, such as
// resourceId, and takes them below /accounts.
func NewReaddressed(bank http.Handler, member string) *Readdressed {
	return &Readdressed{bank: bank, shown: regexp.MustCompile(`("` + member + `"\s*:\s*")([^"]*)(")`)}
}

// Renew gives each account the id of another one.
func (r *Readdressed) Renew() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turns++
}

// moved returns the id that stands for another one after so many turns.
func (r *Readdressed) moved(id string, turns int) string {
	at := slices.Index(r.ids, id)
	if at < 0 {
		return id
	}
	n := len(r.ids)
	return r.ids[((at+turns)%n+n)%n]
}

// inPath finds an account's id in an address.
var inPath = regexp.MustCompile(`(/accounts/)([^/?"]+)()`)

// replaced replaces the ids that a pattern finds in a text.
func (r *Readdressed) replaced(text string, pattern *regexp.Regexp, turns int) string {
	return pattern.ReplaceAllStringFunc(text, func(found string) string {
		parts := pattern.FindStringSubmatch(found)
		return parts[1] + r.moved(parts[2], turns) + parts[3]
	})
}

func (r *Readdressed) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := request.Clone(request.Context())
	asked.URL = &url.URL{}
	*asked.URL = *request.URL
	asked.URL.Path, asked.URL.RawPath = r.replaced(request.URL.Path, inPath, -r.turns), ""
	recorded := httptest.NewRecorder()
	r.bank.ServeHTTP(recorded, asked)
	answer := recorded.Result()
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body) // it is in memory
	text := string(body)
	if strings.HasSuffix(request.URL.Path, "/accounts") && r.turns == 0 {
		for _, found := range r.shown.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(r.ids, found[2]) {
				r.ids = append(r.ids, found[2])
			}
		}
	}
	text = r.replaced(r.replaced(text, r.shown, r.turns), inPath, r.turns)
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, bytes.NewReader([]byte(text))) // the test's client has gone
}

// ExerciseIdentities checks that accounts whose ids the bank exchanges, which renew does, are told
// apart by what lasts, and are read under their new addresses. The bank's data have
// account_ids PER_CONSENT.
func ExerciseIdentities(t *testing.T, s Subject, renew func()) {
	first := s.listAccounts(t, s.Call)
	if len(first) < 2 {
		t.Fatal("the customer has too few accounts: nothing is tested")
	}
	rows := make([][]bank.Transaction, len(first))
	for i, account := range first {
		rows[i] = s.listTransactions(t, account.Ref())
	}
	for range len(first) - 1 {
		renew()
		now := s.listAccounts(t, s.Call)
		if len(now) != len(first) {
			t.Fatalf("there are %d accounts, at first %d", len(now), len(first))
		}
		for i, account := range first {
			at := slices.IndexFunc(now, func(a bank.Account) bool { return identityOf(t, a) == identityOf(t, account) })
			if at < 0 {
				t.Errorf("no account has the identity %s any more", identityOf(t, account))
				continue
			}
			if now[at].Address == account.Address || now[at].BankID != "" {
				t.Errorf("an account is at %s as before, or has the id %q", now[at].Address, now[at].BankID)
			}
			again := s.listTransactions(t, now[at].Ref())
			diff := difference.Diff(rows[i], again, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(bank.Transaction{}, "Raw"),
				difference.Comparer(func(a, b oxlin.Date) bool { return a == b }))
			if diff != "" {
				t.Errorf("under its new address the account has other rows:\n%s", diff)
			}
		}
	}
}

// identityOf returns everything by which an account is recognised.
func identityOf(t *testing.T, a bank.Account) string {
	t.Helper()
	text, err := json.Marshal(oxlin.Account{
		IBAN: a.IBAN, Number: a.Number, MaskedNumber: a.MaskedNumber, Currency: a.Currency, BankID: a.BankID, Name: a.Name, Type: a.Type,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
