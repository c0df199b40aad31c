package synchro

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/vault"
)

// keyLife is how long clients may encrypt for a key. What was encrypted before
// stays readable.
const keyLife = 30 * 24 * time.Hour

// keysAnHour is how many keys a user may have made in an hour: each costs half a
// second of a processor.
const keysAnHour = 20

// CreateKey makes an OpenPGP key for a user's client (contract §3.5). Too many in
// an hour are CodeTooManyRequests.
func (s *Service) CreateKey(ctx context.Context, caller oxlin.Caller) (oxlin.KeyID, error) {
	err := caller.Require(oxlin.ScopeConnectionsManage)
	if err != nil {
		return 0, err
	}
	now := s.Now().Truncate(time.Second) // OpenPGP counts in seconds
	recent, err := s.DB.Read().CountKeys(ctx, caller.UserID, now.Add(-time.Hour))
	if err != nil {
		return 0, err
	}
	if recent >= keysAnHour {
		return 0, &oxlin.Error{
			Code: oxlin.CodeTooManyRequests, Message: "Too many keys in an hour: a key may be used for many connections.", RetryAfter: time.Hour,
		}
	}
	key, err := s.newKey(ctx, vault.RSA, oxlin.Key{UserID: caller.UserID, CreatedAt: now})
	return key.ID, err
}

// keySpare is how long a key that is given out again has to live at least.
const keySpare = 24 * time.Hour

// PageKey gives the key that our pages encrypt for, what the caller's user types, or
// makes one. It is none that a client asked for: it costs nothing to make, and a
// browser needs no library for it.
func (s *Service) PageKey(ctx context.Context, caller oxlin.Caller) (oxlin.Key, error) {
	err := caller.Require(oxlin.ScopeConnectionsManage)
	if err != nil {
		return oxlin.Key{}, err
	}
	now := s.Now().Truncate(time.Second)
	key, err := s.DB.Read().PageKey(ctx, caller.UserID, now.Add(keySpare))
	if err == nil || !oxlin.IsNotFound(err) {
		return key.Key, err
	}
	return s.newKey(ctx, vault.P256, oxlin.Key{UserID: caller.UserID, ForPages: true, CreatedAt: now})
}

// newKey makes a key and stores it.
func (s *Service) newKey(ctx context.Context, algorithm vault.KeyAlgorithm, key oxlin.Key) (oxlin.Key, error) {
	key.ExpiresAt = key.CreatedAt.Add(keyLife)
	public, private, err := vault.NewKey(ctx, algorithm, key.CreatedAt, key.ExpiresAt)
	if err != nil {
		return oxlin.Key{}, err
	}
	// A private key has no place of its own before it has an id: the user is it.
	sealed, err := s.Vault.SealSecret(private, keyPlace(key.UserID))
	if err != nil {
		return oxlin.Key{}, err
	}
	key.Public = public
	err = s.DB.WriteFor(ctx, key.UserID, func(tx *store.Tx) error {
		var err error
		key.ID, err = tx.InsertKey(ctx, store.SealedKey{Key: key, Private: sealed})
		return err
	})
	return key, err
}

// Key finds a key of the caller's user.
func (s *Service) Key(ctx context.Context, caller oxlin.Caller, id oxlin.KeyID) (oxlin.Key, error) {
	err := caller.Require(oxlin.ScopeConnectionsManage)
	if err != nil {
		return oxlin.Key{}, err
	}
	key, err := s.DB.Read().Key(ctx, id)
	if err != nil {
		return oxlin.Key{}, err
	}
	if key.UserID != caller.UserID {
		return oxlin.Key{}, oxlin.NotFound("key")
	}
	return key.Key, nil
}

// decrypt opens what a client encrypted for a key. A message that looked right and
// does not open is no fault of ours: it is a failure of the kind given.
func (s *Service) decrypt(ctx context.Context, id oxlin.KeyID, message string, kind bank.FailureKind) (oxlin.Secret, error) {
	key, err := s.DB.Read().Key(ctx, id)
	if err != nil {
		return oxlin.Secret{}, err
	}
	private, err := s.Vault.OpenSecret(key.Private, keyPlace(key.UserID))
	if err != nil {
		return oxlin.Secret{}, err
	}
	opened, err := vault.Decrypt(private, message)
	var fault *oxlin.Error
	if errors.As(err, &fault) {
		return oxlin.Secret{}, &bank.Failure{Kind: kind, BankCode: "not decrypted", Err: err}
	}
	return opened, err
}

// Credentials are what a user typed for a channel, the encrypted ones as OpenPGP
// messages for the key.
type Credentials struct {
	KeyID  oxlin.KeyID
	Values map[oxlin.CredentialID]string
	// KeepOthers leaves those that are stored and not given as they are.
	KeepOthers bool
	// Passage is where in our widget they were typed.
	Passage Passage
}

