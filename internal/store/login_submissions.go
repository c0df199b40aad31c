package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// LoginOutcome is the fate of a password that was sent to a bank. The names are stored.
type LoginOutcome string

const (
	// LoginSent is the outcome of which nothing is known: recorded before the password is
	// sent, it stays if the bank's answer is lost or says nothing.
	LoginSent LoginOutcome = "SENT"
	// LoginAccepted and LoginRefused are the bank's answers.
	LoginAccepted LoginOutcome = "ACCEPTED"
	LoginRefused  LoginOutcome = "REFUSED"
)

// LoginSubmission is the last time that a channel's password was sent to its bank.
type LoginSubmission struct {
	Sync    oxlin.SyncID
	Outcome LoginOutcome
	At      time.Time
}

// LoginSubmission returns the last one of a channel since its credentials were given.
func (r Reader) LoginSubmission(ctx context.Context, id oxlin.ChannelID) (LoginSubmission, error) {
	row, err := r.q.FindLoginSubmission(ctx, id)
	return found(row, err, "login submission", func(row query.LoginSubmission) LoginSubmission {
		return LoginSubmission{row.SynchronisationID, LoginOutcome(row.Outcome), row.SubmittedAt.Time}
	})
}

// LoginTx writes what became of passwords.
type LoginTx struct{ executor }

// LoginsOf returns the writer of those rows in a transaction.
func LoginsOf(tx *Tx) LoginTx { return LoginTx{tx.executor} }

// Submit records that the password of a channel is about to be sent.
func (tx LoginTx) Submit(ctx context.Context, id oxlin.ChannelID, sync oxlin.SyncID, at time.Time) error {
	err := tx.q.SaveLoginSubmission(ctx, query.SaveLoginSubmissionParams{
		ChannelID: id, SynchronisationID: sync, Outcome: string(LoginSent), SubmittedAt: query.At(at),
	})
	if err != nil {
		return fmt.Errorf("record login submission: %w", err)
	}
	return nil
}

// End records what the bank said to the password that a synchronisation has sent, if it has sent
// one.
func (tx LoginTx) End(ctx context.Context, id oxlin.ChannelID, sync oxlin.SyncID, outcome LoginOutcome) error {
	err := tx.q.SetLoginOutcome(ctx, query.SetLoginOutcomeParams{ChannelID: id, SynchronisationID: sync, Outcome: string(outcome)})
	if err != nil {
		return fmt.Errorf("record login outcome: %w", err)
	}
	return nil
}

// Forget removes the record: the user has given other credentials, or the same once more.
func (tx LoginTx) Forget(ctx context.Context, id oxlin.ChannelID) error {
	err := tx.q.DeleteLoginSubmission(ctx, id)
	if err != nil {
		return fmt.Errorf("forget login submission: %w", err)
	}
	return nil
}
