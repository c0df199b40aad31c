package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// Operator is a person who may sign in to the console.
type Operator struct {
	ID   int64
	Name string
	// Role is one of package operator.
	Role         string
	PasswordHash string
	// Initial is set while the password is the one of the start's settings.
	Initial bool
	// PasswordUntil is when a first password ends, in whose place the operator has to put another
	// one; zero for one that the operator has chosen.
	PasswordUntil time.Time
	Disabled      bool
	// TOTPKey is the sealed key of the second factor; nil without one. TOTPStep is the last
	// step whose code was used.
	TOTPKey   []byte
	TOTPStep  int64
	CreatedAt time.Time
	// SignedIn is the last sign-in that was complete.
	SignedIn SignIn
	// Replays are the codes that were given again after their use, since the operator was told.
	Replays Replays
}

// SignIn is a sign-in of an operator.
type SignIn struct {
	// At is zero if none is known, and From is the address.
	At   time.Time
	From string
	// Refused counts the passwords and codes that were refused since.
	Refused int64
}

// Replays are codes of a second factor that were given again, the last of them At and From an
// address.
type Replays struct {
	Count int64
	At    time.Time
	From  string
}

func operator(row query.Operator) Operator {
	return Operator{
		row.ID, row.Name, row.Role, row.PasswordHash, row.Initial, row.PasswordUntil.Time, row.Disabled, row.TotpKey, row.TotpStep, row.CreatedAt.Time,
		SignIn{row.SignedInAt.Time, row.SignedInFrom, row.Refused}, Replays{row.Replays, row.ReplayedAt.Time, row.ReplayedFrom},
	}
}

// OperatorSession is the session of an operator's browser. Its token is not stored.
type OperatorSession struct {
	// Hash is the SHA-256 of the token.
	Hash     []byte
	Operator Operator
	// Complete is set once the second factor was given, or is not needed.
	Complete bool
	// Enrolling is the sealed key of a second factor that is being set up.
	Enrolling []byte
	// Challenge waits for the answer of a passkey until ChallengeUntil; empty without one.
	Challenge      string
	ChallengeUntil time.Time
	CreatedAt      time.Time
	// SeenAt is about the time of the last request, ConfirmedAt of the last password.
	SeenAt      time.Time
	ConfirmedAt time.Time
	ExpiresAt   time.Time
	// Last is the operator's sign-in before this one, as it was when the session began.
	Last SignIn
}

// OperatorReader reads the operators and their sessions.
type OperatorReader struct{ executor }

// OperatorsIn returns the reader of those rows.
func OperatorsIn(r Reader) OperatorReader { return OperatorReader(r) }

// List lists the operators by name.
func (r OperatorReader) List(ctx context.Context) ([]Operator, error) {
	rows, err := r.q.ListOperators(ctx)
	return each(rows, err, "operator", operator)
}

// ByName returns an operator.
func (r OperatorReader) ByName(ctx context.Context, name string) (Operator, error) {
	row, err := r.q.FindOperator(ctx, name)
	return found(row, err, "operator", operator)
}

// Session returns a session, which may have ended, by the hash of its token.
func (r OperatorReader) Session(ctx context.Context, hash []byte) (OperatorSession, error) {
	row, err := r.q.FindOperatorSession(ctx, hash)
	return found(row, err, "session", func(row query.FindOperatorSessionRow) OperatorSession {
		s := row.OperatorSession
		return OperatorSession{
			s.Hash, operator(row.Operator), s.Complete, s.Enrolling, s.Challenge, s.ChallengeUntil.Time, s.CreatedAt.Time, s.SeenAt.Time, s.ConfirmedAt.Time, s.ExpiresAt.Time,
			SignIn{s.LastAt.Time, s.LastFrom, s.LastRefused},
		}
	})
}

// CountRecoveryCodes counts an operator's unused recovery codes.
func (r OperatorReader) CountRecoveryCodes(ctx context.Context, id int64) (int64, error) {
	n, err := r.q.CountRecoveryCodes(ctx, id)
	return found(n, err, "operator", func(n int64) int64 { return n })
}

// CountSessions counts the complete sessions of an operator that were seen since an
// instant and have not ended.
func (r OperatorReader) CountSessions(ctx context.Context, id int64, now, since time.Time) (int64, error) {
	n, err := r.q.CountOperatorSessions(ctx, query.CountOperatorSessionsParams{OperatorID: id, Now: query.At(now), IdleSince: query.At(since)})
	return found(n, err, "operator", func(n int64) int64 { return n })
}

