package operator

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/lockout"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
)

const (
	// SessionLife is the longest duration of a session: a working day.
	SessionLife = 8 * time.Hour
	// idleLife is how long a session lasts without a request.
	idleLife = 30 * time.Minute
	// seenEvery bounds the writes of requests.
	seenEvery = time.Minute
	// pendingLife is how long a session waits for the second factor.
	pendingLife = 10 * time.Minute
	// mostTries bounds the codes that one session may try.
	mostTries = 5
	// confirmedLife is how long after a password its operator may see and change secrets.
	confirmedLife = 10 * time.Minute
)

// ErrEnded is wrapped by the refusal of the right password if it is a first one that has ended.
var ErrEnded = errors.New("the first password has ended")

// HasFirstPassword reports whether an operator has to choose another password before anything else.
func HasFirstPassword(found store.Operator) bool { return !found.PasswordUntil.IsZero() }

// Confirmed reports whether the operator of a session has entered the password lately.
func (o *Operators) Confirmed(s store.OperatorSession) bool {
	return o.options.Now().Before(s.ConfirmedAt.Add(confirmedLife))
}

// known returns an operator by name; an unknown one is the zero value.
func (o *Operators) known(ctx context.Context, name string) (store.Operator, error) {
	found, err := o.read().ByName(ctx, name)
	if oxlin.IsNotFound(err) {
		return store.Operator{}, nil
	}
	return found, err
}

func account(found store.Operator) string {
	if found.ID == 0 {
		return ""
	}
	return strconv.FormatInt(found.ID, 10)
}

// SignIn begins a session for a name and a password. The session is complete if the operator
// needs no second factor. The error is not-found, after the same time, for an unknown name, a
// wrong password and a disabled operator, and CodeTooManyRequests after too many failures. It
// wraps ErrEnded for the right password, if that is a first one whose time is over.
func (o *Operators) SignIn(r *http.Request, name string, password oxlin.Secret) (oxlin.Secret, store.OperatorSession, error) {
	ctx := r.Context()
	name = canonical(name)
	found, err := o.known(ctx, name)
	if err != nil {
		return oxlin.Secret{}, store.OperatorSession{}, err
	}
	try, known := o.devices.Try(r, account(found))
	if !known {
		try = lockout.Stranger("operator\x00"+name, web.Source(ctx))
	}
	right, err := o.compare(ctx, refusals(try, name), found, password)
	if err != nil {
		return oxlin.Secret{}, store.OperatorSession{}, err
	}
	if !right || found.Disabled {
		return oxlin.Secret{}, store.OperatorSession{}, oxlin.NotFound("operator")
	}
	if HasFirstPassword(found) && !o.options.Now().Before(found.PasswordUntil) {
		return oxlin.Secret{}, store.OperatorSession{}, ErrEnded
	}
	return o.begin(ctx, found, found.TOTPKey == nil && o.options.FactorOptional, nil)
}

// refusals returns an attempt that counts as a refusal of an operator's sign-ins, unless it is
// right. The operator is told how many there were.
func refusals(try lockout.Try, name string) lockout.Try {
	return try.Noting(
		func(ctx context.Context, tx *store.Tx) error { return store.OperatorsOf(tx).CountRefusal(ctx, name) },
		func(ctx context.Context, tx *store.Tx) error { return store.OperatorsOf(tx).TakeBackRefusal(ctx, name) },
	)
}

// factorTry returns the attempt to enter an operator's second factor.
func factorTry(found store.Operator) lockout.Try {
	return refusals(lockout.OfFactor("operator\x00"+account(found)), found.Name)
}

// compare compares a password. Of an unknown operator it takes as long.
func (o *Operators) compare(ctx context.Context, try lockout.Try, found store.Operator, password oxlin.Secret) (bool, error) {
	return o.devices.Check(ctx, try, func(asker vault.Asker) (bool, error) {
		if found.ID == 0 {
			_, err := o.options.Vault.HashPassword(ctx, asker, password)
			return false, err
		}
		right, err := o.options.Vault.CheckPassword(ctx, asker, found.PasswordHash, password)
		if right && !o.options.Vault.IsCurrent(found.PasswordHash) {
			o.renew(ctx, asker, found, password)
		}
		return right, err
	})
}

// renew replaces the hash of a password that an older release stored without the master key, or at
// another cost. If that fails, the old one stays good, and the next sign-in tries again.
func (o *Operators) renew(ctx context.Context, asker vault.Asker, found store.Operator, password oxlin.Secret) {
	hash, err := o.options.Vault.HashPassword(ctx, asker, password)
	if err == nil {
		_ = o.options.DB.Write(ctx, func(tx *store.Tx) error {
			return store.OperatorsOf(tx).RenewHash(ctx, found.ID, found.PasswordHash, hash)
		})
	}
}

// begin stores a new session, in the place of another one. before runs in its transaction.
func (o *Operators) begin(ctx context.Context, found store.Operator, complete bool, before func(tx *store.Tx) error) (oxlin.Secret, store.OperatorSession, error) {
	token, err := vault.NewToken(o.options.Rand)
	if err != nil {
		return oxlin.Secret{}, store.OperatorSession{}, err
	}
	now, life := o.options.Now(), pendingLife
	if complete {
		life = SessionLife
	}
	session := store.OperatorSession{
		Hash: vault.HashToken(token), Operator: found, Complete: complete, CreatedAt: now, SeenAt: now, ConfirmedAt: now, ExpiresAt: now.Add(life),
	}
	err = o.options.DB.Write(ctx, func(tx *store.Tx) error {
		if before != nil {
			err := before(tx)
			if err != nil {
				return err
			}
		}
		if complete {
			now, err := store.OperatorsIn(tx.Read()).ByName(ctx, found.Name)
			if err != nil {
				return err
			}
			session.Last = now.SignedIn
			err = store.OperatorsOf(tx).NoteSignIn(ctx, found.ID, session.CreatedAt, audit.OriginOf(ctx).Source)
			if err != nil {
				return err
			}
		}
		return store.OperatorsOf(tx).InsertSession(ctx, session)
	})
	return token, session, err
}

