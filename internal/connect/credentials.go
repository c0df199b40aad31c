package connect

import (
	"context"
	"errors"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// Credentials are the use cases about what users type to log in at an EMBEDDED bank:
// their credentials and, in answers.go, the answers to its questions.
type Credentials struct{ *core }

// CredentialValues holds a user's input for a channel. Values of credentials with
// `encrypt` are OpenPGP messages for the key.
type CredentialValues struct {
	KeyID  oxlin.KeyID
	Values map[oxlin.CredentialID]string
	// KeepOthers keeps the stored credentials that Values does not have.
	KeepOthers bool
	// Attempt is the widget's attempt in which they were typed, if any.
	Attempt WidgetAttempt
}

// NewConnection asks for a connection with the user's credentials (contract §3.6).
type NewConnection struct {
	ProviderID oxlin.ProviderID
	// DefinitionID is the EMBEDDED channel definition; empty is the provider's only one.
	DefinitionID      oxlin.ChannelDefinitionID
	Credentials       CredentialValues
	ConsentPerAccount bool
	AutoSync          bool
}

// Connect makes a connection with credentials and starts listing its accounts. The
// error names a credential that is missing, unknown or malformed. The id is zero if
// the widget's attempt was counted before.
func (c *Credentials) Connect(ctx context.Context, caller oxlin.Caller, request NewConnection) (oxlin.ConnectionID, error) {
	err := caller.RequireAgreementOrWidget()
	if err != nil {
		return 0, err
	}
	provider, definition, err := c.embedded(request.ProviderID, request.DefinitionID)
	if err != nil {
		return 0, err
	}
	now := c.now()
	var id oxlin.ConnectionID
	err = c.db.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		err := c.check(ctx, tx, caller, definition, request.Credentials, nil)
		if err != nil {
			return err
		}
		id, err = tx.InsertConnection(ctx, oxlin.Connection{
			UserID: caller.UserID, ProviderID: provider.ID, Name: provider.Name, AutoSync: request.AutoSync,
			ConsentPerAccount: request.ConsentPerAccount, CreatedAt: now,
		})
		if err != nil {
			return err
		}
		channel, err := addChannel(ctx, tx, id, definition.ID, definition.Mode)
		if err != nil {
			return err
		}
		_, err = c.events.Record(ctx, tx, now, id, oxlin.EventConnectionCreated, "", oxlin.EventPayload{})
		if err != nil {
			return err
		}
		err = request.Credentials.Attempt.count(ctx, tx, id, definition.ID)
		if err != nil {
			return err
		}
		return c.use(ctx, tx, channel, definition, request.Credentials, present(caller.PSU))
	})
	if errors.Is(err, errCounted) {
		return 0, nil // the first request with this attempt made the connection
	}
	return id, err
}

// Replace replaces all credentials of an EMBEDDED channel, or adds the channel to its
// connection, and starts listing the accounts.
func (c *Credentials) Replace(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, definitionID oxlin.ChannelDefinitionID, credentials CredentialValues) error {
	err := caller.RequireAgreementOrWidget()
	if err != nil {
		return err
	}
	err = c.changeConnection(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		provider, definition, err := c.embedded(connection.ProviderID, definitionID)
		if _, known := provider.Definition(definitionID); !known {
			return oxlin.NotFound("channel definition")
		}
		if err != nil {
			return err
		}
		channel, used := connection.Channel(definition.ID)
		var kept []oxlin.Credential
		if credentials.KeepOthers {
			kept = channel.Credentials
		}
		err = c.check(ctx, tx, caller, definition, credentials, kept)
		if err != nil {
			return err
		}
		switch {
		case !used:
			channel, err = addChannel(ctx, tx, id, definition.ID, definition.Mode)
		case !credentials.KeepOthers:
			err = tx.DeleteCredentials(ctx, channel.ID) // including those without a new value
		}
		if err != nil {
			return err
		}
		err = credentials.Attempt.count(ctx, tx, id, definition.ID)
		if err != nil {
			return err
		}
		return c.use(ctx, tx, channel, definition, credentials, present(caller.PSU))
	})
	if errors.Is(err, errCounted) {
		return nil
	}
	return err
}

