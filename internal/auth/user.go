package auth

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/lockout"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
)

// deviceCookie holds the users for whom a browser is known.
const deviceCookie = "oxlin_device"

// passwords compares the passwords of users, at every door alike.
type passwords struct {
	db         *store.DB
	vault      *vault.Vault
	log        *slog.Logger
	devices    lockout.Devices
	trustProxy bool
}

// find finds a client's user by e-mail. An unknown user is the zero value, so that callers go
// on as with a known one.
func (p passwords) find(ctx context.Context, id oxlin.ClientID, email string) (oxlin.User, error) {
	user, err := p.db.Read().UserByEmail(ctx, id, email)
	if oxlin.IsNotFound(err) {
		return oxlin.User{}, nil
	}
	return user, err
}

// account names a user for lockout, whether or not the user exists.
func account(id oxlin.ClientID, email string) string {
	return string(id) + "\x00" + store.EmailKey(email)
}

// deviceAccount names a user in the cookie; an unknown user has no name.
func deviceAccount(user oxlin.User) string {
	if user.ID == 0 {
		return ""
	}
	return user.ID.String()
}

// admitPage counts a request for the sign-in page: for the browser if it is known, so that
// strangers behind the same address do not keep it out, else for the address.
func (p passwords) admitPage(r *http.Request) error {
	if known := p.devices.Any(r); known != "" {
		return web.Admit(r.Context(), "", 0, "device "+known)
	}
	return web.Stranger(r.Context(), nil)
}

// tries returns the user of a form of the sign-in page, and whose attempt the form is. The
// attempt is admitted; nothing was written or hashed yet.
func (p passwords) tries(r *http.Request, id oxlin.ClientID, email string) (oxlin.User, lockout.Try, error) {
	user, err := p.find(r.Context(), id, email)
	if err != nil {
		return user, lockout.Try{}, err
	}
	try, known := p.devices.Try(r, deviceAccount(user))
	if !known {
		try = lockout.Stranger(account(id, email), web.Source(r.Context()))
	}
	try, err = p.devices.Admit(try)
	return user, try, err
}

// clientTries is tries for the request of a client that has proved its secret.
func (p passwords) clientTries(r *http.Request, id oxlin.ClientID, email string) (oxlin.User, lockout.Try, error) {
	person, stated, err := p.endUser(r)
	if err != nil {
		return oxlin.User{}, lockout.Try{}, err
	}
	try := lockout.OfClient(id, account(id, email), person, stated)
	user, err := p.find(r.Context(), id, email)
	return user, try, err
}

// endUser returns the address of the end user for whom a client asks. stated is set if it is
// the client that states it; else it is the address that the request comes from.
func (p passwords) endUser(r *http.Request) (person string, stated bool, err error) {
	address := strings.TrimSpace(r.Header.Get("PSU-IP-Address"))
	stated = address != ""
	if !stated {
		address = web.ClientAddress(r, p.trustProxy)
	}
	ip, err := netip.ParseAddr(address)
	switch {
	case err == nil:
		return web.Network(ip), stated, nil
	case stated:
		return "", false, refusalf(oxlin.CodeInvalidRequest, "The header PSU-IP-Address has to hold an IP address.")
	}
	return "", false, nil
}

// check compares the password of a user. The error is not-found, after the same time, for an
// unknown user and for a wrong password. After too many attempts it is CodeTooManyRequests
// with RetryAfter, and CodeUnavailable while too many passwords are being checked.
func (p passwords) check(ctx context.Context, try lockout.Try, user oxlin.User, password oxlin.Secret) error {
	return p.checkUnless(ctx, try, user, password, func(context.Context, oxlin.User) (bool, error) { return false, nil })
}

// checkUnless is check, except that a right password of a user for whom useless returns true is a
// wrong one, in the same time.
func (p passwords) checkUnless(ctx context.Context, try lockout.Try, user oxlin.User, password oxlin.Secret, useless func(context.Context, oxlin.User) (bool, error)) error {
	right, err := p.devices.Check(ctx, try, func(asker vault.Asker) (bool, error) {
		if user.ID == 0 {
			_, err := p.vault.HashPassword(ctx, asker, password) // an unknown user takes as long as a wrong password
			return false, err
		}
		right, err := p.vault.CheckPassword(ctx, asker, user.PasswordHash, password)
		if right && !p.vault.IsCurrent(user.PasswordHash) {
			p.renew(ctx, asker, user, password)
		}
		if !right || err != nil {
			return false, err
		}
		refused, err := useless(ctx, user)
		return !refused, err
	})
	if err != nil {
		return fmt.Errorf("check password: %w", err)
	}
	if !right {
		return oxlin.NotFound("user")
	}
	return nil
}

// renew replaces the hash of a password that an older release stored without the master key, that an
// older key made, or that is of another cost. If that fails, the next sign-in tries again.
func (p passwords) renew(ctx context.Context, asker vault.Asker, user oxlin.User, password oxlin.Secret) {
	hash, err := p.vault.HashPassword(ctx, asker, password)
	if err == nil {
		err = p.db.WriteFor(ctx, user.ID, func(tx *store.Tx) error {
			now, err := tx.Read().User(ctx, user.ID)
			if err != nil || now.PasswordHash != user.PasswordHash { // a new password was set meanwhile
				return err
			}
			now.PasswordHash = hash
			return tx.UpdateUser(ctx, now)
		})
	}
	if err != nil {
		p.log.WarnContext(ctx, "the hash of a password stays as an older release stored it", "user", user.ID, "error", err)
	}
}

// The doors at which passwords are given, for the audit log.
const (
	pageDoor    = "page"
	clientDoor  = "password-grant"
	sessionDoor = "password-change"
	accountDoor = "account"
)

// noteRefusal records that a password was refused, or was not looked at any more. Right ones
// are recorded with the tokens.
func noteRefusal(ctx context.Context, log *audit.Log, door string, client oxlin.ClientID, user oxlin.User, err error) {
	entry := audit.Entry{
		Action: audit.SignedIn, Outcome: audit.Refused, Actor: audit.Stranger, Client: client, User: user.ID, Details: audit.Details{audit.Door: door},
	}
	switch {
	case oxlin.IsNotFound(err):
	case err != nil && oxlin.AsError(err).Code == oxlin.CodeTooManyRequests:
		entry.Action = audit.LockedOut
	default:
		return
	}
	log.Note(ctx, entry)
}
