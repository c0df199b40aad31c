package berlingroup_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/oxlin/oxlin"
	usecases "github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// renewing is a bank that makes a new consent each time, or goes on with the first one.
type renewing struct {
	mu      sync.Mutex
	extends bool
	// state is the status of the consents, "valid" if it is empty.
	state string
	// down is how many deletions fail.
	down    int
	made    int
	back    string
	deleted []string
}

func (b *renewing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	status, body := http.StatusOK, ""
	switch path := strings.TrimPrefix(r.URL.Path, "/xs2a/v1"); {
	case r.Method == http.MethodPost && path == "/consents":
		if !b.extends || b.made == 0 {
			b.made++
		}
		b.back = r.Header.Get("TPP-Redirect-URI")
		status, body = http.StatusCreated, fmt.Sprintf(`{"consentStatus":"received","consentId":"C%d","_links":{"scaRedirect":{"href":"https://login.example/"}}}`, b.made)
	case r.Method == http.MethodDelete && b.down > 0:
		b.down--
		status, body = http.StatusServiceUnavailable, `{}`
	case r.Method == http.MethodDelete:
		b.deleted = append(b.deleted, strings.TrimPrefix(path, "/consents/"))
		status = http.StatusNoContent
	case strings.HasSuffix(path, "/status"):
		body = `{"consentStatus":"` + firstOf(b.state, "valid") + `"}`
	case r.Header.Get("Consent-ID") != fmt.Sprintf("C%d", b.made):
		status, body = http.StatusUnauthorized, `{"tppMessages":[{"category":"ERROR","code":"CONSENT_INVALID"}]}`
	case path == "/accounts":
		body = listed
	case strings.HasSuffix(path, "/balances"):
		body = balanced
	default:
		body = bookedRows(one("1", "-5", "02"))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// platform returns a platform that knows the bank alone.
func (b *renewing) platform(t *testing.T, db *store.DB) *platformtest.World {
	t.Helper()
	banks := &catalogueOf{}
	banks.connector = connector(t, "", b)
	return platformtest.New(t, db, platformtest.Options{Catalogue: banks, Now: now, PublicURL: "https://oxlin.example"})
}

// give leads a user to the bank and back, anew or for a connection.
func (b *renewing) give(t *testing.T, w *platformtest.World, caller oxlin.Caller, id oxlin.ConnectionID) usecases.CallbackResult {
	t.Helper()
	_, err := w.Service.Authorizations.Begin(t.Context(), caller, usecases.AuthorizeRequest{
		ProviderID: "1", DefinitionID: "11", ConnectionID: id, ReturnURI: "https://client.example/return",
	})
	if err != nil {
		t.Fatal(err)
	}
	back, err := url.Parse(b.back)
	if err != nil {
		t.Fatal(err)
	}
	result, err := w.Service.Authorizations.Finish(t.Context(), usecases.Callback{State: back.Query().Get("state"), PSU: caller.PSU, Query: back.Query()})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// TestARenewalLeavesNoConsentBehind renews a connection at the bank. The consent that the new one replaces is
// deleted there after the new access is stored, again after a failure of the bank, and in no case while the
// new one does not hold or where the bank has extended the first.
func TestARenewalLeavesNoConsentBehind(t *testing.T) {
	for _, test := range []struct {
		name    string
		extends bool
		state   string // of the consent of the renewal
		fails   int    // how many deletions fail
		want    string // the deleted consents after the renewal, and after the connection was deleted
	}{
		{"a new consent", false, "valid", 0, "C1, then C2"},
		{"a bank that is down", false, "valid", 2, "C1, then C2"},
		{"the same consent", true, "valid", 0, ", then C1"},
		{"a consent that the user refuses", false, "rejected", 0, "C2, then C1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				behind := &renewing{extends: test.extends}
				w := behind.platform(t, db)
				caller := w.LicensedCaller()
				give := func(id oxlin.ConnectionID) oxlin.ConnectionID {
					t.Helper()
					result := behind.give(t, w, caller, id)
					if len(behind.deleted) > 0 {
						t.Errorf("%v was deleted within the callback", behind.deleted)
					}
					w.Settle()
					return result.ConnectionID
				}
				// takeBack runs the waiting jobs, and those that failed once more.
				takeBack := func() string {
					t.Helper()
					behind.deleted = nil
					for _, job := range w.Queue.TakeRevocations() {
						for attempt := 0; ; attempt++ {
							err := w.Engine.Revoke(t.Context(), job.Provider, job.Definition, job.Sealed)
							if err == nil {
								break
							}
							if attempt > test.fails {
								t.Fatal(err)
							}
						}
					}
					slices.Sort(behind.deleted)
					return strings.Join(behind.deleted, " ")
				}
				id := give(0)
				if got := takeBack(); got != "" {
					t.Errorf("the first consent deletes %s", got)
				}
				behind.state, behind.down = test.state, test.fails
				give(id)
				behind.state = ""
				renewed := takeBack()
				if test.state == "valid" {
					w.Synchronize(caller, id)
					if channel := w.Connection(caller, id).Channels[0]; channel.Status != oxlin.ChannelSuccess {
						t.Errorf("after the renewal the channel is %s", channel.Status)
					}
				}
				err := w.Service.Connections.Delete(t.Context(), caller, id)
				if err != nil {
					t.Fatal(err)
				}
				w.Settle()
				if got := renewed + ", then " + takeBack(); got != test.want {
					t.Errorf("deleted are %q, want %q", got, test.want)
				}
			})
		})
	}
}
