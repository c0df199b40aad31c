package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/web/https"
)

// webhook posts to integrators' servers when a channel stops running (contract §3.11).
var webhook = Way{
	Name: "webhook",
	Settings: []oxlin.Setting{{
		Name: "url", Required: true, Check: checkURL,
		Label: "Webhook URL, called after each synchronisation", Example: "https://",
		Help: "Its server that is told of each synchronisation.", Placeholder: "URL",
	}},
	Flags: []oxlin.Setting{
		{
			Name: "cert", Kind: oxlin.SettingFile, Placeholder: "FILE",
			Help: "PEM file of the certificate by which integrators' servers know us when webhooks are sent.",
		},
		{Name: "key", Kind: oxlin.SettingFile, Placeholder: "FILE", Help: "PEM file of its key."},
	},
	Open: openWebhook,
}

// checkURL accepts https, and http on a loopback address, without a password, because the
// address is shown.
func checkURL(address string) error {
	parsed, err := url.Parse(address)
	switch {
	case err != nil || parsed.Host == "" || parsed.Scheme != "https" && (parsed.Scheme != "http" || !directory.IsLoopback(parsed.Hostname())):
		return oxlin.Invalid("url", "%q: a webhook's address is an https URL; http is for loopback addresses only.", address)
	case parsed.User != nil:
		return oxlin.Invalid("url", "A webhook's address has no password: it is shown.")
	}
	return nil
}

// webhookReader sends webhooks.
type webhookReader struct {
	render func(oxlin.Event) ([]byte, error)
	client *http.Client
}

// webhookTimeout is how long an integrator's server may take to answer.
const webhookTimeout = 10 * time.Second

// openWebhook returns the reader of a process. Its certificate is for servers that ask
// for one (mutual TLS).
func openWebhook(process Process) (Reader, error) {
	certificate, key := process.Flags["cert"].Reveal(), process.Flags["key"].Reveal()
	var config *tls.Config
	if process.Works && (certificate != "" || key != "") {
		if certificate == "" || key == "" {
			return nil, errors.New("webhooks with a certificate need both --webhook-cert and --webhook-key")
		}
		loaded, err := https.LoadCertificate(certificate, key, process.Log)
		if err != nil {
			return nil, err
		}
		config = loaded.Config()
	}
	return newWebhookReader(config, process.Render), nil
}

func newWebhookReader(config *tls.Config, render func(oxlin.Event) ([]byte, error)) *webhookReader {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	return &webhookReader{render, &http.Client{
		Transport: transport, Timeout: webhookTimeout,
		// A redirect would carry the event to an address that nobody registered.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Follows implements Reader: a channel has stopped running. A channel whose next
// synchronisation follows at once is still running.
func (w *webhookReader) Follows(e oxlin.Event) bool {
	channel, _ := e.Connection.Channel(e.ChannelDefinition)
	return e.Type.EndsSynchronisation() && channel.Status != oxlin.ChannelRunning
}

// Tell implements Reader.
func (w *webhookReader) Tell(ctx context.Context, to Recipient, e oxlin.Event) error {
	body, err := w.render(e)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.Settings["url"].Reveal(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("User-Agent", "oxlin")
	response, err := w.client.Do(request)
	var failure *url.Error
	if errors.As(err, &failure) {
		return failure.Err // without the address, which may hold a secret of the client's
	}
	if err != nil {
		return err
	}
	err = response.Body.Close() // the body means nothing
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("the answer was %s", response.Status)
	}
	return err
}