// ReplaceOne replaces one credential, so that a user need not type the others again
// (contract §3.6).
func (c *Credentials) ReplaceOne(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, credential oxlin.CredentialID, key oxlin.KeyID, value string) error {
	err := caller.RequireAgreementOrWidget()
	if err != nil {
		return err
	}
	return c.changeConnection(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		for _, channel := range connection.Channels {
			_, definition, err := c.embedded(connection.ProviderID, channel.DefinitionID)
			if err != nil || !slices.ContainsFunc(channel.Credentials, func(c oxlin.Credential) bool { return c.ID == credential }) {
				continue
			}
			i := slices.IndexFunc(definition.Credentials, func(d oxlin.CredentialDefinition) bool { return d.ID == credential })
			if i < 0 {
				continue
			}
			err = c.checkValue(ctx, tx, caller, definition.Credentials[i], value, key)
			if err != nil {
				return err
			}
			changed := CredentialValues{KeyID: key, Values: map[oxlin.CredentialID]string{credential: value}}
			return c.use(ctx, tx, channel, definition, changed, present(caller.PSU))
		}
		return oxlin.NotFound("credential")
	})
}

// use stores a channel's credentials and starts listing its accounts with them.
func (c *Credentials) use(ctx context.Context, tx *store.Tx, channel oxlin.Channel, definition oxlin.ChannelDefinition, credentials CredentialValues, psu *oxlin.PSU) error {
	err := c.engine.Supersede(ctx, tx, channel.ID)
	if err != nil {
		return err
	}
	err = c.engine.SaveCredentials(ctx, tx, channel.ID, definition, credentials.Values, credentials.KeyID)
	if err != nil {
		return err
	}
	err = askIn(ctx, tx, &channel, credentials.Attempt.FlowID)
	if err != nil {
		return err
	}
	channel.Failures = 0
	return c.engine.Start(ctx, tx, channel, oxlin.SyncListAccounts, psu, oxlin.SyncProgress{})
}

// embedded finds a provider's EMBEDDED channel definition; an empty definitionID is
// the first one.
func (c *Credentials) embedded(id oxlin.ProviderID, definitionID oxlin.ChannelDefinitionID) (oxlin.Provider, oxlin.ChannelDefinition, error) {
	provider, ok := c.catalogue.Provider(id)
	if !ok {
		return provider, oxlin.ChannelDefinition{}, oxlin.NotFound("provider")
	}
	for _, definition := range provider.ChannelDefinitions {
		if definition.Mode != oxlin.ModeEmbedded || definitionID != "" && definition.ID != definitionID {
			continue
		}
		if provider.Unavailable || definition.Unavailable {
			return provider, definition, oxlin.Errorf(oxlin.CodeProviderUnavailable, "%s is not available at the moment.", provider.Name)
		}
		return provider, definition, nil
	}
	return provider, oxlin.ChannelDefinition{}, oxlin.Invalid("channel_definition_id", "The provider has no such EMBEDDED channel.")
}

// check refuses credentials that are incomplete or malformed. A credential may be
// left out if it is in kept or if its definition matches the empty text.
func (c *Credentials) check(ctx context.Context, tx *store.Tx, caller oxlin.Caller, definition oxlin.ChannelDefinition, credentials CredentialValues, kept []oxlin.Credential) error {
	for id := range credentials.Values {
		if !slices.ContainsFunc(definition.Credentials, func(d oxlin.CredentialDefinition) bool { return d.ID == id }) {
			return oxlin.Invalid("credentials."+string(id), "The channel has no such credential.")
		}
	}
	for _, d := range definition.Credentials {
		value, given := credentials.Values[d.ID]
		if !given && slices.ContainsFunc(kept, func(c oxlin.Credential) bool { return c.ID == d.ID }) {
			continue
		}
		if !given && (d.Encrypt || !d.Matches("")) {
			return oxlin.Invalid("credentials."+string(d.ID), "The credential %q is missing.", d.Label)
		}
		if !given {
			continue
		}
		err := c.checkValue(ctx, tx, caller, d, value, credentials.KeyID)
		if err != nil {
			return err
		}
	}
	return nil
}

// checkValue refuses a malformed value. An encrypted value is opened only when it is
// used, so checkValue looks at its envelope alone.
func (c *Credentials) checkValue(ctx context.Context, tx *store.Tx, caller oxlin.Caller, d oxlin.CredentialDefinition, value string, id oxlin.KeyID) error {
	field := "credentials." + string(d.ID)
	if !d.Encrypt {
		if !d.Matches(value) {
			return oxlin.Invalid(field, "%q does not have the form %s.", d.Label, d.Regexp)
		}
		return nil
	}
	key, err := ownKey(ctx, tx.Read(), caller, id)
	if oxlin.IsNotFound(err) {
		return oxlin.Invalid("key_id", "%q has to be encrypted for a key of this user.", d.Label)
	}
	if err != nil {
		return err
	}
	if !c.now().Before(key.ExpiresAt) {
		return oxlin.Invalid("key_id", "The key has expired.")
	}
	err = vault.CheckMessage(key.Public, value)
	var fault *oxlin.Error
	if errors.As(err, &fault) {
		return oxlin.Invalid(field, "%q: %s", d.Label, fault.Message)
	}
	return err
}
