package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

func user(row query.User) oxlin.User {
	return oxlin.User{
		ID: row.ID, ClientID: row.ClientID, Email: row.Email, PasswordHash: row.PasswordHash, PasskeysAlone: row.PasskeysAlone,
		Profile: row.Profile.V, TermsAcceptedAt: row.TermsAcceptedAt.Time, TermsVersion: row.TermsVersion, CreatedAt: row.CreatedAt.Time,
	}
}

// User returns a user.
func (r Reader) User(ctx context.Context, id oxlin.UserID) (oxlin.User, error) {
	row, err := r.q.FindUser(ctx, id)
	return found(row, err, "user", user)
}

// UserByEmail returns a client's user by the e-mail: the exact one, else the same in
// canonical form (contract §12.13).
func (r Reader) UserByEmail(ctx context.Context, id oxlin.ClientID, email string) (oxlin.User, error) {
	row, err := r.q.FindUserByEmail(ctx, query.FindUserByEmailParams{ClientID: id, Email: email, EmailKey: emailKey(email)})
	return found(row, err, "user", user)
}

// InsertUser stores a new user; a duplicate e-mail within the client is CodeEmailTaken.
func (tx *Tx) InsertUser(ctx context.Context, u oxlin.User) (oxlin.UserID, error) {
	_, err := tx.Read().UserByEmail(ctx, u.ClientID, u.Email)
	if err == nil {
		return 0, emailTaken(nil)
	}
	if !oxlin.IsNotFound(err) {
		return 0, err
	}
	id, err := tx.q.InsertUser(ctx, query.InsertUserParams{
		ClientID: u.ClientID, Email: u.Email, EmailKey: emailKey(u.Email), PasswordHash: u.PasswordHash, Profile: query.AsJSON(u.Profile),
		TermsAcceptedAt: query.At(u.TermsAcceptedAt), TermsVersion: u.TermsVersion, CreatedAt: query.At(u.CreatedAt),
	})
	if isUniqueViolation(err) {
		return 0, emailTaken(err) // concurrent insert
	}
	if err != nil {
		return 0, fmt.Errorf("insert user: %w", err)
	}
	return id, nil
}

func emailKey(email string) sql.NullString {
	return sql.NullString{String: EmailKey(email), Valid: true}
}

func emailTaken(cause error) error {
	taken := oxlin.DefaultError(oxlin.CodeEmailTaken)
	taken.Field, taken.Err = "email", cause
	return taken
}

// UpdateUser writes all changeable fields of a user; another user's e-mail is
// CodeEmailTaken.
func (tx *Tx) UpdateUser(ctx context.Context, u oxlin.User) error {
	other, err := tx.Read().UserByEmail(ctx, u.ClientID, u.Email)
	if err == nil && other.ID != u.ID {
		return emailTaken(nil)
	}
	if err != nil && !oxlin.IsNotFound(err) {
		return err
	}
	err = tx.q.UpdateUser(ctx, query.UpdateUserParams{
		ID: u.ID, Email: u.Email, EmailKey: emailKey(u.Email), PasswordHash: u.PasswordHash, Profile: query.AsJSON(u.Profile),
		TermsAcceptedAt: query.At(u.TermsAcceptedAt), TermsVersion: u.TermsVersion, PasskeysAlone: u.PasskeysAlone,
	})
	if isUniqueViolation(err) {
		return emailTaken(err) // concurrent update
	}
	if err == nil {
		err = changeGrants(ctx, tx.executor, grantChange{user: u.ID})
	}
	if err != nil {
		return fmt.Errorf("update user: %w", err)
	}
	return nil
}

// reserveImports reserves n instants, one microsecond apart, later than those of all
// the user's transactions, and returns the first. The user's row stays locked until the
// transaction ends, so that the instants become visible in order. N is at least one.
func (tx *Tx) reserveImports(ctx context.Context, id oxlin.UserID, n int, now time.Time) (time.Time, error) {
	last, err := tx.q.LockUser(ctx, id)
	if err != nil {
		return time.Time{}, fmt.Errorf("lock user: %w", err)
	}
	first := now.Truncate(time.Microsecond)
	if !first.After(last.Time) {
		first = last.Add(time.Microsecond)
	}
	err = tx.q.SetLastImport(ctx, query.SetLastImportParams{
		ID: id, LastImportAt: query.At(first.Add(time.Duration(n-1) * time.Microsecond)),
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("reserve imports: %w", err)
	}
	return first, nil
}
