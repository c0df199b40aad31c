package notify_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/notify"
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
			webhook := notify.NewWebhook(l.trust(!test.unknown), test.render)
			err := webhook.Tell(t.Context(), oxlin.Client{WebhookURL: l.URL + "/hook?key=canary"}, oxlin.Event{ID: 7})
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

func TestWebhookFollowsEnds(t *testing.T) {
	webhook := notify.NewWebhook(nil, nil)
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
