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
)

// Webhook posts to integrators' servers when a channel stops running (contract §3.11).
type Webhook struct {
	render func(oxlin.Event) ([]byte, error)
	client *http.Client
}

// webhookTimeout is how long an integrator's server may take to answer.
const webhookTimeout = 10 * time.Second

// NewWebhook returns a Webhook. render returns the JSON of an event. The configuration
// holds our certificate for servers that ask for one (mutual TLS); nil sends no
// certificate.
func NewWebhook(config *tls.Config, render func(oxlin.Event) ([]byte, error)) *Webhook {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	return &Webhook{render, &http.Client{
		Transport: transport, Timeout: webhookTimeout,
		// A redirect would carry the event to an address that nobody registered.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Name implements Reader.
func (w *Webhook) Name() string { return "webhook" }

// Follows implements Reader: a channel has stopped running. A channel whose next
// synchronisation follows at once is still running.
func (w *Webhook) Follows(e oxlin.Event) bool {
	channel, _ := e.Connection.Channel(e.ChannelDefinition)
	return e.Type.EndsSynchronisation() && channel.Status != oxlin.ChannelRunning
}

// Serves implements Reader.
func (w *Webhook) Serves(client oxlin.Client) bool { return client.WebhookURL != "" }

// Tell implements Reader.
func (w *Webhook) Tell(ctx context.Context, client oxlin.Client, e oxlin.Event) error {
	body, err := w.render(e)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, client.WebhookURL, bytes.NewReader(body))
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