// Passage ties what a user gives to their way through our widget: one attempt
// counts once, and the accounts wait for the consent that the widget asks for. The
// zero Passage ties it to none.
type Passage struct {
	FlowID  oxlin.FlowID
	Attempt int64
}

// errCounted says that the same attempt came before.
var errCounted = errors.New("this attempt was counted before")

// enter notes the access that the user gives to a channel.
func (p Passage) enter(ctx context.Context, tx *store.Tx, id oxlin.ConnectionID, definition oxlin.ChannelDefinitionID) error {
	if p.FlowID == 0 {
		return nil
	}
	counted, err := tx.EnterWidgetFlow(ctx, p.FlowID, p.Attempt, id, definition)
	if err == nil && !counted {
		return errCounted
	}
	return err
}

// NewConnection asks for a connection with the user's credentials (contract §3.6).
type NewConnection struct {
	ProviderID oxlin.ProviderID
	// DefinitionID is the EMBEDDED channel definition; empty is the provider's only one.
	DefinitionID      oxlin.ChannelDefinitionID
	Credentials       Credentials
	ConsentPerAccount bool
	AutoSync          bool
}

// Connect makes a connection with credentials and starts listing its accounts. A
// credential that is missing, unknown or cannot be right is named. The id is zero
// if the attempt of the widget was counted before.
func (s *Service) Connect(ctx context.Context, caller oxlin.Caller, request NewConnection) (oxlin.ConnectionID, error) {
	err := requireManaging(caller)
	if err != nil {
		return 0, err
	}
	provider, definition, err := s.embedded(request.ProviderID, request.DefinitionID)
	if err != nil {
		return 0, err
	}
	now := s.Now()
	var id oxlin.ConnectionID
	err = s.DB.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		err := s.checkCredentials(ctx, tx, caller, definition, request.Credentials, nil)
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
		_, err = s.Events.Record(ctx, tx, now, id, oxlin.EventConnectionCreated, "", oxlin.EventPayload{})
		if err != nil {
			return err
		}
		err = request.Credentials.Passage.enter(ctx, tx, id, definition.ID)
		if err != nil {
			return err
		}
		return s.useCredentials(ctx, tx, channel, definition, request.Credentials, present(caller.PSU))
	})
	if errors.Is(err, errCounted) {
		return 0, nil // the attempt that came first has made it
	}
	return id, err
}

// present is the user who has just typed something: they can answer a challenge,
// even if the client does not say where they are.
func present(psu *oxlin.PSU) *oxlin.PSU {
	if psu == nil {
		return &oxlin.PSU{}
	}
	return psu
}

// SetCredentials replaces all credentials of an EMBEDDED channel, or adds the
// channel to its connection, and starts listing the accounts.
func (s *Service) SetCredentials(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, definitionID oxlin.ChannelDefinitionID, credentials Credentials) error {
	err := requireManaging(caller)
	if err != nil {
		return err
	}
	err = s.change(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		provider, definition, err := s.embedded(connection.ProviderID, definitionID)
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
		err = s.checkCredentials(ctx, tx, caller, definition, credentials, kept)
		if err != nil {
			return err
		}
		switch {
		case !used:
			channel, err = addChannel(ctx, tx, id, definition.ID, definition.Mode)
		case !credentials.KeepOthers:
			err = tx.DeleteCredentials(ctx, channel.ID) // also those that are not given again
		}
		if err != nil {
			return err
		}
		err = credentials.Passage.enter(ctx, tx, id, definition.ID)
		if err != nil {
			return err
		}
		return s.useCredentials(ctx, tx, channel, definition, credentials, present(caller.PSU))
	})
	if errors.Is(err, errCounted) {
		return nil
	}
	return err
}

// SetCredential replaces one credential, so that a user need not type the others
// again (contract §3.6).
func (s *Service) SetCredential(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, credential oxlin.CredentialID, key oxlin.KeyID, value string) error {
	err := requireManaging(caller)
	if err != nil {
		return err
	}
	return s.change(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		for _, channel := range connection.Channels {
			_, definition, err := s.embedded(connection.ProviderID, channel.DefinitionID)
			if err != nil || !slices.ContainsFunc(channel.Credentials, func(c oxlin.Credential) bool { return c.ID == credential }) {
				continue
			}
			i := slices.IndexFunc(definition.Credentials, func(d oxlin.CredentialDefinition) bool { return d.ID == credential })
			if i < 0 {
				continue
			}
			err = s.checkValue(ctx, tx, caller, definition.Credentials[i], value, key)
			if err != nil {
				return err
			}
			changed := Credentials{KeyID: key, Values: map[oxlin.CredentialID]string{credential: value}}
			return s.useCredentials(ctx, tx, channel, definition, changed, present(caller.PSU))
		}
		return oxlin.NotFound("credential")
	})
}