// OperatorTx writes the operators and their sessions.
type OperatorTx struct{ executor }

// OperatorsOf returns the writer of those rows in a transaction.
func OperatorsOf(tx *Tx) OperatorTx { return OperatorTx{tx.executor} }

// wrote names what could not be written.
func wrote(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Insert stores a new operator. The error is CodeConflict if the name is taken.
func (tx OperatorTx) Insert(ctx context.Context, o Operator) error {
	err := tx.q.InsertOperator(ctx, query.InsertOperatorParams{
		Name: o.Name, Role: o.Role, PasswordHash: o.PasswordHash, Initial: o.Initial, PasswordUntil: query.At(o.PasswordUntil), CreatedAt: query.At(o.CreatedAt),
	})
	if isUniqueViolation(err) {
		return oxlin.Errorf(oxlin.CodeConflict, "There is an operator of this name.")
	}
	return wrote("insert operator", err)
}

// SetPassword replaces the hash of a password, whether it is that of the start's settings, and when
// it ends; zero for one without an end.
func (tx OperatorTx) SetPassword(ctx context.Context, id int64, hash string, initial bool, until time.Time) error {
	return wrote("set password", tx.q.SetOperatorPassword(ctx, query.SetOperatorPasswordParams{
		ID: id, PasswordHash: hash, Initial: initial, PasswordUntil: query.At(until),
	}))
}

// RenewHash replaces the hash of a password by another one of the same password, unless the
// password has changed since.
func (tx OperatorTx) RenewHash(ctx context.Context, id int64, before, hash string) error {
	return wrote("renew hash", tx.q.RenewOperatorHash(ctx, query.RenewOperatorHashParams{ID: id, Before: before, PasswordHash: hash}))
}

// CountRefusal counts a password or a code that is refused; without such an operator, nothing.
func (tx OperatorTx) CountRefusal(ctx context.Context, name string) error {
	return wrote("count refusal", tx.q.CountOperatorRefusal(ctx, name))
}

// TakeBackRefusal takes back what CountRefusal has counted.
func (tx OperatorTx) TakeBackRefusal(ctx context.Context, name string) error {
	return wrote("take back refusal", tx.q.TakeBackOperatorRefusal(ctx, name))
}

// NoteReplay notes a code that was given again.
func (tx OperatorTx) NoteReplay(ctx context.Context, id int64, now time.Time, from string) error {
	return wrote("note replay", tx.q.NoteOperatorReplay(ctx, query.NoteOperatorReplayParams{ID: id, ReplayedAt: query.At(now), ReplayedFrom: from}))
}

// DismissReplays hides the notice of an operator's codes that were given again up to an instant.
func (tx OperatorTx) DismissReplays(ctx context.Context, id int64, last time.Time) error {
	return wrote("dismiss replays", tx.q.DismissOperatorReplays(ctx, query.DismissOperatorReplaysParams{ID: id, ReplayedAt: query.At(last)}))
}

// NoteSignIn notes a complete sign-in. Refusals are counted from there.
func (tx OperatorTx) NoteSignIn(ctx context.Context, id int64, now time.Time, from string) error {
	return wrote("note sign-in", tx.q.NoteOperatorSignIn(ctx, query.NoteOperatorSignInParams{ID: id, SignedInAt: query.At(now), SignedInFrom: from}))
}

// SetRole replaces the role.
func (tx OperatorTx) SetRole(ctx context.Context, id int64, role string) error {
	return wrote("set role", tx.q.SetOperatorRole(ctx, query.SetOperatorRoleParams{ID: id, Role: role}))
}

// SetDisabled disables or enables an operator.
func (tx OperatorTx) SetDisabled(ctx context.Context, id int64, disabled bool) error {
	return wrote("disable operator", tx.q.SetOperatorDisabled(ctx, query.SetOperatorDisabledParams{ID: id, Disabled: disabled}))
}

// SetFactor replaces the second factor and the recovery codes; a nil key removes them.
func (tx OperatorTx) SetFactor(ctx context.Context, id int64, key []byte, step int64, codes [][]byte) error {
	err := tx.q.SetOperatorFactor(ctx, query.SetOperatorFactorParams{ID: id, TotpKey: key, TotpStep: step})
	return wrote("set second factor", errors.Join(err, tx.SetRecoveryCodes(ctx, id, codes)))
}

// SetRecoveryCodes replaces the hashes of the recovery codes.
func (tx OperatorTx) SetRecoveryCodes(ctx context.Context, id int64, codes [][]byte) error {
	err := tx.q.DropRecoveryCodes(ctx, id)
	for _, code := range codes {
		if err == nil {
			err = tx.q.InsertRecoveryCode(ctx, query.InsertRecoveryCodeParams{Hash: code, OperatorID: id})
		}
	}
	return wrote("set recovery codes", err)
}

// UseStep marks a step as used. It returns false if that step, or a later one, was used.
func (tx OperatorTx) UseStep(ctx context.Context, id, step int64) (bool, error) {
	n, err := tx.q.UseOperatorStep(ctx, query.UseOperatorStepParams{ID: id, TotpStep: step})
	return n == 1, wrote("use step", err)
}

// UseRecoveryCode removes a recovery code by its hash. It returns false without such a code.
func (tx OperatorTx) UseRecoveryCode(ctx context.Context, id int64, hash []byte) (bool, error) {
	n, err := tx.q.UseRecoveryCode(ctx, query.UseRecoveryCodeParams{Hash: hash, OperatorID: id})
	return n == 1, wrote("use recovery code", err)
}

// InsertSession stores a new session.
func (tx OperatorTx) InsertSession(ctx context.Context, s OperatorSession) error {
	return wrote("insert session", tx.q.InsertOperatorSession(ctx, query.InsertOperatorSessionParams{
		Hash: s.Hash, OperatorID: s.Operator.ID, Complete: s.Complete, Enrolling: s.Enrolling, CreatedAt: query.At(s.CreatedAt),
		SeenAt: query.At(s.SeenAt), ConfirmedAt: query.At(s.ConfirmedAt), ExpiresAt: query.At(s.ExpiresAt),
		LastAt: query.At(s.Last.At), LastFrom: s.Last.From, LastRefused: s.Last.Refused,
	}))
}

// SeeSession notes a request of a session.
func (tx OperatorTx) SeeSession(ctx context.Context, hash []byte, now time.Time) error {
	return wrote("see session", tx.q.SeeOperatorSession(ctx, query.SeeOperatorSessionParams{Hash: hash, SeenAt: query.At(now)}))
}

// ConfirmSession notes that the operator has entered the password again.
func (tx OperatorTx) ConfirmSession(ctx context.Context, hash []byte, now time.Time) error {
	return wrote("confirm session", tx.q.ConfirmOperatorSession(ctx, query.ConfirmOperatorSessionParams{Hash: hash, ConfirmedAt: query.At(now)}))
}

// Enrol keeps the sealed key of a second factor that is being set up.
func (tx OperatorTx) Enrol(ctx context.Context, hash, key []byte) error {
	return wrote("enrol", tx.q.EnrolInOperatorSession(ctx, query.EnrolInOperatorSessionParams{Hash: hash, Enrolling: key}))
}

// TrySession counts a try of a second factor. It returns false if there were too many.
func (tx OperatorTx) TrySession(ctx context.Context, hash []byte, most int64) (bool, error) {
	n, err := tx.q.TryInOperatorSession(ctx, query.TryInOperatorSessionParams{Hash: hash, Most: most})
	return n == 1, wrote("try session", err)
}

// DropSession ends a session. It returns false if it had ended.
func (tx OperatorTx) DropSession(ctx context.Context, hash []byte) (bool, error) {
	n, err := tx.q.DropOperatorSession(ctx, hash)
	return n == 1, wrote("drop session", err)
}

// DropSessions ends the sessions of an operator, except one.
func (tx OperatorTx) DropSessions(ctx context.Context, id int64, except []byte) error {
	if except == nil {
		except = []byte{}
	}
	return wrote("drop sessions", tx.q.DropOperatorSessions(ctx, query.DropOperatorSessionsParams{OperatorID: id, Except: except}))
}

// DropEndedSessions removes the sessions that expired, or were last seen before an instant.
func (tx OperatorTx) DropEndedSessions(ctx context.Context, now, since time.Time) error {
	return wrote("drop sessions", tx.q.DropEndedOperatorSessions(ctx, query.DropEndedOperatorSessionsParams{Now: query.At(now), IdleSince: query.At(since)}))
}
