package synchro

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
	"github.com/oxlin/oxlin/internal/vault"
)

// SaveAccess seals the access to a bank and stores it with its channel.
func (e *Engine) SaveAccess(ctx context.Context, tx *store.Tx, id oxlin.ChannelID, access bank.Access) error {
	sealed, err := e.vault.SealSecret(access.Encode(), accessPlace(id))
	if err != nil {
		return err
	}
	err = tx.SetAccess(ctx, id, sealed)
	if err != nil {
		return err
	}
	return store.SetUnattendedPerDay(ctx, tx, id, access.UnattendedPerDay)
}

// Access opens a channel's stored access; it is empty without one.
func (e *Engine) Access(ctx context.Context, id oxlin.ChannelID) (bank.Access, error) {
	return e.accessIn(ctx, e.db.Read(), id)
}

func (e *Engine) accessIn(ctx context.Context, reader store.Reader, id oxlin.ChannelID) (bank.Access, error) {
	sealed, err := reader.Access(ctx, id)
	if err != nil || len(sealed) == 0 {
		return bank.Access{}, err
	}
	secret, err := e.vault.OpenSecret(sealed, accessPlace(id))
	if err != nil {
		return bank.Access{}, err
	}
	return bank.DecodeAccess(secret)
}

// DestroyAccess deletes a channel's access and credentials, ends its
// synchronisation, if any, and revokes the access at the bank.
func (e *Engine) DestroyAccess(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel) error {
	err := e.RevokeAccess(ctx, tx, connection, channel)
	if err != nil {
		return err
	}
	err = e.Supersede(ctx, tx, channel.ID)
	if err != nil {
		return err
	}
	err = tx.SetAccess(ctx, channel.ID, nil)
	if err != nil {
		return err
	}
	return tx.DeleteCredentials(ctx, channel.ID)
}

// RevokeAccess enqueues the revocation of a channel's access at the bank. The caller
// deletes the access itself in the same transaction.
func (e *Engine) RevokeAccess(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel) error {
	sealed, err := tx.Read().Access(ctx, channel.ID)
	if err != nil || len(sealed) == 0 {
		return err
	}
	access, err := e.vault.OpenSecret(sealed, accessPlace(channel.ID))
	if err != nil {
		return err
	}
	// The channel's row may go away, so the job gets the access sealed for itself.
	sealed, err = e.vault.SealSecret(access, revocationPlace(connection.ProviderID))
	if err != nil {
		return err
	}
	return e.queue.EnqueueRevoke(ctx, tx, connection.ProviderID, channel.DefinitionID, sealed)
}

// RevokeUnsaved enqueues the revocation of an access that belongs to no channel: it was
// exchanged, and what it is for was deleted meanwhile.
func (e *Engine) RevokeUnsaved(ctx context.Context, tx *store.Tx, provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID, access bank.Access) error {
	sealed, err := e.vault.SealSecret(access.Encode(), revocationPlace(provider))
	if err != nil {
		return err
	}
	return e.queue.EnqueueRevoke(ctx, tx, provider, definition, sealed)
}

// RevokeUnstored enqueues the revocation of an access that is not stored in a channel of its user after all. Where it
// is of the same consent as a stored one, nothing is revoked: the bank would end both, perhaps by the tokens
// alone. Nor is anything where a stored access cannot be read.
func RevokeUnstored(ctx context.Context, e *Engine, tx *store.Tx, user oxlin.UserID, provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID, access bank.Access) error {
	shared, err := sharesConsent(ctx, e, tx.Read(), user, provider, definition, access)
	if err != nil || shared {
		return err
	}
	return e.RevokeUnsaved(ctx, tx, provider, definition, access)
}

