package oxlin

import "time"

// Connection is a user's relation to a provider (contract §4.5). It has one channel
// for each channel definition that was ever used. Events store it as JSON.
type Connection struct {
	ID         ConnectionID `json:"ID"`
	UserID     UserID       `json:"UserID"`
	ProviderID ProviderID   `json:"ProviderID"`
	Name       string       `json:"Name"`
	// AutoSync asks for a synchronisation every day.
	AutoSync bool `json:"AutoSync"`
	// ConsentPerAccount makes new accounts wait for the user's decision.
	ConsentPerAccount bool `json:"ConsentPerAccount"`
	// Owner is the customer, empty until the user has consented once (contract §12.5).
	Owner Owner `json:"Owner"`
	// UnsharedOwner is the customer as the last list of accounts names them, until the user
	// consents. It never leaves the platform.
	UnsharedOwner Owner     `json:"-"`
	Channels      []Channel `json:"Channels"`
	CreatedAt     time.Time `json:"CreatedAt"`
	// DuplicateOf is an older connection of the user at the same provider that has an
	// account in common; zero for none. It is not stored.
	DuplicateOf ConnectionID `json:"-"`
}

// Owner is the customer as the bank names them; everything is optional. It is stored as
// JSON.
type Owner struct {
	Name        string `json:"name,omitempty"`
	Address     string `json:"address,omitempty"`
	BirthDate   Date   `json:"birth_date,omitzero"`
	BirthPlace  string `json:"birth_place,omitempty"`
	PhoneNumber string `json:"phone_number,omitempty"` // masked by the bank or by us
}

// Holder returns the customer as the bank names them, shared or not.
func (c Connection) Holder() Owner {
	if c.UnsharedOwner != (Owner{}) {
		return c.UnsharedOwner
	}
	return c.Owner
}

// Hides reports whether an account of the connection is shown to nobody but its user: the
// user declined it, or a page of ours asks for the consent to it (contract §12.5).
func (c Connection) Hides(a Account) bool {
	if a.Status != AccountPendingConsent {
		return false
	}
	channel, _ := c.Channel(a.LastChannelDefinition)
	return a.Declined || channel.AskedIn != 0
}

// Listed returns an account of the connection as others than its user see it. ok is false
// if they do not see it at all.
func (c Connection) Listed(a Account) (listed Account, ok bool) {
	if a.Status != AccountPendingConsent {
		return a, true
	}
	return a.BeforeConsent(c.Holder().Name), !c.Hides(a)
}

// ConnectionStatus summarises the last synchronisations of all channels (contract §5.1).
type ConnectionStatus string

const (
	// ConnectionNone was never synchronised; the client acts next.
	ConnectionNone ConnectionStatus = "NONE"
	// ConnectionRunning is being synchronised; wait, or answer a challenge.
	ConnectionRunning ConnectionStatus = "RUNNING"
	// ConnectionSuccess is in order; nobody has to act.
	ConnectionSuccess ConnectionStatus = "SUCCESS"
	// ConnectionPartialSuccess has both a failed channel and a successful one.
	ConnectionPartialSuccess ConnectionStatus = "PARTIAL_SUCCESS"
	// ConnectionFailed has only failed channels; their statuses tell what to do.
	ConnectionFailed ConnectionStatus = "FAILED"
	// ConnectionClosed is not synchronised any more.
	ConnectionClosed ConnectionStatus = "CLOSED"
)

// Status derives the connection's status from its channels (contract §5.1, §11):
// RUNNING while a channel is running. A channel that awaits consent counts as a
// success; an unused channel does not count.
func (c Connection) Status() ConnectionStatus {
	var good, bad int
	for _, channel := range c.Channels {
		switch channel.Status {
		case ChannelRunning:
			return ConnectionRunning
		case ChannelEmpty:
		case ChannelNever:
			if channel.AwaitsConsent {
				good++
			}
		case ChannelSuccess:
			good++
		default:
			bad++
		}
	}
	switch {
	case good > 0 && bad > 0:
		return ConnectionPartialSuccess
	case good > 0:
		return ConnectionSuccess
	case bad > 0:
		return ConnectionFailed
	}
	return ConnectionNone
}

// Channel returns the connection's channel for a definition.
func (c Connection) Channel(id ChannelDefinitionID) (Channel, bool) {
	for _, channel := range c.Channels {
		if channel.DefinitionID == id {
			return channel, true
		}
	}
	return Channel{}, false
}

// WithAllChannels returns the connection with all channels of its provider, in the
// catalogue's order: unused channels are EMPTY. Channels whose definition is no longer
// in the catalogue come last.
func (c Connection) WithAllChannels(provider Provider) Connection {
	var channels []Channel
	for _, definition := range provider.ChannelDefinitions {
		channel, used := c.Channel(definition.ID)
		if !used {
			channel = Channel{ConnectionID: c.ID, DefinitionID: definition.ID, Mode: definition.Mode, Status: ChannelEmpty}
		}
		channels = append(channels, channel)
	}
	for _, channel := range c.Channels {
		_, known := provider.Definition(channel.DefinitionID)
		if !known {
			channels = append(channels, channel)
		}
	}
	c.Channels = channels
	return c
}
