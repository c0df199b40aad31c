package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/api/oas"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/synchro"
)

// Webhooks tell integrators' servers of synchronisations (contract §3.11).
type Webhooks struct {
	db      *store.DB
	service *synchro.Service
	client  *http.Client
}

// webhookPatience is how long an integrator's server may take to answer.
const webhookPatience = 10 * time.Second

// NewWebhooks makes Webhooks. The configuration has what they show to servers that
// ask who calls (mutual TLS); nil shows nothing.
func NewWebhooks(db *store.DB, service *synchro.Service, config *tls.Config) *Webhooks {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	return &Webhooks{db, service, &http.Client{
		Transport: transport, Timeout: webhookPatience,
		// A redirect would carry what is told to an address that nobody registered.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// webhook is the contract's JSON; the document has it as the schema Webhook.
type webhook struct {
	ID                  string                    `json:"id"`
	EventType           string                    `json:"event_type"`
	ResourceType        string                    `json:"resource_type"`
	CreationDate        int64                     `json:"creation_date"`
	ChannelDefinitionID oxlin.ChannelDefinitionID `json:"channel_definition_id"`
	Resource            *oas.Connection           `json:"resource"`
	NewTransactions     bool                      `json:"new_transactions"`
}

// Webhook tells a client's server of a user's event. It implements jobs.Service's.
// What was deleted meanwhile is told to nobody, nor is a client that takes no
// webhooks any more. An error is worth another attempt.
func (w *Webhooks) Webhook(ctx context.Context, user oxlin.UserID, id oxlin.EventID) error {
	reader := w.db.Read()
	events, err := reader.Events(ctx, user, id-1, 1)
	if err != nil || len(events) == 0 || events[0].ID != id {
		return err
	}
	owner, err := reader.User(ctx, user)
	if oxlin.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	client, err := reader.Client(ctx, owner.ClientID)
	if err != nil || client.WebhookURL == "" {
		return err
	}
	body, err := json.Marshal(w.told(events[0]))
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	err = w.post(ctx, client.WebhookURL, body)
	if err != nil {
		return fmt.Errorf("webhook of client %s: %w", client.ID, err)
	}
	return nil
}

func (w *Webhooks) told(e oxlin.Event) webhook {
	provider, _ := w.service.Catalogue.Provider(e.Connection.ProviderID)
	resource := connection(w.service.Complete(e.Connection), provider)
	return webhook{
		ID: e.ID.String(), EventType: "UPDATED", ResourceType: "CONNECTIONS", CreationDate: e.At.Unix(),
		ChannelDefinitionID: e.ChannelDefinition, Resource: &resource, NewTransactions: e.Payload.NewTransactions > 0,
	}
}

func (w *Webhooks) post(ctx context.Context, address string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
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
	err = response.Body.Close() // what it says is nobody's business
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("the answer was %s", response.Status)
	}
	return err
}
