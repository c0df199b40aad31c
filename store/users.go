package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/store/query"
)

func user(row query.User) oxlin.User {
	return oxlin.User{
		ID: row.ID, ClientID: row.ClientID, Email: row.Email, PasswordHash: row.PasswordHash,
		Profile: row.Profile.V, TermsAcceptedAt: row.TermsAcceptedAt.Time, TermsVersion: row.TermsVersion, CreatedAt: row.CreatedAt.Time,
	}
}

// User finds a user.
func (r Reader) User(ctx context.Context, id oxlin.UserID) (oxlin.User, error) {
	row, err := r.q.FindUser(ctx, id)
	return found(row, err, "user", user)
}

// UserByEmail finds a client's user by the e-mail, letter by letter.
func (r Reader) UserByEmail(ctx context.Context, id oxlin.ClientID, email string) (oxlin.User, error) {
	row, err := r.q.FindUserByEmail(ctx, query.FindUserByEmailParams{ClientID: id, Email: email})
	return found(row, err, "user", user)
}

// InsertUser stores a new user; an e-mail that the client has already is CodeEmailTaken.
func (tx *Tx) InsertUser(ctx context.Context, u oxlin.User) (oxlin.UserID, error) {
	_, err := tx.UserByEmail(ctx, u.ClientID, u.Email)
	if err == nil {
		return 0, emailTaken(nil)
	}
	if !oxlin.IsNotFound(err) {
		return 0, err
	}
	id, err := tx.q.InsertUser(ctx, query.InsertUserParams{
		ClientID: u.ClientID, Email: u.Email, PasswordHash: u.PasswordHash, Profile: query.AsJSON(u.Profile),
		TermsAcceptedAt: query.At(u.TermsAcceptedAt), TermsVersion: u.TermsVersion, CreatedAt: query.At(u.CreatedAt),
	})
	if isUniqueViolation(err) {
		return 0, emailTaken(err) // two creations at once
	}
	if err != nil {
		return 0, fmt.Errorf("insert user: %w", err)
	}
	return id, nil
}

func emailTaken(cause error) error {
	taken := oxlin.DefaultError(oxlin.CodeEmailTaken)
	taken.Field, taken.Err = "email", cause
	return taken
}

// UpdateUser writes everything of a user that may change; an e-mail that another
// user has is CodeEmailTaken.
func (tx *Tx) UpdateUser(ctx context.Context, u oxlin.User) error {
	other, err := tx.UserByEmail(ctx, u.ClientID, u.Email)
	if err == nil && other.ID != u.ID {
		return emailTaken(nil)
	}
	if err != nil && !oxlin.IsNotFound(err) {
		return err
	}
	err = tx.q.UpdateUser(ctx, query.UpdateUserParams{
		ID: u.ID, Email: u.Email, PasswordHash: u.PasswordHash, Profile: query.AsJSON(u.Profile),
		TermsAcceptedAt: query.At(u.TermsAcceptedAt), TermsVersion: u.TermsVersion,
	})
	if isUniqueViolation(err) {
		return emailTaken(err) // two changes at once
	}
	if err != nil {
		return fmt.Errorf("update user: %w", err)
	}
	return nil
}

// DeleteUser removes a user and everything that is theirs.
func (tx *Tx) DeleteUser(ctx context.Context, id oxlin.UserID) error {
	tx.forgets = true
	err := tx.q.DeleteUser(ctx, id)
	if err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	return nil
}

// reserveImports gives n instants, one microsecond apart, later than all that the
// user's transactions have: the first of them. The user's row is locked until
// the end of the transaction, so the instants become visible in their order.
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
		ID: id, LastImportAt: query.At(first.Add(time.Duration(n) * time.Microsecond)),
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("reserve imports: %w", err)
	}
	return first, nil
}
