package api

import (
	"encoding/json"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api/oas"
)

// webhook is the contract's JSON; the API's document has it as the schema Webhook.
type webhook struct {
	ID                  string                    `json:"id"`
	EventType           string                    `json:"event_type"`
	ResourceType        string                    `json:"resource_type"`
	CreationDate        int64                     `json:"creation_date"`
	ChannelDefinitionID oxlin.ChannelDefinitionID `json:"channel_definition_id"`
	Resource            *oas.Connection           `json:"resource"`
	NewTransactions     bool                      `json:"new_transactions"`
	Cancelled           bool                      `json:"cancelled_transactions"`
	Restored            bool                      `json:"restored_transactions"`
	IncompleteAccounts  []oas.IncompleteAccount   `json:"incomplete_accounts,omitempty"`
	UnreadableAccounts  int                       `json:"unreadable_accounts,omitempty"`
}

// EventJSON returns what notifications tell about an event of a connection of a
// provider (contract §3.11). It shows connections as the API does, whose public address
// is public. A provider that has left the catalogue is the zero Provider.
func EventJSON(public string, e oxlin.Event, provider oxlin.Provider) ([]byte, error) {
	provider = withLogo(public, e.Connection.ProviderID, provider)
	resource := connection(e.Connection.WithAllChannels(provider), provider)
	return json.Marshal(webhook{
		ID: e.ID.String(), EventType: "UPDATED", ResourceType: "CONNECTIONS", CreationDate: e.At.Unix(),
		ChannelDefinitionID: e.ChannelDefinition, Resource: &resource, NewTransactions: e.Payload.NewTransactions > 0,
		Cancelled: e.Payload.CancelledTransactions > 0, Restored: e.Payload.RestoredTransactions > 0,
		IncompleteAccounts: incompleteAccounts(e.Payload.Incomplete), UnreadableAccounts: e.Payload.UnreadableAccounts,
	})
}