// sharesConsent reports whether an access is, or may be, of the same consent as a stored one of the user.
func sharesConsent(ctx context.Context, e *Engine, reader store.Reader, user oxlin.UserID, provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID, access bank.Access) (bool, error) {
	connector, err := e.catalogue.Connector(provider, definition)
	sharer, ok := connector.(bank.Sharer)
	if err != nil || !ok {
		return false, nil
	}
	connections, err := reader.Connections(ctx, user)
	if err != nil {
		return false, err
	}
	for _, connection := range connections {
		channel, used := connection.Channel(definition)
		if !used || connection.ProviderID != provider {
			continue
		}
		kept, err := e.accessIn(ctx, reader, channel.ID)
		switch {
		case errors.Is(err, vault.ErrAway):
			return false, err
		case err != nil:
			e.log.WarnContext(ctx, "a stored access cannot be read, and a consent that may be its own stays at the bank", "channel", channel.ID, "error", err)
			return true, nil
		case sharer.SharesConsent(access, kept):
			return true, nil
		}
	}
	return false, nil
}

// RevokeReplaced enqueues the revocation of the consent that a channel's access leaves at the bank when a renewal
// has made another one. The caller stores the renewed access in the same transaction, so the job runs only
// if that holds. An old access that cannot be read keeps nobody from renewing.
func RevokeReplaced(ctx context.Context, e *Engine, tx *store.Tx, provider oxlin.ProviderID, channel oxlin.Channel, renewed bank.Access) error {
	connector, err := e.catalogue.Connector(provider, channel.DefinitionID)
	replacer, ok := connector.(bank.Replacer)
	if err != nil || !ok {
		return nil
	}
	old, err := e.accessIn(ctx, tx.Read(), channel.ID)
	switch {
	case errors.Is(err, vault.ErrAway):
		return err
	case err != nil:
		e.log.WarnContext(ctx, "the access that a renewal replaces cannot be read, and its consent stays at the bank", "channel", channel.ID, "error", err)
		return nil
	}
	left, ok := replacer.Replaced(old, renewed)
	if !ok {
		return nil
	}
	return e.RevokeUnsaved(ctx, tx, provider, channel.DefinitionID, left)
}

// begunMark begins the sealed text of a revocation that is about a state of a way in. That of
// an access is JSON.
const begunMark = "begun:"

// DiscardBegun enqueues the deletion of what a way in has begun at the bank and not finished.
func DiscardBegun(ctx context.Context, e *Engine, tx *store.Tx, provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID, state oxlin.Secret) error {
	sealed, err := e.vault.SealSecret(oxlin.NewSecret(begunMark+state.Reveal()), revocationPlace(provider))
	if err != nil {
		return err
	}
	return e.queue.EnqueueRevoke(ctx, tx, provider, definition, sealed)
}

