package auth

import (
	"context"
	"fmt"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/lockout"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// SetPassword sets the password of the caller's user and ends their other sign-ins
// (contract §12.13). A signed-in user gives the current password, and wrong ones count for
// the sign-in. A client that acts for the user gives only the new one.
func (s *Server) SetPassword(ctx context.Context, caller oxlin.Caller, password, current oxlin.Secret) error {
	user, err := s.db.Read().User(ctx, caller.UserID)
	if err != nil {
		return err
	}
	err = s.passwordRules.Check(ctx, directory.NewPassword{Password: password, Client: caller.Client, Email: user.Email, Own: caller.SignIn != ""})
	if err != nil {
		return err
	}
	asker := vault.Asker{Known: true, Source: string(caller.Client.ID)}
	if caller.SignIn != "" {
		err := s.checkCurrent(ctx, caller, user, current)
		if err != nil {
			return err
		}
	}
	hash, err := s.vault.HashPassword(ctx, asker, password)
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return s.db.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		user, err := tx.Read().User(ctx, caller.UserID)
		if err != nil {
			return err
		}
		user.PasswordHash = hash
		err = tx.UpdateUser(ctx, user)
		if err != nil {
			return err
		}
		err = s.audit.Record(ctx, tx, audit.Entry{Action: audit.PasswordChanged, Client: caller.Client.ID, User: caller.UserID})
		if err != nil {
			return err
		}
		return tx.Auth().DropSignIns(ctx, caller.UserID, caller.SignIn)
	})
}

// checkCurrent compares the password of the caller's user.
func (s *Server) checkCurrent(ctx context.Context, caller oxlin.Caller, user oxlin.User, current oxlin.Secret) error {
	if current.IsZero() {
		return oxlin.Invalid("current_password", "A user gives the current password.")
	}
	err := s.passwords.check(ctx, lockout.OfSession(caller.SignIn, string(caller.Client.ID)), user, current)
	noteRefusal(ctx, s.audit, sessionDoor, caller.Client.ID, user, err)
	if oxlin.IsNotFound(err) {
		return oxlin.Invalid("current_password", "The current password is another one.")
	}
	return err
}

// EndSignIns ends all sign-ins of the caller's user (contract §12.13).
func (s *Server) EndSignIns(ctx context.Context, caller oxlin.Caller) error {
	return s.db.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		err := s.audit.Record(ctx, tx, audit.Entry{Action: audit.SignInsEnded, Client: caller.Client.ID, User: caller.UserID})
		if err != nil {
			return err
		}
		return tx.Auth().DropSignIns(ctx, caller.UserID, "")
	})
}