// embedded finds a provider's EMBEDDED channel definition.
func (s *Service) embedded(id oxlin.ProviderID, definitionID oxlin.ChannelDefinitionID) (oxlin.Provider, oxlin.ChannelDefinition, error) {
	provider, ok := s.Catalogue.Provider(id)
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

// addChannel makes the channel of a definition that the connection has not used yet.
// It is about to be started, and is RUNNING from its first event on (contract §11).
func addChannel(ctx context.Context, tx *store.Tx, id oxlin.ConnectionID, definition oxlin.ChannelDefinitionID, mode oxlin.Mode) (oxlin.Channel, error) {
	channel := oxlin.Channel{ConnectionID: id, DefinitionID: definition, Mode: mode, Status: oxlin.ChannelRunning}
	var err error
	channel.ID, err = tx.InsertChannel(ctx, channel)
	return channel, err
}

// useCredentials seals credentials, keeps them with the channel and starts
// listing its accounts with them.
func (s *Service) useCredentials(ctx context.Context, tx *store.Tx, channel oxlin.Channel, definition oxlin.ChannelDefinition, credentials Credentials, psu *oxlin.PSU) error {
	err := s.supersede(ctx, tx, channel.ID, s.Now())
	if err != nil {
		return err
	}
	for _, d := range definition.Credentials {
		value, given := credentials.Values[d.ID]
		if !given {
			continue
		}
		sealed, err := s.Vault.Seal([]byte(value), credentialPlace(channel.ID, d.ID))
		if err != nil {
			return err
		}
		saved := store.SealedCredential{Credential: oxlin.Credential{ID: d.ID, Masked: d.Mask(value)}, Value: sealed}
		if d.Encrypt {
			saved.KeyID = credentials.KeyID
		}
		err = tx.SaveCredential(ctx, channel.ID, saved)
		if err != nil {
			return err
		}
	}
	channel.Failures = 0
	return s.start(ctx, tx, channel, oxlin.SyncListAccounts, psu, oxlin.SyncProgress{AskConsent: credentials.Passage.FlowID != 0})
}

// credentials opens what a channel logs in with, for the moment of use. What came
// encrypted shows only now whether it can be right; if not, the bank is not asked.
func (s *Service) credentials(ctx context.Context, r *run) (map[oxlin.CredentialID]oxlin.Secret, error) {
	sealed, err := s.DB.Read().Credentials(ctx, r.channel.ID)
	if err != nil {
		return nil, err
	}
	definitions := make(map[oxlin.CredentialID]oxlin.CredentialDefinition)
	provider, _ := s.Catalogue.Provider(r.connection.ProviderID)
	definition, _ := provider.Definition(r.channel.DefinitionID)
	for _, d := range definition.Credentials {
		definitions[d.ID] = d
	}
	values := make(map[oxlin.CredentialID]oxlin.Secret)
	for _, c := range sealed {
		value, err := s.Vault.OpenSecret(c.Value, credentialPlace(r.channel.ID, c.ID))
		if err == nil && c.KeyID != 0 {
			value, err = s.decrypt(ctx, c.KeyID, value.Reveal(), bank.CredentialsRejected)
		}
		if err != nil {
			return nil, fmt.Errorf("credential %s: %w", c.ID, err)
		}
		if c.KeyID != 0 && !definitions[c.ID].Matches(value.Reveal()) {
			return nil, &bank.Failure{Kind: bank.CredentialsRejected, BankCode: "form of credential " + string(c.ID)}
		}
		values[c.ID] = value
	}
	return values, nil
}

// checkCredentials refuses credentials that are incomplete or cannot be right. One
// whose definition matches the empty text, or that is kept, may be left out.
func (s *Service) checkCredentials(ctx context.Context, tx *store.Tx, caller oxlin.Caller, definition oxlin.ChannelDefinition, credentials Credentials, kept []oxlin.Credential) error {
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
		err := s.checkValue(ctx, tx, caller, d, value, credentials.KeyID)
		if err != nil {
			return err
		}
	}
	return nil
}

// checkValue refuses a value that cannot be right. What is encrypted is opened
// only when it is used, so of that only the envelope is looked at.
func (s *Service) checkValue(ctx context.Context, tx *store.Tx, caller oxlin.Caller, d oxlin.CredentialDefinition, value string, id oxlin.KeyID) error {
	field := "credentials." + string(d.ID)
	if !d.Encrypt {
		if !d.Matches(value) {
			return oxlin.Invalid(field, "%q does not have the form %s.", d.Label, d.Regexp)
		}
		return nil
	}
	key, err := tx.Key(ctx, id)
	if oxlin.IsNotFound(err) || err == nil && key.UserID != caller.UserID {
		return oxlin.Invalid("key_id", "%q has to be encrypted for a key of this user.", d.Label)
	}
	if err != nil {
		return err
	}
	if !s.Now().Before(key.ExpiresAt) {
		return oxlin.Invalid("key_id", "The key has expired.")
	}
	err = vault.CheckMessage(key.Public, value)
	var fault *oxlin.Error
	if errors.As(err, &fault) {
		return oxlin.Invalid(field, "%q: %s", d.Label, fault.Message)
	}
	return err
}
