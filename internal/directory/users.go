package directory

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// Revoker revokes the access that a user has given to banks: synchro.Engine.
type Revoker interface {
	// RevokeAll enqueues the revocation of all access of a user.
	RevokeAll(ctx context.Context, tx *store.Tx, user oxlin.UserID) error
}

// Users are the end users of the clients.
type Users struct {
	db      *store.DB
	vault   *vault.Vault
	audit   *audit.Log
	revoker Revoker
	rules   PasswordRules
	now     func() time.Time
	// deletedUsers bounds the users that one sweep removes.
	deletedUsers int
}

// NewUsers makes Users.
func NewUsers(db *store.DB, v *vault.Vault, log *audit.Log, revoker Revoker, rules PasswordRules, now func() time.Time) *Users {
	return &Users{db, v, log, revoker, rules, now, deletedUsers}
}

// Get finds the caller's user.
func (u *Users) Get(ctx context.Context, caller oxlin.Caller) (oxlin.User, error) {
	return u.db.Read().User(ctx, caller.UserID)
}

// OfClient finds a user by id; another client's user is not found.
func (u *Users) OfClient(ctx context.Context, client oxlin.Client, id oxlin.UserID) (oxlin.User, error) {
	user, err := u.db.Read().User(ctx, id)
	if err == nil && user.ClientID != client.ID {
		return oxlin.User{}, oxlin.NotFound("user")
	}
	return user, err
}

// Create creates a user of a client (contract §3.1). The error is
// CodeInvalidRequest with its Field for a malformed e-mail or a refused password, and
// CodeEmailTaken for an e-mail that another user of the client has. While too many passwords
// are being hashed it is CodeUnavailable or CodeTooManyRequests.
func (u *Users) Create(ctx context.Context, client oxlin.Client, email string, password oxlin.Secret) (oxlin.UserID, error) {
	err := oxlin.CheckEmail(email)
	if err != nil {
		return 0, err
	}
	err = u.rules.Check(ctx, NewPassword{Password: password, Client: client, Email: email})
	if err != nil {
		return 0, err
	}
	hash, err := u.vault.HashPassword(ctx, vault.Asker{Known: true, Source: string(client.ID)}, password)
	if err != nil {
		return 0, fmt.Errorf("create user: %w", err)
	}
	var id oxlin.UserID
	err = u.db.Write(ctx, func(tx *store.Tx) error {
		var err error
		id, err = tx.InsertUser(ctx, oxlin.User{ClientID: client.ID, Email: email, PasswordHash: hash, CreatedAt: u.now()})
		if err != nil {
			return err
		}
		return u.audit.Record(ctx, tx, audit.Entry{Action: audit.UserCreated, Actor: audit.Client, Client: client.ID, User: id})
	})
	if err != nil {
		return 0, fmt.Errorf("create user: %w", err)
	}
	return id, nil
}

// Change lets change edit the caller's user, in one transaction, and records what differs.
func (u *Users) Change(ctx context.Context, caller oxlin.Caller, change func(user *oxlin.User)) error {
	return u.db.Write(ctx, func(tx *store.Tx) error {
		user, err := tx.Read().User(ctx, caller.UserID)
		if err != nil {
			return err
		}
		before := user
		change(&user)
		err = tx.UpdateUser(ctx, user)
		if err != nil {
			return err
		}
		var changed []string
		if before.Email != user.Email {
			changed = append(changed, "email")
		}
		if before.Profile != user.Profile {
			changed = append(changed, "profile")
		}
		if len(changed) == 0 {
			return nil
		}
		return u.audit.Record(ctx, tx, audit.Entry{
			Action: audit.UserChanged, Client: caller.Client.ID, User: user.ID, Details: audit.Details{audit.Changed: strings.Join(changed, ",")},
		})
	})
}

// AcceptTerms records that a user has accepted our present terms.
func (u *Users) AcceptTerms(ctx context.Context, id oxlin.UserID) error {
	return u.db.WriteFor(ctx, id, func(tx *store.Tx) error {
		user, err := tx.Read().User(ctx, id)
		if err != nil {
			return err
		}
		user.TermsVersion, user.TermsAcceptedAt = oxlin.TermsVersion, u.now()
		err = tx.UpdateUser(ctx, user)
		if err != nil {
			return err
		}
		return u.audit.Record(ctx, tx, audit.Entry{
			Action: audit.TermsAccepted, Actor: audit.User, User: id, Details: audit.Details{audit.Version: oxlin.TermsVersion},
		})
	})
}

// Delete removes the caller's user with all their data and revokes the access at
// their banks.
func (u *Users) Delete(ctx context.Context, caller oxlin.Caller) error {
	return u.db.WriteFor(store.Long(ctx), caller.UserID, func(tx *store.Tx) error {
		err := u.revoker.RevokeAll(ctx, tx, caller.UserID)
		if err != nil {
			return err
		}
		err = u.withdrawAll(ctx, tx, caller.UserID)
		if err != nil {
			return err
		}
		return tx.DeleteUser(ctx, caller.UserID)
	})
}

// withdrawAll records that a user is deleted, with each of their connections. Their key goes
// with them: nobody can tell later whose these entries are.
func (u *Users) withdrawAll(ctx context.Context, tx *store.Tx, id oxlin.UserID) error {
	connections, err := tx.Read().Connections(ctx, id)
	if err != nil {
		return err
	}
	for _, connection := range connections {
		for _, channel := range connection.Channels {
			consent, _, err := store.AuditOf(tx.Read()).LatestConsent(ctx, channel.ID)
			if err == nil && consent != 0 && channel.Status != oxlin.ChannelEmpty {
				err = u.audit.Record(ctx, tx, audit.Entry{
					Action: audit.ConsentWithdrawn, User: id, Connection: connection.ID, Consent: consent,
					Details: audit.Details{audit.Channel: string(channel.DefinitionID)},
				})
			}
			if err != nil {
				return err
			}
		}
		err := u.audit.Record(ctx, tx, audit.Entry{
			Action: audit.ConnectionDeleted, User: id, Connection: connection.ID, Details: audit.Details{audit.Provider: string(connection.ProviderID)},
		})
		if err != nil {
			return err
		}
	}
	return u.audit.Record(ctx, tx, audit.Entry{Action: audit.UserDeleted, User: id})
}
