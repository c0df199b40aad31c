package notify_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/notify"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// listener is an integrator's server. It answers with its status and remembers what
// it was sent.
type listener struct {
	*httptest.Server
	status int
	told   []string
}

func listen(t *testing.T) *listener {
	t.Helper()
	l := &listener{status: http.StatusNoContent}
	l.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("%s %v, %v", r.Method, r.Header, err)
		}
		l.told = append(l.told, string(body))
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(l.status)
	}))
	l.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	l.StartTLS()
	t.Cleanup(l.Close)
	return l
}

// trust returns a configuration that trusts the listener. It has a certificate of its
// own if known.
func (l *listener) trust(known bool) *tls.Config {
	config := l.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	if known {
		config.Certificates = l.TLS.Certificates
	}
	return config
}

func TestWebhookTells(t *testing.T) {
	broken := errors.New("cannot be rendered")
	render := func(e oxlin.Event) ([]byte, error) { return []byte(`{"id":"` + e.ID.String() + `"}`), nil }
	for _, test := range []struct {
		name    string
		status  int
		unknown bool // to a server that asks for a certificate
		render  func(oxlin.Event) ([]byte, error)
		told    int
		fails   bool
	}{
		{name: "200", status: http.StatusOK, told: 1},
		{name: "204", status: http.StatusNoContent, told: 1},
		{name: "a redirect is not followed", status: http.StatusFound, told: 1, fails: true},
		{name: "400", status: http.StatusBadRequest, told: 1, fails: true},
		{name: "500", status: http.StatusInternalServerError, told: 1, fails: true},
		{name: "no certificate of ours", status: http.StatusOK, unknown: true, fails: true},
		{name: "no JSON", status: http.StatusOK, fails: true, render: func(oxlin.Event) ([]byte, error) { return nil, broken }},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := listen(t)
			l.status = test.status
			if test.render == nil {
				test.render = render
			}
			webhook := notify.NewWebhookReader(l.trust(!test.unknown), test.render)
			err := webhook.Tell(t.Context(), to(l.URL+"/hook?key=canary"), oxlin.Event{ID: 7})
			if (err != nil) != test.fails || len(l.told) != test.told {
				t.Errorf("%v, told %q", err, l.told)
			}
			if len(l.told) > 0 && l.told[0] != `{"id":"7"}` {
				t.Errorf("told %q", l.told)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error repeats the client's address: %v", err)
			}
		})
	}
}

// to is a client with a webhook.
func to(address string) notify.Recipient {
	return notify.Recipient{Settings: map[string]oxlin.Secret{"url": oxlin.NewSecret(address)}}
}

func TestWebhookURLIsCheckedWhenItIsRegistered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := platformtest.New(t, db, platformtest.Options{Catalogue: platformtest.NoProviders{}})
		changing, _, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "Shop"})
		if err != nil {
			t.Fatal(err)
		}
		for uri, good := range map[string]bool{
			"": true, "https://client.test/hook?key=1": true, "http://127.0.0.1:8080/": true, "http://localhost/hook": true,
			"http://client.test/": false, "https:///hook": false, "client.test": false, "app:/hook": false, "%": false,
			"https://client.test/\xff": false, "https://me:pw@client.test/": false, "https://me@client.test/": false,
		} {
			values := map[string]oxlin.Secret{"webhook_url": oxlin.NewSecret(uri)}
			created, _, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "Shop", Settings: values})
			if (err == nil) != good || !good && oxlin.AsError(err).Field != "webhook_url" || good && created.Settings["webhook_url"].Value != uri {
				t.Errorf("created with %q: %v", uri, err)
			}
			changing, err = w.Clients.Set(changing, values)
			if err != nil {
				t.Fatal(err)
			}
			err = w.Clients.Change(t.Context(), changing)
			stored, readErr := db.Read().Client(t.Context(), changing.ID)
			if (err == nil) != good || readErr != nil || (stored.Settings["webhook_url"].Value == uri) != good {
				t.Errorf("changed to %q: %v, %v: %q", uri, err, readErr, stored.Settings)
			}
		}
	})
}

func TestACertificateForWebhooksNeedsItsKey(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.pem")
	for _, row := range []struct {
		cert, key string
		works     bool
		want      string
	}{
		{"", "", true, ""},
		{missing, "", true, "both --webhook-cert and --webhook-key"},
		{"", missing, true, "both --webhook-cert and --webhook-key"},
		{missing, missing, true, "no such file"},
		{missing, missing, false, ""}, // a process that sends no webhooks
	} {
		flags := map[string]oxlin.Secret{"webhook_cert": oxlin.NewSecret(row.cert), "webhook_key": oxlin.NewSecret(row.key)}
		_, err := notify.New(notify.Options{Process: notify.Process{Flags: flags, Works: row.works}}, notify.Ways()...)
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%+v: %v", row, err)
		}
	}
}

func TestWebhookFollowsEnds(t *testing.T) {
	webhook := notify.NewWebhookReader(nil, nil)
	with := func(status oxlin.ChannelStatus) oxlin.Connection {
		return oxlin.Connection{ID: 1, Channels: []oxlin.Channel{
			{DefinitionID: "8700", Status: oxlin.ChannelRunning}, {DefinitionID: "8701", Status: status},
		}}
	}
	for _, test := range []struct {
		eventType oxlin.EventType
		status    oxlin.ChannelStatus
		want      bool
	}{
		{oxlin.SyncAll.SuccessEvent(), oxlin.ChannelSuccess, true},
		{oxlin.SyncAll.FailedEvent(), oxlin.ChannelFailed, true},
		{oxlin.SyncAll.FailedEvent(), oxlin.ChannelSuccess, true}, // the bank's quota is used up
		{oxlin.SyncListAccounts.SuccessEvent(), oxlin.ChannelNever, true},
		{oxlin.SyncListAccounts.FailedEvent(), oxlin.ChannelTokenExpired, true},
		{oxlin.SyncListAccounts.SuccessEvent(), oxlin.ChannelRunning, false}, // a SYNC_ALL follows
		{oxlin.SyncAll.RunningEvent(), oxlin.ChannelRunning, false},
		{oxlin.SyncAll.UserInputEvent(), oxlin.ChannelRunning, false},
		{oxlin.EventType(oxlin.ChannelFailed), oxlin.ChannelFailed, false},
		{oxlin.EventConnectionUpdated, oxlin.ChannelSuccess, false},
		{oxlin.EventConnectionDeleted, oxlin.ChannelSuccess, false},
		{oxlin.EventWidgetGlobal, oxlin.ChannelSuccess, false},
	} {
		e := oxlin.Event{Type: test.eventType, ChannelDefinition: "8701", Connection: with(test.status)}
		if got := webhook.Follows(e); got != test.want {
			t.Errorf("%s of a channel that is %s: %v; want %v", test.eventType, test.status, got, test.want)
		}
	}
}
