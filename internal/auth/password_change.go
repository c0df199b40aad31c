package auth

import (
	"context"
	"fmt"
	"strconv"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/lockout"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// SetPassword sets the password of the caller's user and ends their other sign-ins
// (contract §12.13). A signed-in user gives the current password, and wrong ones count for
// the sign-in. A client that acts for the user gives only the new one, and the user's passkeys end
// too.
func (s *Server) SetPassword(ctx context.Context, caller oxlin.Caller, password, current oxlin.Secret) error {
	return passwordChange{
		server: s, client: caller.Client, user: caller.UserID, password: password, current: current,
		session: caller.SignIn, door: sessionDoor, family: caller.SignIn,
	}.run(ctx)
}

// passwordChange is a new password for a user.
type passwordChange struct {
	server            *Server
	client            oxlin.Client
	user              oxlin.UserID
	password, current oxlin.Secret
	// session identifies the sign-in or the session of a user who sets the password, for lockout. It
	// is empty if the client sets it: then current is not asked for.
	session string
	// door is for the audit log.
	door string
	// The sign-in and the session that go on; empty for none.
	family      string
	sessionHash []byte
}

func (c passwordChange) run(ctx context.Context) error {
	s := c.server
	user, err := s.db.Read().User(ctx, c.user)
	if err != nil {
		return err
	}
	err = s.passwordRules.Check(ctx, directory.NewPassword{Password: c.password, Client: c.client, Email: user.Email, Own: c.session != ""})
	if err != nil {
		return err
	}
	if c.session != "" {
		err := c.checkCurrent(ctx, user)
		if err != nil {
			return err
		}
	}
	hash, err := s.vault.HashPassword(ctx, vault.Asker{Known: true, Source: string(c.client.ID)}, c.password)
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return s.db.WriteFor(ctx, c.user, func(tx *store.Tx) error {
		user, err := tx.Read().User(ctx, c.user)
		if err != nil {
			return err
		}
		user.PasswordHash = hash
		user.PasskeysAlone = user.PasskeysAlone && c.session != "" // a client's change removes the passkeys
		err = tx.UpdateUser(ctx, user)
		if err != nil {
			return err
		}
		err = s.audit.Record(ctx, tx, audit.Entry{Action: audit.PasswordChanged, Client: c.client.ID, User: c.user})
		if err != nil {
			return err
		}
		err = c.dropPasskeys(ctx, tx)
		if err != nil {
			return err
		}
		return endSignIns(ctx, tx, c.user, c.family, c.sessionHash)
	})
}

// dropPasskeys removes the passkeys of a user whose client sets the password: the user may have lost
// the account to a thief with a passkey of their own.
func (c passwordChange) dropPasskeys(ctx context.Context, tx *store.Tx) error {
	if c.session != "" {
		return nil
	}
	n, err := store.UserPasskeysOf(tx).DropAll(ctx, c.user)
	if err != nil || n == 0 {
		return err
	}
	return c.server.audit.Record(ctx, tx, audit.Entry{
		Action: audit.PasskeyRemoved, Client: c.client.ID, User: c.user, Details: audit.Details{audit.Count: strconv.FormatInt(n, 10)},
	})
}

// checkCurrent compares the current password.
func (c passwordChange) checkCurrent(ctx context.Context, user oxlin.User) error {
	if c.current.IsZero() {
		return oxlin.Invalid("current_password", "A user gives the current password.")
	}
	err := c.server.passwords.check(ctx, lockout.OfSession(c.session, string(c.client.ID)), user, c.current)
	noteRefusal(ctx, c.server.audit, c.door, c.client.ID, user, err)
	if oxlin.IsNotFound(err) {
		return oxlin.Invalid("current_password", "The current password is another one.")
	}
	return err
}

// EndSignIns ends all sign-ins of the caller's user (contract §12.13), and the sessions of the
// user's own page.
func (s *Server) EndSignIns(ctx context.Context, caller oxlin.Caller) error {
	return s.db.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		err := s.audit.Record(ctx, tx, audit.Entry{Action: audit.SignInsEnded, Client: caller.Client.ID, User: caller.UserID})
		if err != nil {
			return err
		}
		return endSignIns(ctx, tx, caller.UserID, "", nil)
	})
}

// endSignIns ends the sign-ins of a user except those of one family, and the sessions of the user's
// own page except one.
func endSignIns(ctx context.Context, tx *store.Tx, user oxlin.UserID, family string, session []byte) error {
	err := tx.Auth().DropSignIns(ctx, user, family)
	if err != nil {
		return err
	}
	return store.UserSessionsOf(tx).DropAll(ctx, user, session)
}
