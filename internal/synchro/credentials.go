package synchro

import (
	"context"
	"errors"
	"fmt"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// SaveCredentials seals values of a channel's credentials and stores them. keyID is
// the key of those that are encrypted.
func (e *Engine) SaveCredentials(ctx context.Context, tx *store.Tx, id oxlin.ChannelID, definition oxlin.ChannelDefinition, values map[oxlin.CredentialID]string, keyID oxlin.KeyID) error {
	err := store.LoginsOf(tx).Forget(ctx, id)
	if err != nil {
		return err
	}
	for _, d := range definition.Credentials {
		value, given := values[d.ID]
		if !given {
			continue
		}
		sealed, err := e.vault.Seal([]byte(value), credentialPlace(id, d.ID))
		if err != nil {
			return err
		}
		saved := store.SealedCredential{Credential: oxlin.Credential{ID: d.ID, Masked: d.Mask(value)}, Value: sealed}
		if d.Encrypt {
			saved.KeyID = keyID
		}
		err = tx.SaveCredential(ctx, id, saved)
		if err != nil {
			return err
		}
	}
	return nil
}

// credentials opens the channel's credentials. Encrypted ones can be checked only now:
// malformed credentials are rejected without a call to the bank.
func (r *run) credentials(ctx context.Context) (map[oxlin.CredentialID]oxlin.Secret, error) {
	sealed, err := r.db.Read().Credentials(ctx, r.channel.ID)
	if err != nil {
		return nil, err
	}
	definitions := make(map[oxlin.CredentialID]oxlin.CredentialDefinition)
	provider, _ := r.catalogue.Provider(r.connection.ProviderID)
	definition, _ := provider.Definition(r.channel.DefinitionID)
	for _, d := range definition.Credentials {
		definitions[d.ID] = d
	}
	values := make(map[oxlin.CredentialID]oxlin.Secret)
	for _, c := range sealed {
		value, err := r.vault.OpenSecret(c.Value, credentialPlace(r.channel.ID, c.ID))
		if err == nil && c.KeyID != 0 {
			value, err = r.engine.decrypt(ctx, c.KeyID, value.Reveal(), bank.CredentialsRejected)
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

// decrypt opens a message that a client encrypted for a key. A message that does not
// open is a failure of the given kind.
func (e *Engine) decrypt(ctx context.Context, id oxlin.KeyID, message string, kind bank.FailureKind) (oxlin.Secret, error) {
	key, err := e.db.Read().Key(ctx, id)
	if err != nil {
		return oxlin.Secret{}, err
	}
	private, err := e.vault.OpenSecret(key.Private, KeyPlace(key.UserID))
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
