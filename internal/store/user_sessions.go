package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// UserSession is the session of a user's browser at the page of the user's own. Its token is not
// stored.
type UserSession struct {
	// Hash is the SHA-256 of the token.
	Hash   []byte
	UserID oxlin.UserID
	// Device is the kind of device, as web.DeviceOf writes it.
	Device    string
	CreatedAt time.Time
	// SeenAt is about the time of the last request. ConfirmedAt is when the user has last proved
	// who they are.
	SeenAt      time.Time
	ConfirmedAt time.Time
	ExpiresAt   time.Time
}

func userSession(row query.UserSession) UserSession {
	return UserSession{row.Hash, row.UserID, row.Device, row.CreatedAt.Time, row.SeenAt.Time, row.ConfirmedAt.Time, row.ExpiresAt.Time}
}

// UserSignIn is a sign-in of a user to an application: a family of tokens.
type UserSignIn struct {
	Family string
	// Device is the kind of device, as web.DeviceOf writes it; empty if the application signed
	// the user in.
	Device string
	// At is when the user signed in, and RenewedAt when the application last got a token.
	At, RenewedAt time.Time
}

// UserSessionReader reads the sessions and the sign-ins of users.
type UserSessionReader struct{ executor }

// UserSessionsIn returns the reader of those rows.
func UserSessionsIn(r Reader) UserSessionReader { return UserSessionReader(r) }

// Session returns a session that has not ended by the hash of its token.
func (r UserSessionReader) Session(ctx context.Context, hash []byte, now time.Time) (UserSession, error) {
	row, err := r.q.FindUserSession(ctx, query.FindUserSessionParams{Hash: hash, Now: query.At(now)})
	return found(row, err, "session", userSession)
}

// List lists the sessions of a user that have not ended, the latest first.
func (r UserSessionReader) List(ctx context.Context, user oxlin.UserID, now time.Time, most int) ([]UserSession, error) {
	rows, err := r.q.ListUserSessions(ctx, query.ListUserSessionsParams{UserID: user, Now: query.At(now), Most: int64(most)})
	return each(rows, err, "session", userSession)
}

// SignIns lists the sign-ins of a user that have tokens, or a code that is not exchanged, the
// last used first.
func (r UserSessionReader) SignIns(ctx context.Context, user oxlin.UserID, now time.Time, most int) ([]UserSignIn, error) {
	rows, err := r.q.ListSignIns(ctx, query.ListSignInsParams{
		UserID: sql.NullInt64{Int64: int64(user), Valid: true}, Now: query.At(now), Most: int64(most),
	})
	return each(rows, err, "sign-in", func(row query.ListSignInsRow) UserSignIn {
		return UserSignIn{row.Family, row.Device, time.UnixMicro(row.SignedInAt).UTC(), time.UnixMicro(row.RenewedAt).UTC()}
	})
}

// UserSessionTx writes the sessions of users.
type UserSessionTx struct{ executor }

// UserSessionsOf returns the writer of those rows in a transaction.
func UserSessionsOf(tx *Tx) UserSessionTx { return UserSessionTx{tx.executor} }

// Insert stores a new session.
func (tx UserSessionTx) Insert(ctx context.Context, s UserSession) error {
	return wrote("insert session", tx.q.InsertUserSession(ctx, query.InsertUserSessionParams{
		Hash: s.Hash, UserID: s.UserID, Device: s.Device, CreatedAt: query.At(s.CreatedAt),
		SeenAt: query.At(s.SeenAt), ConfirmedAt: query.At(s.ConfirmedAt), ExpiresAt: query.At(s.ExpiresAt),
	}))
}

// See notes a request of a session, which now lasts until another instant.
func (tx UserSessionTx) See(ctx context.Context, hash []byte, now, until time.Time) error {
	return wrote("see session", tx.q.SeeUserSession(ctx, query.SeeUserSessionParams{Hash: hash, SeenAt: query.At(now), ExpiresAt: query.At(until)}))
}

// Confirm notes that the user has proved again who they are.
func (tx UserSessionTx) Confirm(ctx context.Context, hash []byte, now time.Time) error {
	return wrote("confirm session", tx.q.ConfirmUserSession(ctx, query.ConfirmUserSessionParams{Hash: hash, ConfirmedAt: query.At(now)}))
}

// Drop ends a session of a user. It returns false without such a session.
func (tx UserSessionTx) Drop(ctx context.Context, user oxlin.UserID, hash []byte) (bool, error) {
	n, err := tx.q.DropUserSession(ctx, query.DropUserSessionParams{Hash: hash, UserID: user})
	return n == 1, wrote("drop session", err)
}

// DropAll ends the sessions of a user, except one; an empty hash excepts none.
func (tx UserSessionTx) DropAll(ctx context.Context, user oxlin.UserID, except []byte) error {
	if except == nil {
		except = []byte{} // null is unlike nothing
	}
	return wrote("drop sessions", tx.q.DropUserSessions(ctx, query.DropUserSessionsParams{UserID: user, Except: except}))
}

// DropExpired removes the sessions that have ended.
func (tx UserSessionTx) DropExpired(ctx context.Context, now time.Time) error {
	return wrote("drop expired sessions", tx.q.DropExpiredUserSessions(ctx, query.At(now)))
}