// RevokeAll enqueues the revocation of all access of a user, who is about to be
// deleted.
func (e *Engine) RevokeAll(ctx context.Context, tx *store.Tx, user oxlin.UserID) error {
	connections, err := tx.Read().Connections(ctx, user)
	if err != nil {
		return err
	}
	for _, connection := range connections {
		for _, channel := range connection.Channels {
			err := e.RevokeAccess(ctx, tx, connection, channel)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Revoke revokes access at a bank that offers this, or deletes there what was begun. If it
// fails, another attempt may succeed.
func (e *Engine) Revoke(ctx context.Context, provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID, sealed []byte) error {
	connector, err := e.catalogue.Connector(provider, definition)
	if err != nil {
		return fmt.Errorf("connector: %w", err)
	}
	secret, err := e.vault.OpenSecret(sealed, revocationPlace(provider))
	if err != nil {
		return err
	}
	ctx, calls := audit.Collect(ctx)
	err = takeBack(ctx, connector, secret)
	for _, entry := range calls.Entries(audit.Entry{Details: audit.Details{
		audit.Resource: revokesAccess, audit.Provider: string(provider), audit.Channel: string(definition), audit.Attended: attended(nil),
	}}, err) {
		e.audit.Note(ctx, entry)
	}
	if err != nil && bank.AsFailure(err).Transient() {
		return fmt.Errorf("revoke access: %w", err)
	}
	return nil // the access is void already, or the bank never revokes it
}

// takeBack revokes an access, or discards what was begun, as the text of a revocation has it.
func takeBack(ctx context.Context, connector bank.Connector, secret oxlin.Secret) error {
	if state, begun := strings.CutPrefix(secret.Reveal(), begunMark); begun {
		discarder, ok := connector.(bank.Discarder)
		if !ok {
			return nil
		}
		return discarder.Discard(ctx, oxlin.NewSecret(state))
	}
	access, err := bank.DecodeAccess(secret)
	if err != nil {
		return err
	}
	revoker, ok := connector.(bank.Revoker)
	if !ok {
		return nil
	}
	return revoker.Revoke(ctx, access)
}

// ForgetAccount remembers what a deleted account can be recognised by, so that later
// listings skip it.
func (e *Engine) ForgetAccount(ctx context.Context, tx *store.Tx, account oxlin.Account) error {
	identities, err := e.identities(account)
	if err != nil {
		return err
	}
	for _, identity := range identities {
		err := tx.ForgetAccount(ctx, account.ConnectionID, identity[0])
		if err != nil {
			return err
		}
	}
	return nil
}

// identities are keyed hashes of everything by which an account can be recognised.
// They recognise a deleted account without keeping its numbers.
// Each is a list, with the hash of the newest key first and those of older keys behind it.
// The hashes are stored, so the words at their beginning never change.
// An account of which the bank tells nothing else is recognised by its name.
func (e *Engine) identities(a oxlin.Account) ([][][]byte, error) {
	kind := string(a.Type)
	signs := [][]string{{"iban", a.IBAN, a.Currency}, {"masked", a.MaskedNumber, kind}, {"bank", a.BankID, kind}}
	for _, further := range a.Identities {
		signs = append(signs, []string{string(further.Kind), further.Value, a.Currency, kind})
	}
	if !slices.ContainsFunc(signs, func(parts []string) bool { return parts[1] != "" }) {
		if reconcile.IsPlaceholder(a.Number) {
			signs = append(signs, []string{"name", a.Name, a.Currency, kind})
		} else {
			signs = append(signs, []string{"number", a.Number, a.Currency, kind})
		}
	}
	var identities [][][]byte
	for _, parts := range signs {
		if parts[1] != "" {
			identity, err := e.vault.MACs([]byte(strings.Join(parts, "\x00")))
			if err != nil {
				return nil, err
			}
			identities = append(identities, identity)
		}
	}
	return identities, nil
}

// shownIdentity holds what identities needs of an account that a list shows.
func shownIdentity(a bank.Account, currency string) oxlin.Account {
	return oxlin.Account{
		IBAN: a.IBAN, MaskedNumber: a.MaskedNumber, Number: a.Number, BankID: a.BankID, Identities: a.Identities, Name: a.Name,
		Currency: currency, Type: a.Type,
	}
}

// forgotten reports whether one of an account's identities is among those of deleted
// accounts. renew is set if an older key has made one of them.
func forgotten(deleted [][]byte, identities [][][]byte) (is, renew bool) {
	for _, identity := range identities {
		for i, hash := range identity {
			if slices.ContainsFunc(deleted, func(known []byte) bool { return bytes.Equal(known, hash) }) {
				is, renew = true, renew || i > 0
			}
		}
	}
	return is, renew
}

// rememberAnew writes the identities of a deleted account that the bank still lists with the
// newest key of keyed hashes: its numbers are at hand now, and at no other time.
func rememberAnew(ctx context.Context, tx *store.Tx, connection oxlin.ConnectionID, identities [][][]byte) error {
	for _, identity := range identities {
		err := tx.ForgetAccount(ctx, connection, identity[0])
		if err != nil {
			return err
		}
		for _, older := range identity[1:] {
			err := store.DropForgotten(ctx, tx, connection, older)
			if err != nil {
				return err
			}
		}
	}
	return nil
}