// Session returns the session of a token. The error is not-found for a session that has
// ended, and for one of a disabled operator.
func (o *Operators) Session(ctx context.Context, token oxlin.Secret) (store.OperatorSession, error) {
	session, err := o.read().Session(ctx, vault.HashToken(token))
	if err != nil {
		return store.OperatorSession{}, err
	}
	now := o.options.Now()
	if !now.Before(session.ExpiresAt) || !now.Before(session.SeenAt.Add(idleLife)) || session.Operator.Disabled {
		return store.OperatorSession{}, oxlin.NotFound("session")
	}
	if now.Sub(session.SeenAt) >= seenEvery {
		session.SeenAt = now
		err = o.options.DB.Write(ctx, func(tx *store.Tx) error { return store.OperatorsOf(tx).SeeSession(ctx, session.Hash, now) })
	}
	return session, err
}

// SignOut ends a session.
func (o *Operators) SignOut(ctx context.Context, token oxlin.Secret) error {
	return o.options.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := store.OperatorsOf(tx).DropSession(ctx, vault.HashToken(token))
		return err
	})
}

// SignOutOthers ends the other sessions of an operator.
func (o *Operators) SignOutOthers(ctx context.Context, session store.OperatorSession) error {
	return o.options.DB.Write(ctx, func(tx *store.Tx) error {
		return store.OperatorsOf(tx).DropSessions(ctx, session.Operator.ID, session.Hash)
	})
}

// Others counts the other sessions of an operator.
func (o *Operators) Others(ctx context.Context, session store.OperatorSession) (int64, error) {
	now := o.options.Now()
	n, err := o.read().CountSessions(ctx, session.Operator.ID, now, now.Add(-idleLife))
	return max(n-1, 0), err
}

// Remember returns the cookie that makes the browser of a sign-in known for the operator,
// without its path and flags; web.SetCookie sends it. It returns nil if too many browsers became known lately.
func (o *Operators) Remember(r *http.Request, found store.Operator) (*http.Cookie, error) {
	return o.devices.Remember(r.Context(), r, account(found))
}

// sessionName identifies a session for lockout.
func sessionName(s store.OperatorSession) string { return "operator\x00" + string(s.Hash) }

// Confirm checks the password of a session's operator again, with a code if there is a second
// factor. The error is not-found for a wrong one.
func (o *Operators) Confirm(ctx context.Context, session store.OperatorSession, password oxlin.Secret, code string) error {
	return o.confirm(ctx, session, password, func() error {
		if session.Operator.TOTPKey == nil {
			return nil
		}
		return o.checkFactor(ctx, session.Operator, code)
	})
}

// confirm is Confirm with any check of the second factor.
func (o *Operators) confirm(ctx context.Context, session store.OperatorSession, password oxlin.Secret, check func() error) error {
	right, err := o.compare(ctx, lockout.OfSession(sessionName(session), "operators"), session.Operator, password)
	if err != nil {
		return err
	}
	if !right {
		return oxlin.NotFound("operator")
	}
	err = check()
	if err != nil {
		return err
	}
	return o.options.DB.Write(ctx, func(tx *store.Tx) error {
		return store.OperatorsOf(tx).ConfirmSession(ctx, session.Hash, o.options.Now())
	})
}

// SetPassword replaces the password of a session's operator and ends the other sessions. The
// error is CodeInvalidRequest with its Field for a wrong current password and for a new one
// that is refused.
func (o *Operators) SetPassword(ctx context.Context, session store.OperatorSession, current, password oxlin.Secret) error {
	right, err := o.compare(ctx, lockout.OfSession(sessionName(session), "operators"), session.Operator, current)
	if err != nil {
		return err
	}
	if !right {
		return oxlin.Invalid("current", "The current password is another one.")
	}
	err = CheckPassword(session.Operator.Name, password)
	if err != nil {
		return err
	}
	if password == current {
		return oxlin.Invalid("password", "The new password is the current one.")
	}
	hash, err := o.options.Vault.HashPassword(ctx, asker, password)
	if err != nil {
		return err
	}
	return o.options.DB.Write(ctx, func(tx *store.Tx) error {
		err := store.OperatorsOf(tx).SetPassword(ctx, session.Operator.ID, hash, false, time.Time{})
		if err != nil {
			return err
		}
		err = store.OperatorsOf(tx).DropSessions(ctx, session.Operator.ID, session.Hash)
		if err != nil {
			return err
		}
		return o.recordOwn(ctx, tx, session, "password")
	})
}

// DismissReplays hides the notice of codes that were given a second time, for the operator of a
// session: those up to an instant.
func (o *Operators) DismissReplays(ctx context.Context, session store.OperatorSession, last time.Time) error {
	return o.options.DB.Write(ctx, func(tx *store.Tx) error {
		return store.OperatorsOf(tx).DismissReplays(ctx, session.Operator.ID, last)
	})
}

// trimCode removes what people put between the letters of a code.
func trimCode(code string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(strings.TrimSpace(code)))
}
