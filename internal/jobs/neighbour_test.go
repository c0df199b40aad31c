package jobs_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/jobs"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro"
)

// neighbourhood is a platform with its job engine, and two banks over HTTP.
type neighbourhood struct {
	*platformtest.World
	caller oxlin.Caller
	// hanging is set while the first bank lets every call hang, until goOn is closed.
	hanging      atomic.Bool
	hangs, ended atomic.Int32
	goOn         chan bool
}

// working is the engine's service: the runs alone.
type working struct{ *synchro.Engine }

func (working) Notify(context.Context, oxlin.UserID, oxlin.EventID, string) error { return nil }

// bankFile is a bank like the test bank, at an address.
const bankFile = `{
	"id": %[1]q, "name": "Bank %[1]s", "country_code": "FRA",
	"channel_definitions": [{
		"id": "%[1]s1", "mode": "REDIRECT", "account_types": ["CHECKINGS", "CREDIT_CARD"], "connector": "stet",
		"config": {
			"version": "1.5", "base_url": "%[2]s/stet/v1.5",
			"oauth": {
				"authorize_url": "%[3]s/authorize", "token_url": "%[2]s/token", "client_id": "oxlin-sandbox",
				"client_authentication": "none", "scopes": "aisp extended_transaction_history", "pkce": true
			},
			"signing": {
				"algorithm": "rsa-sha256", "headers": ["(request-target)", "date", "digest", "x-request-id", "psu-ip-address"],
				"key_id": "{client_id}", "digest_on_get": true
			},
			"consent_model": "full", "consent_days": 90, "unattended_per_day": 4,
			"history": {"days": 365, "refreshed_days": 89, "date_format": "instant"},
			"id_field": "entryReference", "ids": "STABLE", "balance_priority": ["CLBD", "XPCD", "VALU", "OTHR"]
		}
	}]
}`

func newNeighbourhood(t *testing.T, db *store.DB, workers int) *neighbourhood {
	t.Helper()
	n := &neighbourhood{goOn: make(chan bool)}
	n.World = platformtest.New(t, db, platformtest.Options{Now: time.Now(), PublicURL: "https://oxlin.example"})
	n.caller = n.LicensedCaller()
	target, err := url.Parse(n.BankURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.hanging.Load() {
			n.hangs.Add(1)
			select {
			case <-n.goOn:
			case <-r.Context().Done():
			}
			n.ended.Add(1)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(first.Close)
	e := engine(t, db, jobs.Options{Workers: workers})
	n.Catalogue.Catalogue, err = catalogue.Load(catalogue.Options{
		Sandbox: true, TestBankURL: n.BankURL, Now: n.Clock.Now, Rand: rand.Reader, Log: platformtest.Quiet, Observe: e.Watch,
		Extra: fstest.MapFS{
			"first.json":  {Data: fmt.Appendf(nil, bankFile, "901", first.URL, n.BankURL)},
			"second.json": {Data: fmt.Appendf(nil, bankFile, "902", n.BankURL, n.BankURL)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	n.Jobs.Queue = e
	start(t, e, working{n.Engine})
	return n
}

// connect makes a connection to a bank and waits until it is read.
func (n *neighbourhood) connect(bank oxlin.ProviderID) oxlin.ConnectionID {
	n.T.Helper()
	address, err := n.Service.Authorizations.Begin(n.T.Context(), n.caller, connect.AuthorizeRequest{
		ProviderID: bank, DefinitionID: oxlin.ChannelDefinitionID(bank + "1"), ReturnURI: "https://integrator.example/return",
	})
	if err != nil {
		n.T.Fatal(err)
	}
	result := n.Arrive(n.caller, n.LogIn(address, "dev"))
	n.await(result.ConnectionID)
	return result.ConnectionID
}

func (n *neighbourhood) synchronize(id oxlin.ConnectionID) {
	n.T.Helper()
	err := n.Service.Connections.Synchronize(n.T.Context(), n.caller, id, oxlin.SyncAll)
	if err != nil {
		n.T.Fatal(err)
	}
}

// await waits until a connection is read.
func (n *neighbourhood) await(id oxlin.ConnectionID) {
	n.T.Helper()
	for range 3000 {
		switch status := n.Connection(n.caller, id).Channels[0].Status; status {
		case oxlin.ChannelSuccess:
			return
		case oxlin.ChannelRunning:
			time.Sleep(10 * time.Millisecond)
		default:
			n.T.Fatalf("the channel is %s", status)
		}
	}
	n.T.Fatal("the connection is not read")
}

// measure returns how long a connection takes to be read.
func (n *neighbourhood) measure(id oxlin.ConnectionID) time.Duration {
	n.T.Helper()
	begun := time.Now()
	n.synchronize(id)
	n.await(id)
	return time.Since(begun)
}

// A user of a healthy bank is served while all calls to another bank hang.
func TestAUserIsServedBesideAHangingBank(t *testing.T) {
	each(t, besideAHangingBank)
}

func besideAHangingBank(t *testing.T, db *store.DB) {
	n := newNeighbourhood(t, db, 4)
	var hang []oxlin.ConnectionID
	for range 12 {
		hang = append(hang, n.connect("901"))
	}
	healthy := n.connect("902")
	alone := n.measure(healthy)
	n.hanging.Store(true)
	for _, id := range hang {
		n.synchronize(id)
	}
	for n.hangs.Load() < 4 { // as many as one bank may have
		time.Sleep(10 * time.Millisecond)
	}
	beside := n.measure(healthy)
	t.Logf("a synchronisation took %s alone and %s beside %d calls that hang", alone, beside, n.hangs.Load())
	if ended := n.ended.Load(); ended > 0 {
		t.Errorf("the user was served after %d calls to the other bank had ended", ended)
	}
	if hangs := n.hangs.Load(); hangs != 4 {
		t.Errorf("%d calls hang; want one for each of 4 workers", hangs)
	}
	n.hanging.Store(false)
	close(n.goOn)
	for _, id := range hang {
		n.await(id)
	}
}
