package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/pace"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
)

// passwordLimit allows ten tries to a person who forgot the password, and one a
// minute to an attacker after that. It counts per client and e-mail, whether or not
// the user exists, on all nodes together; the right password resets it.
var passwordLimit = pace.Burst(10, time.Minute)

// sourceLimit allows the people behind one address to sign in on a page within a minute, and
// one of them a second after that.
var sourceLimit = pace.Burst(60, time.Second)

// paceSource counts a sign-in form of a stranger, before anything is hashed or written.
// The error is CodeTooManyRequests with RetryAfter.
func (s *Server) paceSource(ctx context.Context) error {
	source := web.Source(ctx)
	if source == "" {
		return nil
	}
	state, ok := s.sources.Take(source, sourceLimit, s.now())
	if ok {
		return nil
	}
	return &oxlin.Error{Code: oxlin.CodeTooManyRequests, Message: "Too many passwords from one address; try again later.", RetryAfter: state.Wait}
}

// checkPassword finds a client's user by e-mail and password. The error is not-found,
// after the same time, for an unknown e-mail and for a wrong password. After too many
// attempts it is CodeTooManyRequests with RetryAfter, and CodeUnavailable while too many
// passwords are being checked.
func (s *Server) checkPassword(ctx context.Context, asker vault.Asker, id oxlin.ClientID, email string, password oxlin.Secret) (oxlin.UserID, error) {
	// The attempt counts before the password is compared, so that parallel ones all do.
	subject := s.vault.MAC(fmt.Appendf(nil, "password attempts\x00%s\x00%s", id, store.EmailKey(email)))
	var wait time.Duration
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		var err error
		wait, err = pace.Take(ctx, tx.Pace(), subject, passwordLimit, s.now())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("check password: %w", err)
	}
	if wait > 0 {
		return 0, &oxlin.Error{Code: oxlin.CodeTooManyRequests, Message: "Too many wrong passwords; try again later.", RetryAfter: wait}
	}
	user, err := s.db.Read().UserByEmail(ctx, id, email)
	if oxlin.IsNotFound(err) {
		_, hashErr := vault.HashPassword(ctx, asker, password) // an unknown user takes as long as a wrong password
		if hashErr != nil {
			return 0, hashErr
		}
	}
	if err != nil {
		return 0, err
	}
	same, err := vault.CheckPassword(ctx, asker, user.PasswordHash, password)
	if err != nil {
		return 0, err
	}
	if !same {
		return 0, oxlin.NotFound("user")
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error { return tx.Pace().Drop(ctx, subject) })
	if err != nil {
		return 0, fmt.Errorf("check password: %w", err)
	}
	return user.ID, nil
}
